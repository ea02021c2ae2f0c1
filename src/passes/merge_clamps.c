/* A clamp of a clamp is one clamp to the intersection of both ranges. */
#include <math.h>

#include "passes/match.h"

static const char *const forms[] = {
    "(Relu (Relu x))", "(Relu (Clip x #a #b))", "(Clip (Relu x) #c #d)", "(Clip (Clip x #a #b) #c #d)", NULL,
};

/* The constant called `name`, or, where the pattern has none, the bound of a Relu. */
static int bound(double *v, struct match *m, char name, double of_relu)
{
    *v = of_relu;
    return !vn_match_value(m, name) || vn_match_number(m, name, v);
}

static int fuse(struct match *m)
{
    double lo, hi, outer_lo, outer_hi;
    if (!bound(&lo, m, 'a', 0) || !bound(&hi, m, 'b', INFINITY) || !bound(&outer_lo, m, 'c', 0) ||
        !bound(&outer_hi, m, 'd', INFINITY))
        return 0;
    if (!(lo <= hi && outer_lo <= outer_hi && fmax(lo, outer_lo) <= fmin(hi, outer_hi)))
        return 0; /* the ranges do not meet: a constant, which is another pass's work */
    struct value *x = vn_match_value(m, 'x');
    lo = fmax(lo, outer_lo);
    hi = fmin(hi, outer_hi);
    if (lo == 0 && hi == INFINITY)
        vn_match_replace(m, &vn_op_relu, 1, &x);
    else
        vn_match_replace(
            m, &vn_op_clip, 3,
            (struct value *[]){ x, vn_match_scalar(m, "min", lo), vn_match_scalar(m, "max", hi) });
    return 1;
}

PATTERN_PASS(merge_clamps, "two clamps in a row become one", forms, fuse);
