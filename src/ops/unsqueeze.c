/* ops/unsqueeze.c - insert dimensions of 1; axes count in the output's shape. */
#include "ops/lower.h"

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    const struct vn_shape *x = &n->in[0]->shape;
    struct vn_shape s = { 0 };
    int64_t unused[VN_MAX_RANK];
    uint32_t insert;
    int more = vn_node_list(n, 1, "axes", unused, VN_MAX_RANK, e), from = 0;
    TRY(more);
    if (x->rank + more > VN_MAX_RANK)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED,
                            "the output would have %d dimensions, expected at most %d", x->rank + more,
                            VN_MAX_RANK);
    s.rank = x->rank + more;
    TRY(vn_node_axes(n, 1, s.rank, &insert, e));
    for (int d = 0; d < s.rank; d++)
        s.d[d] = insert >> d & 1 ? 1 : x->d[from++];
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

const struct op_def vn_op_unsqueeze = {
    .name = "unsqueeze",
    .onnx = "Unsqueeze",
    .min_in = 2,
    .max_in = 2,
    .infer = infer,
    .eval = vn_eval_copy,
    .lower = vn_low_reshape,
    .quant = { .kind = Q_MOVE, .out = Q_OUT_SAME, .data_inputs = 1 },
    .elements = ELEMENTS_KEPT,
};
