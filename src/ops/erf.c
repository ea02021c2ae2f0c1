/* ops/erf.c - the error function. */
#include <math.h>

#include "kernels/kernels.h"
#include "ops/lower.h"

static double f(const struct node *n, double x)
{
    (void)n;
    return erf(x);
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    return vn_low_unary(n, l, VN_UN_ERF, 0, 0, e);
}

const struct op_def vn_op_erf = {
    .name = "erf",
    .onnx = "Erf",
    .min_in = 1,
    .max_in = 1,
    .infer = vn_infer_same_float,
    .eval = vn_eval_unary,
    .lower = lower,
    .f = f,
    .quant = { .kind = Q_TABLE, .out = Q_OUT_FIXED, .lo = -1, .hi = 1 },
    .relative = 6,
};
