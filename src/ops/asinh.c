/* ops/asinh.c - the inverse hyperbolic sine. */
#include <math.h>

#include "ops/lower.h"

static double f(const struct node *n, double x)
{
    (void)n;
    return asinh(x);
}

const struct op_def vn_op_asinh = {
    .name = "asinh", .onnx = "Asinh", .min_in = 1, .max_in = 1,
    .infer = vn_infer_same_float, .eval = vn_eval_unary, .lower = vn_low_table, .f = f,
    .quant = { .kind = Q_TABLE },
};
