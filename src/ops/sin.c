/* ops/sin.c - the sine. */
#include <math.h>

#include "format/numbers.h"
#include "ops/portable_op.h"

static double f(const struct node *n, double x)
{
    (void)n;
    return sin(x);
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    return vn_low_portable_unary(n, l, VN_CU_SIN, e);
}

const struct op_def vn_op_sin = {
    .name = "sin",
    .onnx = "Sin",
    .min_in = 1,
    .max_in = 1,
    .infer = vn_infer_same_float,
    .eval = vn_eval_unary,
    .lower = lower,
    .f = f,
    .quant = { .kind = Q_TABLE, .out = Q_OUT_FIXED, .lo = -1, .hi = 1 },
};
