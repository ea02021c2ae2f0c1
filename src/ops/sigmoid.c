/* ops/sigmoid.c - y = 1 / (1 + exp(-x)). */
#include <math.h>

#include "kernels/kernels.h"
#include "ops/lower.h"

static double f(const struct node *n, double x)
{
    (void)n;
    return 1.0 / (1.0 + exp(-x));
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    return vn_low_unary(n, l, VN_UN_SIGMOID, 0, 0, e);
}

const struct op_def vn_op_sigmoid = {
    .name = "sigmoid",
    .onnx = "Sigmoid",
    .min_in = 1,
    .max_in = 1,
    .infer = vn_infer_same_float,
    .eval = vn_eval_unary,
    .lower = lower,
    .f = f,
    .quant = { .kind = Q_TABLE, .out = Q_OUT_FIXED, .lo = 0, .hi = 1 },
    .relative = 6,
};
