/* ops/reversesequence.c - the first elements of each sequence turned around. */
#include "ops/lower.h"

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
    if (n->in[0]->shape.rank < 2 || a->batch == a->time || vn_shape_count(&n->in[1]->shape) != n->in[0]->shape.d[a->batch])
        return vn_node_fail(n, e, VN_E_INPUT, "axes or lengths do not fit the input");
    return VN_OK;
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    const struct vn_shape *s = &ev->in[0]->shape;
    const int64_t count = vn_shape_count(s);
    int64_t idx[VN_MAX_RANK] = { 0 }, stride[VN_MAX_RANK];
    vn_shape_strides(s, stride);
    for (int64_t i = 0; i < count; i++, vn_index_next(idx, s)) {
        const int64_t length = vn_i64(ev->in[1])[idx[a->batch]], t = idx[a->time];
        if (length < 0 || length > s->d[a->time])
            return vn_node_fail(n, e, VN_E_INPUT, "a length is %lld of %lld", (long long)length, (long long)s->d[a->time]);
        const int64_t from = t < length ? length - 1 - t : t;
        ((uint64_t *)ev->out[0]->data)[i] = ((const uint64_t *)ev->in[0]->data)[i + (from - t) * stride[a->time]];
    }
    return VN_OK;
}

const struct op_def vn_op_reversesequence = {
    .name = "reversesequence", .onnx = "ReverseSequence", .min_in = 2, .max_in = 2,
    .attrs = specs, .attrs_size = sizeof(struct attrs),
    .infer = infer, .eval = eval, .lower = vn_low_reference,
};
