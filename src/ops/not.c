/* ops/not.c - logical negation. */
#include "format/numbers.h"
#include "ops/portable_op.h"

static int64_t whole(int64_t x) { return !x; }
static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    return vn_eval_number(n, ev, whole, e);
}
static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    return vn_low_portable_unary(n, l, VN_CU_NOT, e);
}

const struct op_def vn_op_not = {
    .name = "not",
    .onnx = "Not",
    .min_in = 1,
    .max_in = 1,
    .infer = vn_infer_same,
    .eval = eval,
    .lower = lower,
};
