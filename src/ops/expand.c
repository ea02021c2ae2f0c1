/* ops/expand.c - repeats dimensions of 1 as broadcasting does. */
#include "ops/lower.h"

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    struct vn_shape s, want = { 0 };
    TRY(want.rank = vn_node_list(n, 1, "shape", want.d, VN_MAX_RANK, e));
    for (int d = 0; d < want.rank; d++)
        if (want.d[d] < 0)
            return vn_node_fail(n, e, VN_E_INPUT, "shape is %lld at dimension %d", (long long)want.d[d], d);
    if (vn_shape_broadcast(&s, &n->in[0]->shape, &want, e) < 0)
        return vn_because(e, REASON_misfit, e ? vn_fail_at(e, "%s", n->name) : VN_E_INPUT);
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)n, (void)e;
    int64_t stride[VN_MAX_RANK];
    vn_broadcast_strides(stride, &ev->in[0]->shape, &ev->out[0]->shape);
    vn_eval_gather(ev->out[0], ev->in[0], 0, stride);
    return VN_OK;
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    const struct vn_shape *s = &n->out[0]->shape;
    int64_t from[VN_MAX_RANK], to[VN_MAX_RANK];
    int x = vn_low_in(l, 0, PLAIN);
    vn_broadcast_strides(from, &n->in[0]->shape, s);
    vn_shape_strides(s, to);
    return vn_low_copy(l, x, vn_low_out(l, PLAIN), s->rank, s->d, 0, from, 0, to, e);
}

static int is_identity(const struct node *n) { return (void)n, 1; } /* nothing is repeated */

const struct op_def vn_op_expand = {
    .name = "expand",
    .onnx = "Expand",
    .min_in = 2,
    .max_in = 2,
    .infer = infer,
    .eval = eval,
    .lower = lower,
    .quant = { .kind = Q_MOVE, .out = Q_OUT_SAME, .data_inputs = 1 },
    .is_identity = is_identity,
};
