/* ops/reduce.c - sums, products and maxima over a set of axes: what the Reduce operators share. */
#include "ops/reduce.h"

#include "num/num.h"
#include "ops/portable_op.h"

#include <float.h>
#include <math.h>

const struct attr_spec vn_reduce_specs[] = {
    A_INT(struct reduce_attrs, keepdims, "keepdims", 1, 0, 1),
    A_INT(struct reduce_attrs, noop, "noop_with_empty_axes", 0, 0, 1),
    A_END,
};

static int axes_of(const struct node *n, uint32_t *mask, struct vn_err *e)
{
    const struct reduce_attrs *a = n->attrs;
    int rank = n->in[0]->shape.rank;
    *mask = 0;
    if (vn_node_has(n, 1))
        TRY(vn_node_axes(n, 1, rank, mask, e));
    if (!*mask && !a->noop)
        *mask = (1u << rank) - 1;
    return VN_OK;
}

uint32_t vn_reduce_axes(const struct node *n)
{
    uint32_t mask;
    return axes_of(n, &mask, NULL) < 0 ? 0 : mask;
}

int vn_reduce_infer(struct node *n, struct vn_err *e)
{
    const struct reduce_attrs *a = n->attrs;
    uint32_t mask;
    TRY(vn_infer_begin(n, e));
    TRY(axes_of(n, &mask, e));
    const struct vn_shape *x = &n->in[0]->shape;
    struct vn_shape s = { 0 };
    int64_t elements = 1;
    for (int d = 0; d < x->rank; d++) {
        if (!(mask >> d & 1)) {
            s.d[s.rank++] = x->d[d];
            continue;
        }
        elements *= x->d[d];
        TRY(vn_infer_most(n, elements, VN_MOST_EXTENT, e));
        if (a->keepdims)
            s.d[s.rank++] = 1;
    }
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

/* ---- evaluation ---- */

static int64_t lowest(enum vn_dtype t)
{
    return t == VN_I8                                    ? INT8_MIN
           : t == VN_I16                                 ? INT16_MIN
           : t == VN_I32                                 ? INT32_MIN
           : t == VN_I64 || vn_dtype_is_float(t) /* q */ ? INT64_MIN
                                                         : 0;
}

static int64_t highest(enum vn_dtype t)
{
    switch (t) {
    case VN_BOOL: return 1;
    case VN_I8: return INT8_MAX;
    case VN_U8: return UINT8_MAX;
    case VN_I16: return INT16_MAX;
    case VN_U16: return UINT16_MAX;
    case VN_I32: return INT32_MAX;
    case VN_U32: return UINT32_MAX;
    default: return INT64_MAX;
    }
}

/* y[position] = fn(y[position], x[i]) over all elements. */
struct fold {
    const struct node *n;
    const struct vn_tensor *x;
    int64_t *at; /* position in y of each element of x */
    int64_t count, out;
};

static struct fold walk(const struct node *n, const struct eval *ev)
{
    const struct vn_shape *s = &ev->in[0]->shape;
    struct fold f = { n, ev->in[0], NULL, vn_shape_count(s), vn_shape_count(&ev->out[0]->shape) };
    uint32_t mask = vn_reduce_axes(n);
    int64_t stride[VN_MAX_RANK], idx[VN_MAX_RANK] = { 0 }, step = 1;
    for (int d = s->rank - 1; d >= 0; d--) {
        stride[d] = mask >> d & 1 ? 0 : step;
        step *= mask >> d & 1 ? 1 : s->d[d];
    }
    f.at = NEW_ARRAY(ev->arena, int64_t, f.count);
    for (int64_t i = 0; i < f.count; i++, vn_index_next(idx, s))
        for (int d = 0; d < s->rank; d++)
            f.at[i] += idx[d] * stride[d];
    return f;
}

static double start(enum vn_reduce op)
{
    return op == VN_RED_MAX ? -INFINITY : op == VN_RED_MIN ? INFINITY : op == VN_RED_PROD ? 1 : 0;
}

static double joined(enum vn_reduce op, double y, double x)
{
    switch (op) {
    case VN_RED_MAX: return x > y || isnan(x) ? x : y;
    case VN_RED_MIN: return x < y || isnan(x) ? x : y;
    case VN_RED_PROD: return y * x;
    case VN_RED_L1: return y + fabs(x);
    case VN_RED_L2:
    case VN_RED_SUM_SQUARE: return y + x * x;
    default: return y + x;
    }
}

static double finished(enum vn_reduce op, double y, int64_t n)
{
    return op == VN_RED_MEAN ? y / (double)n : op == VN_RED_L2 ? sqrt(y) : op == VN_RED_LOG_SUM ? log(y) : y;
}

static void eval_real(const struct fold *f, double *y, const double *x, enum vn_reduce op)
{
    for (int64_t i = 0; i < f->out; i++)
        y[i] = start(op);
    for (int64_t i = 0; i < f->count; i++)
        y[f->at[i]] = joined(op, y[f->at[i]], x[i]);
    for (int64_t i = 0; i < f->out; i++)
        y[i] = finished(op, y[i], f->count / f->out);
}

static void eval_log_sum_exp(const struct fold *f, double *y, const double *x, double *max)
{
    eval_real(f, max, x, VN_RED_MAX);
    for (int64_t i = 0; i < f->out; i++)
        y[i] = 0;
    for (int64_t i = 0; i < f->count; i++)
        y[f->at[i]] += isinf(max[f->at[i]]) ? 0 : exp(x[i] - max[f->at[i]]);
    for (int64_t i = 0; i < f->out; i++)
        y[i] = isinf(max[i]) ? max[i] : log(y[i]) + max[i];
}

static void eval_whole(const struct fold *f, int64_t *y, const int64_t *x, enum vn_reduce op)
{
    enum vn_dtype t = f->n->in[0]->dtype;
    for (int64_t i = 0; i < f->out; i++)
        y[i] = op == VN_RED_MAX ? lowest(t) : op == VN_RED_MIN ? highest(t) : op == VN_RED_PROD;
    for (int64_t i = 0; i < f->count; i++) {
        uint64_t v = (uint64_t)x[i], *to = (uint64_t *)&y[f->at[i]]; /* wraps around */
        switch (op) {
        case VN_RED_MAX: *to = x[i] > (int64_t)*to ? v : *to; break;
        case VN_RED_MIN: *to = x[i] < (int64_t)*to ? v : *to; break;
        case VN_RED_PROD: *to *= v; break;
        case VN_RED_L1: *to += x[i] < 0 ? 0 - v : v; break;
        case VN_RED_L2:
        case VN_RED_SUM_SQUARE: *to += v * v; break;
        default: *to += v; break;
        }
    }
    for (int64_t i = 0; i < f->out && op == VN_RED_MEAN; i++)
        y[i] = f->count ? y[i] / (f->count / f->out) : 0;
    for (int64_t i = 0; i < f->out && (op == VN_RED_L2 || op == VN_RED_LOG_SUM); i++)
        y[i] = (int64_t)(op == VN_RED_L2 ? sqrt((double)y[i]) : y[i] > 0 ? log((double)y[i]) : 0);
}

int vn_reduce_eval(const struct node *n, const struct eval *ev, enum vn_reduce op)
{
    struct fold f = walk(n, ev);
    if (ev->out[0]->dtype == VN_I64)
        eval_whole(&f, vn_i64(ev->out[0]), vn_i64(ev->in[0]), op);
    else if (op == VN_RED_LOG_SUM_EXP)
        eval_log_sum_exp(&f, vn_f64(ev->out[0]), vn_f64(ev->in[0]), NEW_ARRAY(ev->arena, double, f.out));
    else
        eval_real(&f, vn_f64(ev->out[0]), vn_f64(ev->in[0]), op);
    return VN_OK;
}

/* ---- rounding errors ---- */

/* Of what is summed up, per unit of the sum of its magnitudes; of the others, per unit of the result. */
static double relative_slack(enum vn_reduce op, double terms)
{
    switch (op) {
    case VN_RED_MAX:
    case VN_RED_MIN: return 1;
    case VN_RED_LOG_SUM:
    case VN_RED_LOG_SUM_EXP: return 8;
    default: return terms + 3;
    }
}

/* What the logarithm makes of the relative error of its argument. */
static double absolute_slack(enum vn_reduce op, double terms)
{
    return op == VN_RED_LOG_SUM ? terms + 3 : op == VN_RED_LOG_SUM_EXP ? 2 * terms + 8 + 4 * log(terms) : 0;
}

int vn_reduce_slack(const struct node *n, const struct vn_tensor *const *in, const struct vn_tensor *y,
                    struct vn_tensor *out, struct vn_arena *a, enum vn_reduce op)
{
    const int64_t count = vn_shape_count(&y->shape), all = vn_shape_count(&in[0]->shape);
    const double terms = count ? (double)all / (double)count : 1, u = FLT_EPSILON / 2;
    const int sums = op == VN_RED_SUM || op == VN_RED_MEAN;
    struct vn_tensor *x = vn_tensor_new(a, VN_F64, &in[0]->shape);
    for (int64_t i = 0; sums && i < all; i++)
        vn_f64(x)[i] = fabs(vn_f64(in[0])[i]);
    const struct eval ev = { a, (const struct vn_tensor *const[]){ x }, &out };
    if (sums)
        vn_reduce_eval(n, &ev, op);
    for (int64_t i = 0; i < count; i++) {
        const double size = sums ? vn_f64(out)[i] : fabs(vn_f64(y)[i]);
        vn_f64(out)[i] = u * (relative_slack(op, terms) * size + absolute_slack(op, terms));
    }
    return VN_OK;
}

/* ---- lowering ---- */

/* Axes of the reduced set are neighbours in memory? dims and *mask in memory order. */
static int is_run(const int64_t *dims, int rank, uint32_t mask, struct reduce_walk *w)
{
    int64_t outer = 1, count = 1, inner = 1;
    int state = 0; /* 0 in front, 1 inside, 2 behind */
    for (int d = 0; d < rank; d++) {
        if (dims[d] == 1)
            continue;
        int hit = mask >> d & 1;
        if (hit && state == 2)
            return 0;
        state = hit ? 1 : state ? 2 : 0;
        *(state == 0 ? &outer : state == 1 ? &count : &inner) *= dims[d];
    }
    *w = (struct reduce_walk){ (int32_t)outer, (int32_t)count, (int32_t)inner };
    return 1;
}

/* A copy with the reduced axes behind the others. */
static int gathered(struct lowering *l, int x, uint32_t mask, struct reduce_walk *w, struct vn_err *e)
{
    struct prog_tensor t = *vn_low_tensor(l, x);
    int64_t own[VN_MAX_RANK], from[VN_MAX_RANK], to[VN_MAX_RANK];
    struct vn_shape s = { .rank = t.shape.rank };
    int k = 0, y;
    vn_low_axis_strides(&t, own);
    *w = (struct reduce_walk){ 1, 1, 1 };
    for (int pass = 0; pass < 2; pass++)
        for (int d = 0; d < s.rank; d++)
            if ((int)(mask >> d & 1) == pass) {
                *(pass ? &w->count : &w->outer) *= (int32_t)t.shape.d[d];
                from[k] = own[d];
                s.d[k++] = t.shape.d[d];
            }
    vn_shape_strides(&s, to);
    y = vn_low_temp(l, t.dtype, &s, PLAIN, t.scale, t.zero);
    TRY(vn_low_copy(l, x, y, s.rank, s.d, 0, from, 0, to, e));
    return y;
}

int vn_reduce_input(const struct node *n, struct lowering *l, struct reduce_walk *w, int *y, struct vn_err *e)
{
    const struct vn_shape *s = &n->in[0]->shape;
    uint32_t mask = vn_reduce_axes(n), turned = mask;
    int64_t dims[VN_MAX_RANK];
    enum layout order = PLAIN;
    int x = s->rank == n->out[0]->shape.rank ? vn_low_in_any(l, 0, &order) : vn_low_in(l, 0, PLAIN);
    vn_low_physical(vn_low_tensor(l, x), dims);
    if (order == CHANNELS_LAST)
        turned = (mask & 1) | (mask >> 2 << 1) | (mask >> 1 & 1) << (s->rank - 1);
    if (!is_run(dims, s->rank, turned, w)) {
        order = PLAIN;
        x = gathered(l, x, mask, w, e);
        TRY(x);
    }
    *y = vn_low_out(l, order);
    return x;
}

int vn_reduce_lower(const struct node *n, struct lowering *l, enum vn_reduce op, struct vn_err *e)
{
    struct reduce_walk w;
    if (!vn_dtype_is_float(n->in[0]->dtype)) {
        const struct portable_params p = { .id = VN_PORTABLE_reduce_whole,
                                           .i = { op, (int32_t)vn_reduce_axes(n), n->out[0]->dtype,
                                                  n->in[0]->dtype } };
        const int whole = vn_low_in(l, 0, PLAIN);
        return vn_portable_emit(l, &p, 1, &whole, vn_low_out(l, PLAIN), e);
    }
    if (!vn_shape_count(&n->in[0]->shape)) { /* of nothing */
        vn_low_fill(l, vn_low_out(l, PLAIN),
                    (float)(op == VN_RED_LOG_SUM || op == VN_RED_LOG_SUM_EXP ? -INFINITY
                            : op == VN_RED_MEAN                              ? NAN
                                                                             : start(op)));
        return VN_OK;
    }
    int y, x = vn_reduce_input(n, l, &w, &y, e);
    TRY(x);
    struct instr_REDUCE_F32 *p = vn_low_emit(l, OPCODE_REDUCE_F32, 1, &x, y);
    p->op = op;
    p->outer = w.outer, p->n = w.count, p->inner = w.inner;
    return VN_OK;
}

/* ~q: exact, and the smallest becomes the largest. */
static int32_t inverted(const void *ctx, int32_t q)
{
    (void)ctx;
    return ~q;
}

static int like(struct lowering *l, int x)
{
    const struct prog_tensor t = *vn_low_tensor(l, x);
    return vn_low_temp(l, t.dtype, &t.shape, t.layout, t.scale, t.zero);
}

int vn_reduce_lower_extreme(const struct node *n, struct lowering *l, int smallest, struct vn_err *e)
{
    struct reduce_walk w;
    int y, x = vn_reduce_input(n, l, &w, &y, e);
    TRY(x);
    const int from = smallest ? like(l, x) : x, to = smallest ? like(l, y) : y;
    if (smallest)
        vn_low_emit_table(l, x, from, inverted, NULL);
    struct instr_MAXPOOL *p = vn_low_emit(l, OPCODE_MAXPOOL, 1, &from, to);
    p->n = w.outer, p->c = w.inner;
    p->h = p->kh = w.count;
    p->w = p->kw = p->oh = p->ow = p->sh = p->sw = p->dh = p->dw = 1;
    if (smallest)
        vn_low_emit_table(l, to, y, inverted, NULL);
    return VN_OK;
}

/* ---- integer sums ---- */

static int64_t summands(const struct node *n)
{
    const uint32_t mask = vn_reduce_axes(n);
    int64_t count = 1;
    for (int d = 0; d < n->in[0]->shape.rank; d++)
        count *= mask >> d & 1 ? n->in[0]->shape.d[d] : 1;
    return count;
}

enum q_kind vn_reduce_sum_kind(const struct node *n)
{
    const int64_t count = summands(n);
    return count > 0 && count < 1 << 15 ? Q_OWN : Q_FLOAT;
}

int vn_qeval_reduce_sum(const struct node *n, const struct eval *ev, int mean)
{
    const struct qparam *x = n->in[0]->q, *y = n->out[0]->q;
    const int64_t count = vn_shape_count(&ev->out[0]->shape), area = summands(n);
    vn_reduce_eval(n, ev, VN_RED_SUM);
    for (int64_t i = 0; i < count; i++) {
        const int64_t sum = vn_i64(ev->out[0])[i] - area * x->zero[0];
        vn_i64(ev->out[0])[i] = vn_average((int32_t)sum, mean ? (int32_t)area : 1, x->scale[0] / y->scale[0],
                                           y->zero[0], vn_q_min(y), vn_q_max(y));
    }
    return VN_OK;
}

int vn_reduce_lower_sum(const struct node *n, struct lowering *l, enum vn_pool_divisor divisor,
                        struct vn_err *e)
{
    struct reduce_walk w;
    int y, x = vn_reduce_input(n, l, &w, &y, e);
    TRY(x);
    struct instr_AVGPOOL *p = vn_low_emit(l, OPCODE_AVGPOOL, 1, &x, y);
    p->n = w.outer, p->c = w.inner;
    p->h = p->kh = w.count;
    p->w = p->kw = p->oh = p->ow = p->sh = p->sw = p->dh = p->dw = 1;
    p->count_include_pad = divisor;
    return VN_OK;
}
