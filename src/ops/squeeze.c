/* ops/squeeze.c - drop dimensions of 1: those named, or all. */
#include "ops/lower.h"

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    const struct vn_shape *x = &n->in[0]->shape;
    struct vn_shape s = { 0 };
    uint32_t drop = 0;
    if (vn_node_has(n, 1))
        TRY(vn_node_axes(n, 1, x->rank, &drop, e));
    for (int d = 0; d < x->rank; d++) {
        int named = drop >> d & 1;
        if (named && x->d[d] != 1)
            return vn_node_fail(n, e, VN_E_INPUT, "dimension %d is %lld, expected 1", d, (long long)x->d[d]);
        if (!named && (vn_node_has(n, 1) || x->d[d] != 1))
            s.d[s.rank++] = x->d[d];
    }
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

const struct op_def vn_op_squeeze = {
    .name = "squeeze",
    .onnx = "Squeeze",
    .min_in = 1,
    .max_in = 2,
    .infer = infer,
    .eval = vn_eval_copy,
    .lower = vn_low_reshape,
    .quant = { .kind = Q_MOVE, .out = Q_OUT_SAME, .data_inputs = 1 },
    .elements = ELEMENTS_KEPT,
};
