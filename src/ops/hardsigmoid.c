/* ops/hardsigmoid.c - min(max(alpha * x + beta, 0), 1). */
#include <math.h>

#include "kernels/kernels.h"
#include "ops/activations.h"
#include "ops/lower.h"

static const struct attr_spec specs[] = {
    A_FLOAT(struct hardsigmoid_attrs, alpha, "alpha", 0.2),
    A_FLOAT(struct hardsigmoid_attrs, beta, "beta", 0.5),
    A_END,
};

static double f(const struct node *n, double x)
{
    const struct hardsigmoid_attrs *a = n->attrs;
    return fmin(fmax(a->alpha * x + a->beta, 0), 1);
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    const struct hardsigmoid_attrs *a = n->attrs;
    return vn_low_unary(n, l, VN_UN_HARDSIGMOID, a->alpha, a->beta, e);
}

static double rounding(const struct node *n, double x, double y)
{
    const struct hardsigmoid_attrs *a = n->attrs;
    (void)y;
    return 2 * (fabs((double)a->alpha * x) + fabs((double)a->beta));
}

const struct op_def vn_op_hardsigmoid = {
    .name = "hardsigmoid",
    .onnx = "HardSigmoid",
    .min_in = 1,
    .max_in = 1,
    .attrs = specs,
    .attrs_size = sizeof(struct hardsigmoid_attrs),
    .infer = vn_infer_same_float,
    .eval = vn_eval_unary,
    .lower = lower,
    .f = f,
    .quant = { .kind = Q_TABLE, .out = Q_OUT_FIXED, .lo = 0, .hi = 1 },
    .rounding = rounding,
};
