/* ops/abs.c - the magnitude. */
#include <math.h>

#include "kernels/kernels.h"
#include "ops/lower.h"

static double f(const struct node *n, double x)
{
    (void)n;
    return fabs(x);
}

static int64_t whole(int64_t x) { return x < 0 ? (int64_t)(0 - (uint64_t)x) : x; }
static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    return vn_eval_number(n, ev, whole, e);
}
static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    return vn_low_unary(n, l, VN_UN_ABS, 0, 0, e);
}

const struct op_def vn_op_abs = {
    .name = "abs",
    .onnx = "Abs",
    .min_in = 1,
    .max_in = 1,
    .infer = vn_infer_same,
    .eval = eval,
    .lower = lower,
    .f = f,
    .quant = { .kind = Q_TABLE },
};
