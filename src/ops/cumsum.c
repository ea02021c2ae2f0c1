/* ops/cumsum.c - running sums along an axis, forward or backward, with or without the element itself. */
#include "ops/portable_op.h"

struct attrs {
    int64_t exclusive, reverse;
};

static const struct attr_spec specs[] = {
    A_INT(struct attrs, exclusive, "exclusive", 0, 0, 1),
    A_INT(struct attrs, reverse, "reverse", 0, 0, 1),
    A_END,
};

static int infer(struct node *n, struct vn_err *e)
{
    int64_t axis;
    TRY(vn_infer_begin(n, e));
    if (!n->in[1]->data)
        return vn_shape_count(&n->in[1]->shape) == 1
                   ? vn_infer_same(n, e)
                   : vn_node_fail(n, e, VN_E_INPUT, "the axis (%s) must be a scalar", n->in[1]->name);
    int count = vn_node_list(n, 1, "axis", &axis, 1, e);
    TRY(count);
    if (count != 1 || vn_shape_axis(&n->in[0]->shape, axis) < 0)
        return vn_node_fail(n, e, VN_E_INPUT, "axis is out of range for an input of %d dimensions",
                            n->in[0]->shape.rank);
    return vn_infer_same(n, e);
}

static void call(const struct node *n, struct portable_params *p)
{
    const struct attrs *a = n->attrs;
    const struct vn_tensor *axis = n->in[1]->data;
    *p = (struct portable_params){
        .id = VN_PORTABLE_cumsum,
        .i = { axis ? vn_shape_axis(&n->in[0]->shape, vn_tensor_i64(axis, 0)) : 0, (int32_t)a->exclusive,
               (int32_t)a->reverse },
        .n_in = axis ? 1 : 2,
    };
}

const struct op_def vn_op_cumsum = {
    .name = "cumsum",
    .onnx = "CumSum",
    .min_in = 2,
    .max_in = 2,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .eval = vn_eval_portable,
    .lower = vn_low_portable,
    .portable = call,
};
