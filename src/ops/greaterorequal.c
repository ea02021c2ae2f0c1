/* ops/greaterorequal.c - a >= b, with broadcasting. */
#include "format/numbers.h"
#include "ops/portable_op.h"

static int real(double a, double b) { return a >= b; }
static int whole(int64_t a, int64_t b) { return a >= b; }
static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    return vn_eval_compare(n, ev, real, whole, e);
}
static int qeval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    return vn_qeval_compare(n, ev, real, e);
}
static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    return vn_low_compare(n, l, VN_CB_GREATER_EQUAL, e);
}

const struct op_def vn_op_greaterorequal = {
    .name = "greaterorequal",
    .onnx = "GreaterOrEqual",
    .min_in = 2,
    .max_in = 2,
    .infer = vn_infer_compare,
    .eval = eval,
    .qeval = qeval,
    .lower = lower,
    .quant = { .kind = Q_OWN, .whole_out = 1 },
    .any_width = 1,
};
