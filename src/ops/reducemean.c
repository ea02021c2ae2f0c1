/* ops/reducemean.c - the mean over a set of axes. */
#include "num/num.h"
#include "ops/reduce.h"

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_reduce_infer(n, e));
    return vn_infer_float(n, 0, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    return vn_reduce_eval(n, ev, VN_RED_MEAN);
}

static int64_t elements(const struct node *n)
{
    int64_t count = 1;
    uint32_t mask = vn_reduce_axes(n);
    for (int d = 0; d < n->in[0]->shape.rank; d++)
        count *= mask >> d & 1 ? n->in[0]->shape.d[d] : 1;
    return count;
}

static enum q_kind quant_kind(const struct node *n)
{
    const int64_t count = elements(n);
    return count > 0 && count < 1 << 15 ? Q_OWN : Q_FLOAT; /* the sum fits 32 bits */
}

static int qeval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    const struct qparam *x = n->in[0]->q, *y = n->out[0]->q;
    const int64_t count = vn_shape_count(&ev->out[0]->shape), area = elements(n);
    vn_reduce_eval(n, ev, VN_RED_SUM);
    for (int64_t i = 0; i < count; i++) {
        int64_t sum = vn_i64(ev->out[0])[i] - area * x->zero[0];
        vn_i64(ev->out[0])[i] = vn_average((int32_t)sum, (int32_t)area, x->scale[0] / y->scale[0], y->zero[0], vn_q_min(y), vn_q_max(y));
    }
    return VN_OK;
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    if (!l->integer)
        return vn_reduce_lower(n, l, VN_RED_MEAN, e);
    struct reduce_walk w;
    int y, x = vn_reduce_input(n, l, &w, &y, e);
    TRY(x);
    struct instr_AVGPOOL *p = vn_low_emit(l, OPCODE_AVGPOOL, 1, &x, y);
    p->n = w.outer, p->c = w.inner;
    p->h = p->kh = w.count;
    p->w = p->kw = p->oh = p->ow = p->sh = p->sw = p->dh = p->dw = 1;
    return VN_OK;
}

static int slack(const struct node *n, int port, const struct vn_tensor *const *in, const struct vn_tensor *y,
                 struct vn_tensor *out, struct vn_arena *a)
{
    (void)port;
    return vn_reduce_slack(n, in, y, out, a, VN_RED_MEAN);
}

const struct op_def vn_op_reducemean = {
    .name = "reducemean",
    .onnx = "ReduceMean",
    .min_in = 1,
    .max_in = 2,
    .attrs = vn_reduce_specs,
    .attrs_size = sizeof(struct reduce_attrs),
    .infer = infer,
    .eval = eval,
    .qeval = qeval,
    .lower = lower,
    .quant = { .kind = Q_OWN, .data_inputs = 1 },
    .quant_kind = quant_kind,
    .slack = slack,
};
