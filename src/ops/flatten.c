/* ops/flatten.c - two dimensions: everything in front of `axis`, and the rest. */
#include "ops/lower.h"

static const struct attr_spec specs[] = {
    A_INT(struct axis_attrs, axis, "axis", 1, -VN_MAX_RANK, VN_MAX_RANK), A_END
};

static int infer(struct node *n, struct vn_err *e)
{
    const struct axis_attrs *a = n->attrs;
    TRY(vn_infer_begin(n, e));
    const struct vn_shape *x = &n->in[0]->shape;
    int64_t axis = a->axis < 0 ? a->axis + x->rank : a->axis;
    if (axis < 0 || axis > x->rank)
        return vn_node_fail(n, e, VN_E_INPUT, "axis %lld is out of range for an input of %d dimensions",
                            (long long)a->axis, x->rank);
    struct vn_shape s = { .rank = 2, .d = { 1, 1 } };
    for (int d = 0; d < x->rank; d++)
        s.d[d >= axis] *= x->d[d];
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

const struct op_def vn_op_flatten = {
    .name = "flatten",
    .onnx = "Flatten",
    .min_in = 1,
    .max_in = 1,
    .attrs = specs,
    .attrs_size = sizeof(struct axis_attrs),
    .infer = infer,
    .eval = vn_eval_copy,
    .lower = vn_low_reshape,
    .quant = { .kind = Q_MOVE, .out = Q_OUT_SAME },
    .elements = ELEMENTS_KEPT,
};
