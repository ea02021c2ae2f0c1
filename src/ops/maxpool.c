/* ops/maxpool.c - the largest element in a sliding window, and optionally where it was. */
#include <math.h>

#include "ops/pools.h"

static const struct attr_spec specs[] = {
    POOL_ATTRS,
    A_INT(struct pool_attrs, storage_order, "storage_order", 0, 0, 1),
    A_END,
};

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_pool_infer(n, e));
    return vn_infer_out(n, 1, VN_I64, &n->out[0]->shape, e);
}

/* Index as ONNX counts: over the whole tensor, the last two dimensions swapped for column-major storage. */
static int64_t stored(const struct node *n, int64_t at)
{
    const struct vn_shape *x = &n->in[0]->shape;
    if (!((const struct pool_attrs *)n->attrs)->storage_order || x->rank < 4)
        return at;
    int64_t h = x->d[x->rank - 2], w = x->d[x->rank - 1], in = at % (h * w);
    return at - in + in % w * h + in / w;
}

static void largest(const struct eval *ev, int64_t out, const int64_t *at, int64_t count, int64_t padded,
                    void *user)
{
    (void)padded;
    const struct node *n = user;
    int64_t best = -1;
    for (int64_t i = 0; i < count; i++) {
        int more =
            best < 0 || (ev->in[0]->dtype == VN_F64 ? vn_f64(ev->in[0])[at[i]] > vn_f64(ev->in[0])[best]
                                                    : vn_i64(ev->in[0])[at[i]] > vn_i64(ev->in[0])[best]);
        best = more ? at[i] : best;
    }
    if (best >= 0)
        ((uint64_t *)ev->out[0]->data)[out] = ((const uint64_t *)ev->in[0]->data)[best];
    else if (ev->in[0]->dtype == VN_F64)
        vn_f64(ev->out[0])[out] = -INFINITY;
    else
        vn_i64(ev->out[0])[out] = n->in[0]->q ? vn_q_min(n->in[0]->q) : INT64_MIN;
    if (n->n_out > 1 && ev->out[1])
        vn_i64(ev->out[1])[out] = best < 0 ? -1 : stored(n, best);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    return vn_pool_walk(n, ev, largest, (void *)n, e);
}

static enum q_kind quant_kind(const struct node *n)
{
    struct window w;
    return n->in[0]->shape.rank <= 4 || (vn_pool_window(&w, n, NULL) == VN_OK && vn_pool_is_flat(&w))
               ? Q_MOVE
               : Q_FLOAT;
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    if (n->n_out > 1 && n->out[1])
        TRY(vn_pool_call(n, l,
                         ((const struct pool_attrs *)n->attrs)->storage_order ? VN_POOL_PLACE_BY_COLUMNS
                                                                              : VN_POOL_PLACE,
                         vn_low_out_at(l, 1, PLAIN), e));
    return vn_pool_lower(n, l, OPCODE_MAXPOOL, e);
}

const struct op_def vn_op_maxpool = {
    .name = "maxpool",
    .onnx = "MaxPool",
    .min_in = 1,
    .max_in = 1,
    .max_out = 2,
    .attrs = specs,
    .attrs_size = sizeof(struct pool_attrs),
    .infer = infer,
    .eval = eval,
    .lower = lower,
    .quant = { .kind = Q_MOVE, .out = Q_OUT_SAME },
    .quant_kind = quant_kind,
    .lowers_all = 1,
    .window = vn_pool_window,
    .scales_through = 1,
};
