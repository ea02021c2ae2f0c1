/* ops/gather.c - slices of x along an axis, picked by an index tensor; negative indices count from the end.
 */
#include "ops/portable_op.h"

static const struct attr_spec specs[] = {
    A_INT(struct axis_attrs, axis, "axis", 0, -VN_MAX_RANK, VN_MAX_RANK), A_END
};

static int axis_of(const struct node *n)
{
    return vn_shape_axis(&n->in[0]->shape, ((const struct axis_attrs *)n->attrs)->axis);
}

static int bad_index(const struct node *n, int64_t index, int64_t dim, struct vn_err *e)
{
    return vn_node_fail(n, e, VN_E_INPUT, "index %lld is out of range [%lld, %lld]", (long long)index,
                        (long long)-dim, (long long)dim - 1);
}

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    const struct vn_shape *x = &n->in[0]->shape, *idx = &n->in[1]->shape;
    int axis = axis_of(n);
    if (axis < 0)
        return vn_node_fail(n, e, VN_E_INPUT, "axis is out of range for an input of %d dimensions", x->rank);
    if (n->in[1]->dtype != VN_I64 && n->in[1]->dtype != VN_I32)
        return vn_node_fail(n, e, VN_E_INPUT, "indices are %s, expected int32 or int64",
                            vn_dtype_name(n->in[1]->dtype));
    struct vn_shape s = { .rank = x->rank - 1 + idx->rank };
    if (s.rank > VN_MAX_RANK)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED,
                            "the output would have %d dimensions, expected at most %d", s.rank, VN_MAX_RANK);
    int at = 0;
    for (int d = 0; d < axis; d++)
        s.d[at++] = x->d[d];
    for (int d = 0; d < idx->rank; d++)
        s.d[at++] = idx->d[d];
    for (int d = axis + 1; d < x->rank; d++)
        s.d[at++] = x->d[d];
    int64_t count = n->in[1]->data ? vn_shape_count(idx) : 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t k = vn_tensor_i64(n->in[1]->data, i);
        if (k < -x->d[axis] || k >= x->d[axis])
            return bad_index(n, k, x->d[axis], e);
    }
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    const struct vn_shape *x = &ev->in[0]->shape;
    int axis = axis_of(n);
    int64_t outer = 1, inner = 1, extent = x->d[axis], count = vn_shape_count(&ev->in[1]->shape);
    const uint64_t *src = ev->in[0]->data;
    uint64_t *dst = ev->out[0]->data;
    for (int d = 0; d < x->rank; d++)
        *(d < axis ? &outer : &inner) *= d == axis ? 1 : x->d[d];
    for (int64_t o = 0; o < outer; o++)
        for (int64_t j = 0; j < count; j++, dst += inner) {
            int64_t k = vn_i64(ev->in[1])[j];
            if (k < -extent || k >= extent)
                return bad_index(n, k, extent, e);
            k += k < 0 ? extent : 0;
            memcpy(dst, src + (o * extent + k) * inner, (size_t)inner * sizeof *dst);
        }
    return VN_OK;
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    const struct vn_tensor *index = n->in[1]->data;
    int axis = axis_of(n);
    if (!index) {
        const struct portable_params p = { .id = VN_PORTABLE_gather, .i = { axis } };
        const int in[2] = { vn_low_in(l, 0, PLAIN), vn_low_in(l, 1, PLAIN) };
        return vn_portable_emit(l, &p, 2, in, vn_low_out(l, PLAIN), e);
    }
    int64_t count = vn_shape_count(&index->shape), *k = NEW_ARRAY(l->arena, int64_t, count);
    for (int64_t i = 0; i < count; i++) {
        k[i] = vn_tensor_i64(index, i);
        k[i] += k[i] < 0 ? n->in[0]->shape.d[axis] : 0;
    }
    int x = vn_low_in(l, 0, PLAIN);
    vn_low_gather(l, x, axis, count, k, vn_low_out(l, PLAIN));
    return VN_OK;
}

const struct op_def vn_op_gather = {
    .name = "gather",
    .onnx = "Gather",
    .min_in = 2,
    .max_in = 2,
    .attrs = specs,
    .attrs_size = sizeof(struct axis_attrs),
    .infer = infer,
    .eval = eval,
    .lower = lower,
    .quant = { .kind = Q_MOVE, .out = Q_OUT_SAME, .data_inputs = 1 },
};
