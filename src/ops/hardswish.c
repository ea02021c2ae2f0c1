/* ops/hardswish.c - x * min(max(x / 6 + 1/2, 0), 1). */
#include <math.h>

#include "kernels/kernels.h"
#include "ops/lower.h"

static double f(const struct node *n, double x)
{
    (void)n;
    return x * fmin(fmax(x / 6 + 0.5, 0), 1);
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    return vn_low_unary(n, l, VN_UN_HARDSWISH, 1.0f / 6.0f, 0.5f, e);
}

static double rounding(const struct node *n, double x, double y)
{
    (void)n;
    return 3 * fabs(x) * (fmin(fabs(x), 3) / 6 + 0.5) + fabs(y);
}

const struct op_def vn_op_hardswish = {
    .name = "hardswish",
    .onnx = "HardSwish",
    .min_in = 1,
    .max_in = 1,
    .infer = vn_infer_same_float,
    .eval = vn_eval_unary,
    .lower = lower,
    .f = f,
    .quant = { .kind = Q_TABLE },
    .rounding = rounding,
};
