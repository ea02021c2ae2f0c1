/* ops/globalmaxpool.c - the largest element over all spatial dimensions. */
#include <math.h>

#include "ops/lower.h"

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    struct vn_shape s = n->in[0]->shape;
    if (s.rank < 3)
        return vn_node_fail(n, e, VN_E_INPUT, "the input has %d dimensions, expected at least 3", s.rank);
    int64_t elements = 1;
    for (int d = 2; d < s.rank; d++) {
        if (s.d[d] == 0)
            return vn_node_fail(n, e, VN_E_INPUT, "the maximum of zero elements: dimension %d is 0", d);
        elements *= s.d[d];
        TRY(vn_infer_most(n, elements, VN_MOST_WINDOW, e));
        s.d[d] = 1;
    }
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)n, (void)e;
    const int64_t count = vn_shape_count(&ev->out[0]->shape),
                  area = count ? vn_shape_count(&ev->in[0]->shape) / count : 0;
    for (int64_t i = 0; i < count; i++)
        for (int64_t k = 0; k < area; k++) {
            const int64_t from = i * area + k;
            if (ev->out[0]->dtype == VN_I64) {
                int64_t *y = &vn_i64(ev->out[0])[i], x = vn_i64(ev->in[0])[from];
                *y = !k || x > *y ? x : *y;
            } else {
                double *y = &vn_f64(ev->out[0])[i], x = vn_f64(ev->in[0])[from];
                *y = !k || x > *y ? x : *y;
            }
        }
    return VN_OK;
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    (void)e;
    const struct vn_shape *s = &n->in[0]->shape;
    int x = vn_low_in(l, 0, CHANNELS_LAST);
    struct instr_MAXPOOL *p = vn_low_emit(l, OPCODE_MAXPOOL, 1, &x, vn_low_out(l, CHANNELS_LAST));
    p->n = (int32_t)s->d[0], p->c = (int32_t)s->d[1];
    p->w = p->kw = (int32_t)s->d[s->rank - 1];
    p->h = p->kh = 1;
    for (int d = 2; d < s->rank - 1; d++) /* further dimensions are more rows */
        p->h *= (int32_t)s->d[d], p->kh = p->h;
    p->oh = p->ow = p->sh = p->sw = p->dh = p->dw = 1;
    return VN_OK;
}

const struct op_def vn_op_globalmaxpool = {
    .name = "globalmaxpool",
    .onnx = "GlobalMaxPool",
    .min_in = 1,
    .max_in = 1,
    .infer = infer,
    .eval = eval,
    .lower = lower,
    .quant = { .kind = Q_MOVE, .out = Q_OUT_SAME },
};
