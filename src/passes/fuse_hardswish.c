/* x * clip(x + 3, 0, 6) / 6 in the orders in which exporters write it. */
#include <math.h>

#include "ops/activations.h"
#include "passes/match.h"

#define CLIPPED "(Clip (Add x 3) 0 6)"
static const char *const forms[] = {
    "(Mul x s=(HardSigmoid x))",
    "(Div (Mul x " CLIPPED ") 6)",
    "(Mul (Mul x " CLIPPED ") 0.16666666667)",
    "(Mul (Div x 6) " CLIPPED ")",
    "(Mul (Mul x 0.16666666667) " CLIPPED ")",
    NULL,
};

static int fuse(struct match *m)
{
    const struct hardsigmoid_attrs *s = vn_match_value(m, 's') ? vn_match_node(m, 's')->attrs : NULL;
    if ((s && (fabs(s->alpha - 1.0 / 6) > 1e-6 || fabs(s->beta - 0.5) > 1e-6)) ||
        !vn_match_keeps_shape(m, 'x'))
        return 0;
    vn_match_replace(m, &vn_op_hardswish, 1, (struct value *[]){ vn_match_value(m, 'x') });
    return 1;
}

PATTERN_PASS(fuse_hardswish, "x * HardSigmoid(x) becomes HardSwish", forms, fuse);
