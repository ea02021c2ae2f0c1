/* ops/averagepool.c - the mean over a sliding window. */
#include "num/num.h"
#include "ops/pools.h"

static const struct attr_spec specs[] = {
    POOL_ATTRS,
    A_INT(struct pool_attrs, count_include_pad, "count_include_pad", 0, 0, 1),
    A_END,
};

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    TRY(vn_infer_float(n, 0, e));
    return vn_pool_infer(n, e);
}

static int64_t divisor(const struct node *n, int64_t count, int64_t padded)
{
    return ((const struct pool_attrs *)n->attrs)->count_include_pad ? padded : count;
}

static void real_mean(const struct eval *ev, int64_t out, const int64_t *at, int64_t count, int64_t padded,
                      void *user)
{
    const struct node *n = user;
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += vn_f64(ev->in[0])[at[i]];
    vn_f64(ev->out[0])[out] = count ? sum / (double)divisor(n, count, padded) : 0;
}

static void integer_mean(const struct eval *ev, int64_t out, const int64_t *at, int64_t count, int64_t padded,
                         void *user)
{
    const struct node *n = user;
    const struct qparam *x = n->in[0]->q, *y = n->out[0]->q;
    int64_t sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += vn_i64(ev->in[0])[at[i]] - x->zero[0];
    vn_i64(ev->out[0])[out] =
        !count ? y->zero[0]
               : vn_average((int32_t)sum, (int32_t)divisor(n, count, padded), x->scale[0] / y->scale[0],
                            y->zero[0], vn_q_min(y), vn_q_max(y));
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    return vn_pool_walk(n, ev, real_mean, (void *)n, e);
}

static int qeval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    return vn_pool_walk(n, ev, integer_mean, (void *)n, e);
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    return vn_pool_lower(n, l, OPCODE_AVGPOOL, e);
}

static enum q_kind quant_kind(const struct node *n)
{
    const struct pool_attrs *a = n->attrs;
    double taps = 1;
    for (int i = 0; i < a->kernel.n; i++)
        taps *= (double)a->kernel.v[i];
    return taps <= VN_NORM_MOST && n->in[0]->shape.rank <= 4 ? Q_OWN : Q_FLOAT; /* the sum fits 32 bits */
}

static int64_t terms(const struct node *n)
{
    const struct pool_attrs *a = n->attrs;
    int64_t taps = 2;
    for (int i = 0; i < a->kernel.n; i++)
        taps *= a->kernel.v[i];
    return taps + 2;
}

const struct op_def vn_op_averagepool = {
    .name = "averagepool",
    .onnx = "AveragePool",
    .min_in = 1,
    .max_in = 1,
    .attrs = specs,
    .attrs_size = sizeof(struct pool_attrs),
    .infer = infer,
    .eval = eval,
    .qeval = qeval,
    .lower = lower,
    .quant = { .kind = Q_OWN },
    .quant_kind = quant_kind,
    .is_mean = 1,
    .window = vn_pool_window,
    .terms = terms,
};
