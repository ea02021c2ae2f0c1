/* ops/globalaveragepool.c - the mean over all spatial dimensions. */
#include "num/num.h"
#include "ops/lower.h"

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    TRY(vn_infer_float(n, 0, e));
    struct vn_shape s = n->in[0]->shape;
    if (s.rank < 3)
        return vn_node_fail(n, e, VN_E_INPUT, "the input has %d dimensions, expected at least 3", s.rank);
    int64_t elements = 1;
    for (int d = 2; d < s.rank; d++) {
        if (s.d[d] == 0)
            return vn_node_fail(n, e, VN_E_INPUT, "the mean of zero elements: dimension %d is 0", d);
        elements *= s.d[d];
        TRY(vn_infer_most(n, elements, VN_MOST_WINDOW, e));
        s.d[d] = 1;
    }
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

static int64_t pixels(const struct vn_shape *x)
{
    int64_t n = 1;
    for (int d = 2; d < x->rank; d++)
        n *= x->d[d];
    return n;
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)n, (void)e;
    int64_t area = pixels(&ev->in[0]->shape), count = vn_shape_count(&ev->out[0]->shape);
    for (int64_t i = 0; i < count; i++) {
        double sum = 0;
        for (int64_t k = 0; k < area; k++)
            sum += vn_f64(ev->in[0])[i * area + k];
        vn_f64(ev->out[0])[i] = sum / (double)area;
    }
    return VN_OK;
}

static int qeval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    const struct qparam *x = n->in[0]->q, *y = n->out[0]->q;
    int64_t area = pixels(&ev->in[0]->shape), count = vn_shape_count(&ev->out[0]->shape);
    for (int64_t i = 0; i < count; i++) {
        int64_t sum = 0;
        for (int64_t k = 0; k < area; k++)
            sum += vn_i64(ev->in[0])[i * area + k] - x->zero[0];
        vn_i64(ev->out[0])[i] = vn_average((int32_t)sum, (int32_t)area, x->scale[0] / y->scale[0], y->zero[0],
                                           vn_q_min(y), vn_q_max(y));
    }
    return VN_OK;
}

static enum q_kind quant_kind(const struct node *n)
{
    return pixels(&n->in[0]->shape) < 1 << 15 ||
                   (n->in[0]->q && n->in[0]->q->dtype == VN_I8 && pixels(&n->in[0]->shape) < 1 << 23)
               ? Q_OWN
               : Q_FLOAT; /* the sum fits 32 bits */
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    (void)e;
    const struct vn_shape *s = &n->in[0]->shape;
    int x = vn_low_in(l, 0, CHANNELS_LAST);
    struct instr_AVGPOOL *p = vn_low_emit(l, OPCODE_AVGPOOL, 1, &x, vn_low_out(l, CHANNELS_LAST));
    p->n = (int32_t)s->d[0], p->c = (int32_t)s->d[1];
    p->w = p->kw = (int32_t)s->d[s->rank - 1];
    p->h = p->kh = (int32_t)(pixels(s) / s->d[s->rank - 1]); /* further dimensions are more rows */
    p->oh = p->ow = p->sh = p->sw = p->dh = p->dw = 1;
    return VN_OK;
}

static int64_t terms(const struct node *n) { return pixels(&n->in[0]->shape) + 2; }

const struct op_def vn_op_globalaveragepool = {
    .name = "globalaveragepool",
    .onnx = "GlobalAveragePool",
    .min_in = 1,
    .max_in = 1,
    .infer = infer,
    .eval = eval,
    .qeval = qeval,
    .lower = lower,
    .quant = { .kind = Q_OWN },
    .quant_kind = quant_kind,
    .is_mean = 1,
    .terms = terms,
};
