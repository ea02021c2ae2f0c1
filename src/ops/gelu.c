/* ops/gelu.c - x * P(X <= x) of a normal distribution, exactly or by tanh. */
#include <math.h>

#include "kernels/kernels.h"
#include "ops/activations.h"
#include "ops/lower.h"

static const char *const forms[] = { "none", "tanh", NULL };
static const struct attr_spec specs[] = { A_ENUM(struct gelu_attrs, approximate, "approximate", 0, forms),
                                          A_END };

static double f(const struct node *n, double x)
{
    if (((const struct gelu_attrs *)n->attrs)->approximate)
        return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    return 0.5 * x * erfc(-x / sqrt(2));
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    return vn_low_unary(
        n, l, ((const struct gelu_attrs *)n->attrs)->approximate ? VN_UN_GELU_TANH : VN_UN_GELU, 0, 0, e);
}

/* 1 + erf(..) loses digits where it is small; the factor x stays. */
static double rounding(const struct node *n, double x, double y)
{
    (void)n;
    return 8 * fabs(x) + 4 * fabs(y);
}

const struct op_def vn_op_gelu = {
    .name = "gelu",
    .onnx = "Gelu",
    .min_in = 1,
    .max_in = 1,
    .attrs = specs,
    .attrs_size = sizeof(struct gelu_attrs),
    .infer = vn_infer_same_float,
    .eval = vn_eval_unary,
    .lower = lower,
    .f = f,
    .quant = { .kind = Q_TABLE },
    .rounding = rounding,
};
