/* ops/gatherelements.c - for each element of the indices, the element of x at that place along an axis. */
#include "ops/lower.h"

static const struct attr_spec specs[] = { A_INT(struct axis_attrs, axis, "axis", 0, -VN_MAX_RANK, VN_MAX_RANK), A_END };

static int axis_of(const struct node *n) { return vn_shape_axis(&n->in[0]->shape, ((const struct axis_attrs *)n->attrs)->axis); }

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    const struct vn_shape *x = &n->in[0]->shape, *k = &n->in[1]->shape;
    const int axis = axis_of(n);
    if (axis < 0 || x->rank != k->rank)
        return vn_node_fail(n, e, VN_E_INPUT, "axis is outside of the input, or the indices have another rank");
    if (vn_dtype_is_float(n->in[1]->dtype))
        return vn_node_fail(n, e, VN_E_INPUT, "indices are %s", vn_dtype_name(n->in[1]->dtype));
    for (int d = 0; d < x->rank; d++)
        if (d != axis && k->d[d] > x->d[d])
            return vn_node_fail(n, e, VN_E_INPUT, "the indices have %lld along axis %d, the input %lld", (long long)k->d[d], d,
                                (long long)x->d[d]);
    return vn_infer_out(n, 0, n->in[0]->dtype, k, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    const struct vn_shape *s = &ev->out[0]->shape;
    const int axis = axis_of(n);
    const int64_t dim = ev->in[0]->shape.d[axis], count = vn_shape_count(s);
    int64_t own[VN_MAX_RANK], idx[VN_MAX_RANK] = { 0 };
    vn_shape_strides(&ev->in[0]->shape, own);
    for (int64_t i = 0; i < count; i++, vn_index_next(idx, s)) {
        int64_t k = vn_i64(ev->in[1])[i], at = 0;
        if (k < -dim || k >= dim)
            return vn_node_fail(n, e, VN_E_INPUT, "index %lld is outside of [%lld, %lld]", (long long)k, (long long)-dim, (long long)dim - 1);
        for (int d = 0; d < s->rank; d++)
            at += (d == axis ? k + (k < 0 ? dim : 0) : idx[d]) * own[d];
        ((uint64_t *)ev->out[0]->data)[i] = ((const uint64_t *)ev->in[0]->data)[at];
    }
    return VN_OK;
}

const struct op_def vn_op_gatherelements = {
    .name = "gatherelements", .onnx = "GatherElements", .min_in = 2, .max_in = 2,
    .attrs = specs, .attrs_size = sizeof(struct axis_attrs),
    .infer = infer, .eval = eval, .lower = vn_low_reference,
};
