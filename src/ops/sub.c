/* ops/sub.c - y = a - b, with broadcasting. */
#include "kernels/kernels.h"
#include "ops/lower.h"

static double real(double a, double b) { return a - b; }
static int64_t whole(int64_t a, int64_t b) { return (int64_t)((uint64_t)a - (uint64_t)b); }

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    return vn_eval_binary(n, ev, real, whole, e);
}
static int qeval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    return vn_qeval_binary(n, ev, VN_BIN_SUB, e);
}
static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    return vn_low_binary(n, l, VN_BIN_SUB, e);
}

const struct op_def vn_op_sub = {
    .name = "sub",
    .onnx = "Sub",
    .min_in = 2,
    .max_in = 2,
    .infer = vn_infer_broadcast,
    .eval = eval,
    .qeval = qeval,
    .lower = lower,
    .quant = { .kind = Q_OWN },
    .pair = PAIR_SUM,
    .inverse = 1,
};
