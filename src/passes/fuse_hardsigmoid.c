/* A line clipped to [0, 1] is HardSigmoid. */
#include "ops/activations.h"
#include "passes/match.h"

static const char *const forms[] = {
    "(Div (Clip (Add x #b) 0 #h) #d)", /* clip(x + 3, 0, 6) / 6 */
    "(Mul (Clip (Add x #b) 0 #h) #k)", "(Clip (Add (Mul x #a) #b) 0 1)",
    "(Clip (Add (Div x #c) #b) 0 1)",  NULL,
};

/* Captured number, or what stands for it where the form has none. */
static int number(const struct match *m, char letter, double otherwise, double *x)
{
    *x = otherwise;
    return !vn_match_value(m, letter) || vn_match_number(m, letter, x);
}

static int fuse(struct match *m)
{
    double b, h, d, k, a, c;
    if (!number(m, 'b', 0, &b) || !number(m, 'h', 1, &h) || !number(m, 'd', 1, &d) ||
        !number(m, 'k', 1, &k) || !number(m, 'a', 1, &a) || !number(m, 'c', 1, &c) ||
        !vn_match_keeps_shape(m, 'x'))
        return 0;
    const double by = k / d; /* behind the clip, whose upper bound must become 1 */
    if (!(c != 0) || !(by * h > 1 - 1e-6 && by * h < 1 + 1e-6))
        return 0;
    struct hardsigmoid_attrs *p =
        vn_match_replace(m, &vn_op_hardsigmoid, 1, (struct value *[]){ vn_match_value(m, 'x') })->attrs;
    p->alpha = (float)(a / c * by);
    p->beta = (float)(b * by);
    return 1;
}

PATTERN_PASS(fuse_hardsigmoid, "a line clipped to 0 and 1 becomes HardSigmoid", forms, fuse);
