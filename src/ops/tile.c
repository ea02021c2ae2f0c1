/* ops/tile.c - the whole tensor several times along each axis. */
#include "ops/lower.h"

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    struct vn_shape s = n->in[0]->shape;
    int64_t times[VN_MAX_RANK];
    int count = vn_node_list(n, 1, "repeats", times, VN_MAX_RANK, e);
    TRY(count);
    if (count != s.rank)
        return vn_node_fail(n, e, VN_E_INPUT, "repeats has %d entries, expected %d", count, s.rank);
    for (int d = 0; d < s.rank; d++) {
        if (times[d] < 0 || times[d] > INT32_MAX)
            return vn_node_fail(n, e, VN_E_INPUT, "repeats is %lld at dimension %d", (long long)times[d], d);
        s.d[d] *= times[d];
    }
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)n, (void)e;
    const struct vn_shape *x = &ev->in[0]->shape, *y = &ev->out[0]->shape;
    const int64_t count = vn_shape_count(y);
    int64_t own[VN_MAX_RANK], idx[VN_MAX_RANK] = { 0 };
    vn_shape_strides(x, own);
    for (int64_t i = 0; i < count; i++, vn_index_next(idx, y)) {
        int64_t at = 0;
        for (int d = 0; d < y->rank; d++)
            at += idx[d] % x->d[d] * own[d];
        ((uint64_t *)ev->out[0]->data)[i] = ((const uint64_t *)ev->in[0]->data)[at];
    }
    return VN_OK;
}

/* One copy over (repeat, element) for each axis that repeats. */
static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    const struct vn_shape *s = &n->in[0]->shape;
    enum layout order;
    int x = vn_low_in_any(l, 0, &order), y = vn_low_out(l, order), rank = 0;
    int64_t own[VN_MAX_RANK], out[VN_MAX_RANK], dims[2 * VN_MAX_RANK], from[2 * VN_MAX_RANK],
        to[2 * VN_MAX_RANK];
    vn_low_axis_strides(vn_low_tensor(l, x), own);
    vn_low_axis_strides(vn_low_tensor(l, y), out);
    for (int d = 0; d < s->rank; d++) {
        if (n->out[0]->shape.d[d] != s->d[d]) {
            dims[rank] = n->out[0]->shape.d[d] / s->d[d];
            from[rank] = 0;
            to[rank++] = s->d[d] * out[d];
        }
        if (s->d[d] != 1) {
            dims[rank] = s->d[d];
            from[rank] = own[d];
            to[rank++] = out[d];
        }
    }
    if (rank > VN_MAX_RANK)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "the runtime repeats fewer axes");
    return vn_low_copy(l, x, y, rank, dims, 0, from, 0, to, e);
}

const struct op_def vn_op_tile = {
    .name = "tile",
    .onnx = "Tile",
    .min_in = 2,
    .max_in = 2,
    .infer = infer,
    .eval = eval,
    .lower = lower,
    .quant = { .kind = Q_MOVE, .out = Q_OUT_SAME, .data_inputs = 1 },
};
