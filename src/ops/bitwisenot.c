/* ops/bitwisenot.c - every bit turned over. */
#include "format/numbers.h"
#include "ops/portable_op.h"

static int64_t whole(int64_t x)
{
    return ~x;
} /* the width of an unsigned type is cut off when the cell is stored */

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    TRY(vn_eval_number(n, ev, whole, e));
    vn_eval_wrap(n, ev);
    return VN_OK;
}
static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    return vn_low_portable_unary(n, l, VN_CU_COMPLEMENT, e);
}

const struct op_def vn_op_bitwisenot = {
    .name = "bitwisenot",
    .onnx = "BitwiseNot",
    .min_in = 1,
    .max_in = 1,
    .infer = vn_infer_same,
    .eval = eval,
    .lower = lower,
};
