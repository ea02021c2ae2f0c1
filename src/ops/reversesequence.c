/* ops/reversesequence.c - the first elements of each sequence turned around. */
#include "ops/portable_op.h"

struct attrs {
    int64_t batch, time;
};

static const struct attr_spec specs[] = {
    A_INT(struct attrs, batch, "batch_axis", 1, 0, 1),
    A_INT(struct attrs, time, "time_axis", 0, 0, 1),
    A_END,
};

static int infer(struct node *n, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    TRY(vn_infer_same(n, e));
    if (n->in[0]->shape.rank < 2 || a->batch == a->time ||
        vn_shape_count(&n->in[1]->shape) != n->in[0]->shape.d[a->batch])
        return vn_node_fail(n, e, VN_E_INPUT, "axes or lengths do not match the input");
    return VN_OK;
}

static void call(const struct node *n, struct portable_params *p)
{
    const struct attrs *a = n->attrs;
    *p = (struct portable_params){ .id = VN_PORTABLE_reverse_sequence,
                                   .i = { (int32_t)a->batch, (int32_t)a->time } };
}

const struct op_def vn_op_reversesequence = {
    .name = "reversesequence",
    .onnx = "ReverseSequence",
    .min_in = 2,
    .max_in = 2,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .eval = vn_eval_portable,
    .lower = vn_low_portable,
    .portable = call,
};
