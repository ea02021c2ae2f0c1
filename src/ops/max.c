/* ops/max.c - the largest of the inputs, with broadcasting. */
#include "kernels/kernels.h"
#include "ops/lower.h"

static double real(double a, double b) { return a > b || a != a ? a : b; }
static int64_t whole(int64_t a, int64_t b) { return a > b ? a : b; }
static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    return vn_eval_fold(n, ev, real, whole, e);
}
static int qeval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    return vn_qeval_binary(n, ev, VN_BIN_MAX, e);
}
static enum q_kind quant_kind(const struct node *n) { return n->n_in == 2 ? Q_OWN : Q_FLOAT; }
static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    return vn_low_fold(n, l, VN_BIN_MAX, e);
}

const struct op_def vn_op_max = {
    .name = "max",
    .onnx = "Max",
    .min_in = 1,
    .max_in = -1,
    .infer = vn_infer_broadcast,
    .eval = eval,
    .qeval = qeval,
    .lower = lower,
    .quant = { .kind = Q_OWN },
    .quant_kind = quant_kind,
    .commutative = 1,
    .associative = 1,
    .chooses = 1,
};
