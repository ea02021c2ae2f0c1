/* ops/bitwisexor.c - the bits that one of a and b has, with broadcasting. */
#include "format/numbers.h"
#include "ops/portable_op.h"

static int64_t whole(int64_t a, int64_t b) { return a ^ b; }
static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    return vn_eval_binary(n, ev, NULL, whole, e);
}
static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    return vn_low_portable_binary(n, l, VN_CB_XOR, e);
}

const struct op_def vn_op_bitwisexor = {
    .name = "bitwisexor",
    .onnx = "BitwiseXor",
    .min_in = 2,
    .max_in = 2,
    .infer = vn_infer_whole,
    .eval = eval,
    .lower = lower,
};
