/* ops/selu.c - gamma * x, or gamma * alpha * (exp(x) - 1) where x is not positive. */
#include <math.h>

#include "kernels/kernels.h"
#include "ops/lower.h"

struct attrs {
    float alpha, gamma;
};

static const struct attr_spec specs[] = {
    A_FLOAT(struct attrs, alpha, "alpha", 1.67326319217681884765625),
    A_FLOAT(struct attrs, gamma, "gamma", 1.05070102214813232421875),
    A_END,
};

static double f(const struct node *n, double x)
{
    const struct attrs *a = n->attrs;
    return x > 0 ? a->gamma * x : a->gamma * (a->alpha * expm1(x));
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    return vn_low_unary(n, l, VN_UN_SELU, a->gamma * a->alpha, a->gamma, e);
}

const struct op_def vn_op_selu = {
    .name = "selu",
    .onnx = "Selu",
    .min_in = 1,
    .max_in = 1,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = vn_infer_same_float,
    .eval = vn_eval_unary,
    .lower = lower,
    .f = f,
    .quant = { .kind = Q_TABLE },
    .relative = 16,
};
