/* ops/sign.c - -1, 0 or 1. */
#include <math.h>

#include "kernels/kernels.h"
#include "ops/lower.h"

static double f(const struct node *n, double x)
{
    (void)n;
    return x > 0 ? 1 : x < 0 ? -1 : x;
}

static int64_t whole(int64_t x) { return (x > 0) - (x < 0); }
static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    return vn_eval_number(n, ev, whole, e);
}
static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    return vn_low_unary(n, l, VN_UN_SIGN, 0, 0, e);
}

const struct op_def vn_op_sign = {
    .name = "sign",
    .onnx = "Sign",
    .min_in = 1,
    .max_in = 1,
    .infer = vn_infer_same,
    .eval = eval,
    .lower = lower,
    .f = f,
    .quant = { .kind = Q_TABLE, .out = Q_OUT_FIXED, .lo = -1, .hi = 1 },
};
