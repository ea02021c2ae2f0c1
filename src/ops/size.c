/* ops/size.c - the number of elements. */
#include "ops/lower.h"

static int infer(struct node *n, struct vn_err *e)
{
    const struct vn_shape scalar = { 0 };
    TRY(vn_infer_begin(n, e));
    return vn_infer_out(n, 0, VN_I64, &scalar, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    vn_i64(ev->out[0])[0] = vn_shape_count(&n->in[0]->shape);
    return VN_OK;
}

const struct op_def vn_op_size = {
    .name = "size",
    .onnx = "Size",
    .min_in = 1,
    .max_in = 1,
    .reads_shape = 1,
    .infer = infer,
    .eval = eval,
    .lower = vn_low_none,
};
