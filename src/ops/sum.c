/* ops/sum.c - the sum of the inputs, with broadcasting. */
#include "kernels/kernels.h"
#include "ops/lower.h"

static double real(double a, double b) { return a + b; }
static int64_t whole(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }
static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    return vn_eval_fold(n, ev, real, whole, e);
}
static int qeval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    return vn_qeval_binary(n, ev, VN_BIN_ADD, e);
}
static enum q_kind quant_kind(const struct node *n) { return n->n_in == 2 ? Q_OWN : Q_FLOAT; }
static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    return vn_low_fold(n, l, VN_BIN_ADD, e);
}

static int64_t terms(const struct node *n) { return n->n_in + 2; }

const struct op_def vn_op_sum = {
    .name = "sum",
    .onnx = "Sum",
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
    .terms = terms,
};
