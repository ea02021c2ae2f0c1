/* ops/scatterelements.c - x with elements, named along an axis, replaced or joined with updates. */
#include "ops/tuples.h"

struct attrs {
    int64_t axis;
    int mode;
};

static const struct attr_spec specs[] = {
    A_INT(struct attrs, axis, "axis", 0, -VN_MAX_RANK, VN_MAX_RANK),
    A_ENUM(struct attrs, mode, "reduction", 0, vn_scatter_modes),
    A_END,
};

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_same(n, e));
    const struct vn_shape *x = &n->in[0]->shape, *k = &n->in[1]->shape;
    const int axis = vn_shape_axis(x, ((const struct attrs *)n->attrs)->axis);
    if (axis < 0 || x->rank != k->rank || !vn_shape_equal(k, &n->in[2]->shape) || n->in[2]->dtype != n->in[0]->dtype)
        return vn_node_fail(n, e, VN_E_INPUT, "axis, indices and updates do not fit the input");
    for (int d = 0; d < x->rank; d++)
        if (d != axis && k->d[d] > x->d[d])
            return vn_node_fail(n, e, VN_E_INPUT, "the indices have %lld along axis %d, the input %lld", (long long)k->d[d], d,
                                (long long)x->d[d]);
    return VN_OK;
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    const struct vn_shape *x = &ev->in[0]->shape, *s = &ev->in[1]->shape;
    const int axis = vn_shape_axis(x, a->axis);
    const int64_t dim = x->d[axis], count = vn_shape_count(s);
    int64_t own[VN_MAX_RANK], idx[VN_MAX_RANK] = { 0 };
    vn_shape_strides(x, own);
    TRY(vn_eval_copy(n, ev, e));
    for (int64_t i = 0; i < count; i++, vn_index_next(idx, s)) {
        int64_t k = vn_i64(ev->in[1])[i], at = 0;
        if (k < -dim || k >= dim)
            return vn_node_fail(n, e, VN_E_INPUT, "index %lld is outside of [%lld, %lld]", (long long)k, (long long)-dim, (long long)dim - 1);
        for (int d = 0; d < s->rank; d++)
            at += (d == axis ? k + (k < 0 ? dim : 0) : idx[d]) * own[d];
        vn_scatter_cell(ev->out[0], at, ev->in[2], i, a->mode);
    }
    return VN_OK;
}

const struct op_def vn_op_scatterelements = {
    .name = "scatterelements", .onnx = "ScatterElements", .min_in = 3, .max_in = 3,
    .attrs = specs, .attrs_size = sizeof(struct attrs),
    .infer = infer, .eval = eval, .lower = vn_low_reference,
};
