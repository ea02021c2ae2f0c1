/* ops/cos.c - the cosine. */
#include <math.h>

#include "ops/lower.h"

static double f(const struct node *n, double x)
{
    (void)n;
    return cos(x);
}

const struct op_def vn_op_cos = {
    .name = "cos", .onnx = "Cos", .min_in = 1, .max_in = 1,
    .infer = vn_infer_same_float, .eval = vn_eval_unary, .lower = vn_low_table, .f = f,
    .quant = { .kind = Q_TABLE, .out = Q_OUT_FIXED, .lo = -1, .hi = 1 },
};
