/* ops/reshape.c - another shape for the same elements; 0 copies a dimension, -1 takes what is left. */
#include "ops/lower.h"

struct attrs {
    int64_t allowzero;
};
static const struct attr_spec specs[] = { A_INT(struct attrs, allowzero, "allowzero", 0, 0, 1), A_END };

static int mismatch(const struct node *n, const struct vn_shape *s, struct vn_err *e)
{
    char from[VN_SHAPE_TEXT], to[VN_SHAPE_TEXT];
    return NODE_MISFIT(n, e, "%s cannot be reshaped to %s: the number of elements differs",
                       vn_shape_text(&n->in[0]->shape, from), vn_shape_text(s, to));
}

static int infer(struct node *n, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    struct vn_shape s = { 0 };
    TRY(vn_infer_begin(n, e));
    const struct vn_shape *x = &n->in[0]->shape;
    int64_t left = vn_shape_count(x), product = 1;
    int open = -1;
    s.rank = vn_node_list(n, 1, "the new shape", s.d, VN_MAX_RANK, e);
    TRY(s.rank);
    for (int d = 0; d < s.rank; d++) {
        if (s.d[d] == 0 && !a->allowzero) {
            if (d >= x->rank)
                return vn_node_fail(n, e, VN_E_INPUT,
                                    "dimension %d of the new shape is 0 (copy), the input has %d", d,
                                    x->rank);
            s.d[d] = x->d[d];
        }
        if (s.d[d] < -1 || (s.d[d] == -1 && open >= 0) || s.d[d] > INT32_MAX)
            return vn_node_fail(n, e, VN_E_INPUT, "the new shape is invalid at dimension %d", d);
        if (s.d[d] == -1)
            open = d;
        else if ((product *= s.d[d]) > INT32_MAX)
            return mismatch(n, &s, e);
    }
    if (open >= 0) {
        if (product == 0 || left % product)
            return mismatch(n, &s, e);
        s.d[open] = left / product;
        product *= s.d[open];
    }
    if (product != left)
        return mismatch(n, &s, e);
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

const struct op_def vn_op_reshape = {
    .name = "reshape",
    .onnx = "Reshape",
    .min_in = 2,
    .max_in = 2,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .eval = vn_eval_copy,
    .lower = vn_low_reshape,
    .quant = { .kind = Q_MOVE, .out = Q_OUT_SAME, .data_inputs = 1 },
    .elements = ELEMENTS_KEPT,
};
