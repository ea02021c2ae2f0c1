/* ops/gatherelements.c - for each element of the indices, the element of x at that place along an axis. */
#include "ops/portable_op.h"

static const struct attr_spec specs[] = {
    A_INT(struct axis_attrs, axis, "axis", 0, -VN_MAX_RANK, VN_MAX_RANK), A_END
};

static int axis_of(const struct node *n)
{
    return vn_shape_axis(&n->in[0]->shape, ((const struct axis_attrs *)n->attrs)->axis);
}

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    const struct vn_shape *x = &n->in[0]->shape, *k = &n->in[1]->shape;
    const int axis = axis_of(n);
    if (axis < 0 || x->rank != k->rank)
        return vn_node_fail(n, e, VN_E_INPUT, "axis is out of range, or the rank of the indices differs");
    if (vn_dtype_is_float(n->in[1]->dtype))
        return vn_node_fail(n, e, VN_E_INPUT, "indices are %s", vn_dtype_name(n->in[1]->dtype));
    for (int d = 0; d < x->rank; d++)
        if (d != axis && k->d[d] > x->d[d])
            return vn_node_fail(n, e, VN_E_INPUT, "the indices have %lld along axis %d, the input %lld",
                                (long long)k->d[d], d, (long long)x->d[d]);
    return vn_infer_out(n, 0, n->in[0]->dtype, k, e);
}

static void call(const struct node *n, struct portable_params *p)
{
    *p = (struct portable_params){ .id = VN_PORTABLE_gather_elements, .i = { axis_of(n) } };
}

const struct op_def vn_op_gatherelements = {
    .name = "gatherelements",
    .onnx = "GatherElements",
    .min_in = 2,
    .max_in = 2,
    .attrs = specs,
    .attrs_size = sizeof(struct axis_attrs),
    .infer = infer,
    .eval = vn_eval_portable,
    .lower = vn_low_portable,
    .portable = call,
    .quant = { .kind = Q_MOVE, .out = Q_OUT_SAME, .data_inputs = 1 },
};
