/* ops/matmul.c - matrix product of the last two axes, NumPy's rules for batches and 1-D operands. */
#include "ops/portable_op.h"

/* m x k by k x n for each index of the batch dimensions; strides in matrices' elements, 0 where an operand
 * broadcasts. */
struct plan {
    int64_t m, n, k;
    struct vn_shape batch;
    int64_t a_stride[VN_MAX_RANK], b_stride[VN_MAX_RANK];
};

/* Batch dimensions of an operand, and the elements between its matrices. */
static void batch_strides(int64_t *stride, const struct vn_shape *x, const struct vn_shape *batch)
{
    int own = x->rank > 2 ? x->rank - 2 : 0;
    int64_t step = 1;
    for (int d = own; d < x->rank; d++)
        step *= x->d[d];
    for (int d = batch->rank - 1; d >= 0; d--) {
        int at = d - (batch->rank - own);
        stride[d] = at < 0 || x->d[at] == 1 ? 0 : step;
        step *= at < 0 ? 1 : x->d[at];
    }
}

static int plan_of(struct plan *p, const struct node *n, struct vn_err *e)
{
    const struct vn_shape *a = &n->in[0]->shape, *b = &n->in[1]->shape;
    struct vn_shape ab = { .rank = a->rank > 2 ? a->rank - 2 : 0 },
                    bb = { .rank = b->rank > 2 ? b->rank - 2 : 0 };
    if (a->rank < 1 || b->rank < 1)
        return vn_node_fail(n, e, VN_E_INPUT, "a matrix product with a scalar");
    memcpy(ab.d, a->d, sizeof(int64_t) * (size_t)ab.rank);
    memcpy(bb.d, b->d, sizeof(int64_t) * (size_t)bb.rank);
    p->m = a->rank > 1 ? a->d[a->rank - 2] : 1;
    p->k = a->d[a->rank - 1];
    p->n = b->rank > 1 ? b->d[b->rank - 1] : 1;
    int64_t rows = b->rank > 1 ? b->d[b->rank - 2] : b->d[0];
    if (rows != p->k)
        return NODE_MISFIT(n, e, "%s has %lld columns, %s has %lld rows", n->in[0]->name, (long long)p->k,
                           n->in[1]->name, (long long)rows);
    if (vn_shape_broadcast(&p->batch, &ab, &bb, e) < 0)
        return vn_because(e, REASON_misfit, e ? vn_fail_at(e, "%s", n->name) : VN_E_INPUT);
    batch_strides(p->a_stride, a, &p->batch);
    batch_strides(p->b_stride, b, &p->batch);
    return VN_OK;
}

static int infer(struct node *n, struct vn_err *e)
{
    struct plan p;
    TRY(vn_infer_begin(n, e));
    TRY(plan_of(&p, n, e));
    struct vn_shape s = p.batch;
    if (n->in[0]->shape.rank > 1)
        s.d[s.rank++] = p.m;
    if (n->in[1]->shape.rank > 1)
        s.d[s.rank++] = p.n;
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

static void multiply(double *y, const double *a, const double *b, const struct plan *p)
{
    for (int64_t i = 0; i < p->m; i++)
        for (int64_t k = 0; k < p->k; k++)
            for (int64_t j = 0; j < p->n; j++)
                y[i * p->n + j] += a[i * p->k + k] * b[k * p->n + j];
}

static void multiply_whole(int64_t *y, const int64_t *a, const int64_t *b, const struct plan *p)
{
    for (int64_t i = 0; i < p->m * p->n; i++)
        for (int64_t k = 0; k < p->k; k++)
            y[i] = (int64_t)((uint64_t)y[i] +
                             (uint64_t)a[i / p->n * p->k + k] * (uint64_t)b[k * p->n + i % p->n]);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    struct plan p;
    TRY(plan_of(&p, n, e));
    int64_t idx[VN_MAX_RANK] = { 0 }, count = vn_shape_count(&p.batch);
    for (int64_t i = 0; i < count; i++, vn_index_next(idx, &p.batch)) {
        int64_t a = 0, b = 0;
        for (int d = 0; d < p.batch.rank; d++) {
            a += idx[d] * p.a_stride[d];
            b += idx[d] * p.b_stride[d];
        }
        if (ev->out[0]->dtype == VN_I64)
            multiply_whole(vn_i64(ev->out[0]) + i * p.m * p.n, vn_i64(ev->in[0]) + a, vn_i64(ev->in[1]) + b,
                           &p);
        else
            multiply(vn_f64(ev->out[0]) + i * p.m * p.n, vn_f64(ev->in[0]) + a, vn_f64(ev->in[1]) + b, &p);
    }
    vn_eval_wrap(n, ev);
    return VN_OK;
}

static int weight_axis(const struct node *n) { return n->in[1]->shape.rank == 2 ? 1 : -1; }

/* By a constant matrix: a convolution of 1x1 over rows. */
static int lower_weight(const struct node *n, struct lowering *l, const struct plan *p, struct vn_err *e)
{
    int64_t rows = vn_shape_count(&n->in[0]->shape) / (p->k ? p->k : 1);
    struct low_conv c = { .n = (int)rows,
                          .h = 1,
                          .w = 1,
                          .c = (int)p->k,
                          .oh = 1,
                          .ow = 1,
                          .k = (int)p->n,
                          .kh = 1,
                          .kw = 1,
                          .sh = 1,
                          .sw = 1,
                          .dh = 1,
                          .dw = 1,
                          .groups = 1 };
    TRY(vn_low_weights(l, &c, -1, e));
    const size_t size = vn_dtype_size(c.weight_type);
    char *turned = NEW_ARRAY(l->scratch, char, (size_t)(p->n * p->k) * size);
    for (int64_t k = 0; k < p->k; k++)
        for (int64_t j = 0; j < p->n; j++)
            memcpy(turned + (size_t)(j * p->k + k) * size,
                   (const char *)c.weight + (size_t)(k * p->n + j) * size, size);
    c.weight = turned;
    int x = vn_low_in(l, 0, PLAIN);
    return vn_low_conv(l, x, vn_low_out(l, PLAIN), &c, e);
}

/* Operand i with at least two axes: a row or a column where it has one. */
static int as_matrix(const struct node *n, struct lowering *l, int i, struct vn_err *e)
{
    const struct vn_shape *x = &n->in[i]->shape;
    const int from = vn_low_in(l, i, PLAIN);
    if (x->rank > 1)
        return from;
    const struct vn_shape s = { .rank = 2, .d = { i ? x->d[0] : 1, i ? 1 : x->d[0] } };
    const int to = vn_low_temp(l, VN_I64, &s, PLAIN, 0, 0);
    const int64_t one = 1;
    TRY(vn_low_copy(l, from, to, 1, x->d, 0, &one, 0, &one, e));
    return to;
}

static int lower_whole(const struct node *n, struct lowering *l, const struct plan *p, struct vn_err *e)
{
    const struct portable_params call = { .id = VN_PORTABLE_matmul_whole };
    const int in[2] = { as_matrix(n, l, 0, e), as_matrix(n, l, 1, e) };
    const int64_t one = 1, count = vn_shape_count(&n->out[0]->shape);
    struct vn_shape s = p->batch;
    TRY(in[0] < 0 ? in[0] : in[1]);
    s.d[s.rank++] = p->m;
    s.d[s.rank++] = p->n;
    const int same = vn_shape_equal(&s, &n->out[0]->shape),
              product = same ? vn_low_out(l, PLAIN) : vn_low_temp(l, VN_I64, &s, PLAIN, 0, 0);
    TRY(vn_portable_emit(l, &call, 2, in, product, e));
    return same ? VN_OK : vn_low_copy(l, product, vn_low_out(l, PLAIN), 1, &count, 0, &one, 0, &one, e);
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    struct plan p;
    TRY(plan_of(&p, n, e));
    const struct value *w = n->in[1];
    if (!vn_dtype_is_float(n->in[0]->dtype))
        return lower_whole(n, l, &p, e);
    if (!p.k) { /* sums of nothing */
        const int y = vn_low_out(l, PLAIN);
        vn_low_fill(l, y, (float)vn_low_tensor(l, y)->zero);
        return VN_OK;
    }
    int symmetric = !w->q || (w->q->n == 1 ? w->q->zero[0] == 0 : 1);
    if (w->data && w->shape.rank == 2 && symmetric)
        return lower_weight(n, l, &p, e);
    if (p.batch.rank > 6)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "%d batch dimensions; the runtime supports at most 6",
                            p.batch.rank);
    for (int i = 0; l->integer && i < 2; i++)
        if (n->in[i]->q->n != 1)
            return vn_node_fail(n, e, VN_E_UNSUPPORTED,
                                "%s is quantized per channel; a product of activations requires one scale",
                                n->in[i]->name);
    int in[2] = { vn_low_in(l, 0, PLAIN), vn_low_in(l, 1, PLAIN) };
    int y = vn_low_out(l, PLAIN);
    struct instr_MATMUL_S8 *i = vn_low_emit(l,
                                            l->wide      ? OPCODE_MATMUL_S16
                                            : l->integer ? OPCODE_MATMUL_S8
                                                         : OPCODE_MATMUL_F32,
                                            2, in, y);
    i->m = (int32_t)p.m, i->n = (int32_t)p.n, i->k = (int32_t)p.k; /* all have the same fields */
    i->rank = p.batch.rank;
    for (int d = 0; d < p.batch.rank; d++) {
        i->dims[d] = (int32_t)p.batch.d[d];
        i->a_stride[d] = (int32_t)p.a_stride[d];
        i->b_stride[d] = (int32_t)p.b_stride[d];
    }
    return VN_OK;
}

static enum reason_id unfit(const struct node *n)
{
    const struct value *b = vn_node_has(n, 1) ? n->in[1] : NULL;
    return b && b->data && b->shape.rank != 2 ? REASON_second_operand : REASON_NONE;
}

static int foldable(const struct node *n) { return n->in[1]->shape.rank == 2; }

static int64_t terms(const struct node *n)
{
    const struct vn_shape *a = &n->in[0]->shape;
    return a->d[a->rank - 1] + 2;
}

const struct op_def vn_op_matmul = {
    .name = "matmul",
    .onnx = "MatMul",
    .min_in = 2,
    .max_in = 2,
    .infer = infer,
    .eval = eval,
    .lower = lower,
    .quant = { .kind = Q_LINEAR,
               .weight = 1,
               .weight_axis = 1,
               .weight_computed = 1,
               .channel_axis = -1,
               .float_out_ok = 1 },
    .weight_axis = weight_axis,
    .unfit = unfit,
    .foldable = foldable,
    .with_bias = &vn_op_gemm,
    .terms = terms,
};
