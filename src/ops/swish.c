/* ops/swish.c - x * sigmoid(alpha * x). */
#include <math.h>

#include "kernels/kernels.h"
#include "ops/activations.h"
#include "ops/lower.h"

static const struct attr_spec specs[] = {
    A_FLOAT(struct swish_attrs, alpha, "alpha", 1),
    A_END,
};

static double f(const struct node *n, double x)
{
    const struct swish_attrs *a = n->attrs;
    return x / (1 + exp(-a->alpha * x));
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    const struct swish_attrs *a = n->attrs;
    return vn_low_unary(n, l, VN_UN_SWISH, a->alpha, 0, e);
}

static double rounding(const struct node *n, double x, double y)
{
    const struct swish_attrs *a = n->attrs;
    return (8 + fabs((double)a->alpha * x)) * fabs(y);
}

const struct op_def vn_op_swish = {
    .name = "swish",
    .since = 24,
    .onnx = "Swish",
    .min_in = 1,
    .max_in = 1,
    .attrs = specs,
    .attrs_size = sizeof(struct swish_attrs),
    .infer = vn_infer_same_float,
    .eval = vn_eval_unary,
    .lower = lower,
    .f = f,
    .quant = { .kind = Q_TABLE },
    .rounding = rounding,
};
