/* ops/lower_shapes.c - shapes of lowering that several operators share. */
#include <math.h>

#include "format/numbers.h"
#include "kernels/kernels.h"
#include "num/num.h"
#include "ops/portable_op.h"
#include "ops/lower.h"

/* ---- moving elements ---- */

/* Dimensions and two sets of strides, fewest dimensions for the same walk. */
struct walk {
    int rank;
    int64_t d[VN_MAX_RANK], a[VN_MAX_RANK], b[VN_MAX_RANK];
};

/* Leave out dimensions of 1, and join neighbours that both operands step through evenly. */
static void simplify(struct walk *w)
{
    int n = 0;
    for (int i = 0; i < w->rank; i++) {
        if (w->d[i] == 1)
            continue;
        if (n && w->a[n - 1] == w->a[i] * w->d[i] && w->b[n - 1] == w->b[i] * w->d[i]) {
            w->d[n - 1] *= w->d[i];
            w->a[n - 1] = w->a[i];
            w->b[n - 1] = w->b[i];
            continue;
        }
        w->d[n] = w->d[i];
        w->a[n] = w->a[i];
        w->b[n++] = w->b[i];
    }
    w->rank = n;
}

/* Outermost first in the order of b's memory. */
static void sort_by_b(struct walk *w)
{
    for (int i = 1; i < w->rank; i++)
        for (int j = i; j > 0 && w->b[j] > w->b[j - 1]; j--) {
            int64_t d = w->d[j], a = w->a[j], b = w->b[j];
            w->d[j] = w->d[j - 1], w->a[j] = w->a[j - 1], w->b[j] = w->b[j - 1];
            w->d[j - 1] = d, w->a[j - 1] = a, w->b[j - 1] = b;
        }
}

int vn_low_copy(struct lowering *l, int from, int to, int rank, const int64_t *dims, int64_t src, const int64_t *src_stride,
                int64_t dst, const int64_t *dst_stride, struct vn_err *e)
{
    struct walk w = { .rank = rank };
    if (src > INT32_MAX || dst > INT32_MAX)
        return vn_fail(e, VN_E_UNSUPPORTED, "%s: a tensor is too large", l->node ? l->node->name : "copy");
    for (int d = 0; d < rank; d++) {
        if (dims[d] == 0)
            return VN_OK;
        w.d[d] = dims[d], w.a[d] = src_stride[d], w.b[d] = dst_stride[d];
    }
    sort_by_b(&w);
    simplify(&w);
    struct instr_COPY *p = vn_low_emit(l, OPCODE_COPY, 1, &from, to);
    p->rank = w.rank;
    p->src = (int32_t)src;
    p->dst = (int32_t)dst;
    for (int d = 0; d < w.rank; d++) {
        p->dims[d] = (int32_t)w.d[d];
        p->src_stride[d] = (int32_t)w.a[d];
        p->dst_stride[d] = (int32_t)w.b[d];
    }
    return VN_OK;
}

void vn_low_fill(struct lowering *l, int to, float value)
{
    if (vn_low_tensor(l, to)->dtype == VN_I64) { /* one constant repeated */
        const int64_t cell = (int64_t)value, count = vn_shape_count(&vn_low_tensor(l, to)->shape), none = 0, one = 1;
        vn_low_copy(l, vn_low_const(l, VN_I64, 1, &cell), to, 1, &count, 0, &none, 0, &one, NULL);
        return;
    }
    struct instr_FILL *p = vn_low_emit(l, OPCODE_FILL, 0, NULL, to);
    p->value = value;
}

int vn_low_reshape(const struct node *n, struct lowering *l, struct vn_err *e)
{
    int64_t count = vn_shape_count(&n->out[0]->shape), one = 1;
    enum layout order = PLAIN;
    int same = vn_shape_equal(&n->in[0]->shape, &n->out[0]->shape);
    int x = same ? vn_low_in_any(l, 0, &order) : vn_low_in(l, 0, PLAIN);
    return vn_low_copy(l, x, vn_low_out(l, order), 1, &count, 0, &one, 0, &one, e);
}

int vn_low_gather(struct lowering *l, int x, int axis, int64_t count, const int64_t *index, int y)
{
    const struct prog_tensor t = *vn_low_tensor(l, x);
    int64_t dims[VN_MAX_RANK], outer = 1, inner = 1;
    int at = t.layout == PLAIN || axis == 0 ? axis : axis == 1 ? t.shape.rank - 1 : axis - 1;
    int32_t *k = NEW_ARRAY(l->arena, int32_t, count);
    for (int64_t i = 0; i < count; i++)
        k[i] = (int32_t)index[i];
    if (y < 0) {
        struct vn_shape s = t.shape;
        s.d[axis] = count;
        y = vn_low_temp(l, t.dtype, &s, t.layout, t.scale, t.zero);
    }
    vn_low_physical(&t, dims);
    for (int d = 0; d < t.shape.rank; d++)
        if (d != at)
            *(d < at ? &outer : &inner) *= dims[d];
    if (!outer || !count || !inner)
        return y;
    int in[2] = { x, vn_low_const(l, VN_I32, count, k) };
    struct instr_GATHER *p = vn_low_emit(l, OPCODE_GATHER, 2, in, y);
    p->outer = (int32_t)outer;
    p->extent = (int32_t)dims[at];
    p->count = (int32_t)count;
    p->inner = (int32_t)inner;
    return y;
}

int vn_low_none(const struct node *n, struct lowering *l, struct vn_err *e)
{
    (void)l;
    return vn_node_fail(n, e, VN_E_UNSUPPORTED, "%s is left at run time; fold constants before compiling", n->op->onnx);
}

/* ---- two operands ---- */

/* Strides of tensor t seen in shape s: 0 along axes that broadcast. */
static void seen_in(int64_t *stride, const struct prog_tensor *t, const struct vn_shape *s)
{
    int64_t own[VN_MAX_RANK];
    int shift = s->rank - t->shape.rank;
    vn_low_axis_strides(t, own);
    for (int d = 0; d < s->rank; d++)
        stride[d] = d < shift || t->shape.d[d - shift] == 1 ? 0 : own[d - shift];
}

/* The walk over y in its memory order; strides per source axis. */
static struct walk binary_walk(const struct prog_tensor *y, const int64_t *a, const int64_t *b)
{
    struct walk w = { .rank = y->shape.rank };
    vn_low_physical(y, w.d);
    for (int d = 0; d < w.rank; d++) {
        int axis = y->layout == PLAIN || d == 0 ? d : d == w.rank - 1 ? 1 : d + 1;
        w.a[d] = a[axis];
        w.b[d] = b[axis];
    }
    simplify(&w);
    return w;
}

static void put_walk(const struct walk *w, int32_t *rank, int32_t *dims, int32_t *a, int32_t *b)
{
    *rank = w->rank;
    for (int d = 0; d < w->rank; d++) {
        dims[d] = (int32_t)w->d[d];
        a[d] = (int32_t)w->a[d];
        b[d] = (int32_t)w->b[d];
    }
}

void vn_low_binary_f32(struct lowering *l, int op, int a, const int64_t *a_stride, int b, const int64_t *b_stride, int y)
{
    struct walk w = binary_walk(vn_low_tensor(l, y), a_stride, b_stride);
    struct instr_BINARY_F32 *p = vn_low_emit(l, OPCODE_BINARY_F32, 2, (int[]){ a, b }, y);
    p->op = op;
    put_walk(&w, &p->rank, p->dims, p->a_stride, p->b_stride);
}

/* Memory order of the result: that of the first activation as large as the result. */
static enum layout binary_order(const struct node *n, struct lowering *l)
{
    enum layout order = PLAIN;
    for (int i = 1; i >= 0; i--)
        if (!n->in[i]->data && n->in[i]->shape.rank == n->out[0]->shape.rank)
            vn_low_in_any(l, i, &order);
    return order;
}

/* Operand i, with its strides per axis of the output. Constants of full rank are stored in the output's order. */
static int operand(const struct node *n, struct lowering *l, int i, enum layout order, int64_t *stride)
{
    int full = n->in[i]->data && n->in[i]->shape.rank == n->out[0]->shape.rank;
    int id = full ? vn_low_in(l, i, order) : vn_low_in_any(l, i, &order);
    seen_in(stride, vn_low_tensor(l, id), &n->out[0]->shape);
    return id;
}

int vn_low_binary(const struct node *n, struct lowering *l, int op, struct vn_err *e)
{
    int64_t a[VN_MAX_RANK], b[VN_MAX_RANK];
    if (!vn_dtype_is_float(n->in[0]->dtype))
        return vn_low_portable_binary(n, l, op, e); /* the first of the two lists agree */
    for (int i = 0; l->integer && i < 2; i++)
        if (n->in[i]->q->n != 1)
            return vn_node_fail(n, e, VN_E_UNSUPPORTED, "%s is quantized per channel; %s wants one scale", n->in[i]->name, n->op->onnx);
    enum layout order = binary_order(n, l);
    int in[2] = { operand(n, l, 0, order, a), operand(n, l, 1, order, b) };
    int y = vn_low_out(l, order);
    if (!l->integer) {
        vn_low_binary_f32(l, op, in[0], a, in[1], b, y);
        return VN_OK;
    }
    struct walk w = binary_walk(vn_low_tensor(l, y), a, b);
    struct instr_BINARY_S8 *p = vn_low_emit(l, l->wide ? OPCODE_BINARY_S16 : OPCODE_BINARY_S8, 2, in, y); /* the same fields */
    p->op = op;
    p->lo = l->wide ? INT16_MIN : INT8_MIN;
    p->hi = l->wide ? INT16_MAX : INT8_MAX;
    put_walk(&w, &p->rank, p->dims, p->a_stride, p->b_stride);
    return VN_OK;
}

int vn_low_fold_into(const struct node *n, struct lowering *l, int op, int y, struct vn_err *e)
{
    const struct vn_shape *s = &n->out[0]->shape;
    int64_t a[VN_MAX_RANK], b[VN_MAX_RANK];
    int sum = vn_low_in(l, 0, PLAIN);
    if (y < 0)
        y = vn_low_temp(l, VN_F32, s, PLAIN, 0, 0);
    if (n->n_in == 1) {
        vn_shape_strides(s, a);
        TRY(vn_low_copy(l, sum, y, s->rank, s->d, 0, a, 0, a, e));
        return y;
    }
    for (int i = 1; i < n->n_in; i++) {
        int x = vn_low_in(l, i, PLAIN), to = i == n->n_in - 1 ? y : vn_low_temp(l, VN_F32, s, PLAIN, 0, 0);
        seen_in(a, vn_low_tensor(l, sum), s);
        seen_in(b, vn_low_tensor(l, x), s);
        vn_low_binary_f32(l, op, sum, a, x, b, to);
        sum = to;
    }
    return y;
}

int vn_low_fold(const struct node *n, struct lowering *l, int op, struct vn_err *e)
{
    if (n->n_in == 2)
        return vn_low_binary(n, l, op, e);
    int y = vn_low_fold_into(n, l, op, vn_low_out(l, PLAIN), e);
    return y < 0 ? y : VN_OK;
}

/* ---- one operand ---- */

/* The table of an integer function, for every value of x. */
typedef int32_t table_fn(const void *ctx, int32_t q);

static void emit_table(struct lowering *l, int x, int y, table_fn *fn, const void *ctx)
{
    const int narrow = vn_low_tensor(l, x)->dtype == VN_I8, count = narrow ? 256 : 65536, least = narrow ? INT8_MIN : INT16_MIN;
    const enum vn_dtype t = vn_low_tensor(l, y)->dtype;
    int8_t *s8 = NEW_ARRAY(l->arena, int8_t, count);
    int16_t *s16 = NEW_ARRAY(l->arena, int16_t, count);
    for (int i = 0; i < count; i++) {
        s16[i] = (int16_t)fn(ctx, i + least);
        s8[i] = (int8_t)s16[i];
    }
    int in[2] = { x, vn_low_const(l, t, count, t == VN_I8 ? (void *)s8 : s16) };
    vn_low_emit(l, narrow && t == VN_I8 ? OPCODE_TABLE_S8 : OPCODE_TABLE_S16, 2, in, y);
}

void vn_low_rescale_limits(struct lowering *l, int x, int y, int32_t lo, int32_t hi)
{
    struct instr_RESCALE *p = vn_low_emit(l, OPCODE_RESCALE, 1, &x, y);
    p->lo = lo;
    p->hi = hi;
}

struct clamp {
    const struct qparam *x, *y;
    double lo, hi;
};
static int32_t clamp_entry(const void *ctx, int32_t q)
{
    const struct clamp *c = ctx;
    return vn_q_clamp(q, c->x, c->y, c->lo, c->hi);
}

/* To y's parameters within [lo, hi]: from int8 to int8 by a table, which is faster. */
static void emit_clamp(struct lowering *l, int x, int y, const struct clamp *c)
{
    if (c->x->dtype == VN_I8 && c->y->dtype == VN_I8)
        emit_table(l, x, y, clamp_entry, c);
    else
        vn_low_rescale_limits(l, x, y, vn_q_one(c->y, 0, c->lo), vn_q_one(c->y, 0, c->hi));
}

void vn_low_rescale(struct lowering *l, int x, int y, const struct qparam *qx, const struct qparam *qy)
{
    int64_t count = vn_shape_count(&vn_low_tensor(l, x)->shape), one = 1;
    if (vn_qparam_equal(qx, qy))
        vn_low_copy(l, x, y, 1, &count, 0, &one, 0, &one, NULL);
    else
        emit_clamp(l, x, y, &(struct clamp){ qx, qy, -INFINITY, INFINITY });
}

static int32_t node_entry(const void *ctx, int32_t q) { return vn_table_entry(ctx, q); }

int vn_low_unary(const struct node *n, struct lowering *l, int op, float alpha, float beta, struct vn_err *e)
{
    enum layout order;
    static const int whole[] = { [VN_UN_ABS] = VN_CU_ABS, [VN_UN_NEG] = VN_CU_NEG, [VN_UN_SIGN] = VN_CU_SIGN };
    if (!vn_dtype_is_float(n->in[0]->dtype) && (op == VN_UN_ABS || op == VN_UN_NEG || op == VN_UN_SIGN))
        return vn_low_portable_unary(n, l, whole[op], e);
    if (!l->integer && op < 0)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "the runtime has %s as an int8 table only, not in float32", n->op->onnx);
    int x = vn_low_in_any(l, 0, &order), y = vn_low_out(l, order);
    if (!l->integer) {
        struct instr_UNARY_F32 *p = vn_low_emit(l, OPCODE_UNARY_F32, 1, &x, y);
        p->op = op;
        p->alpha = alpha;
        p->beta = beta;
        return VN_OK;
    }
    emit_table(l, x, y, node_entry, n);
    return VN_OK;
}

int vn_low_table(const struct node *n, struct lowering *l, struct vn_err *e) { return vn_low_unary(n, l, -1, 0, 0, e); }

int vn_low_clamp(const struct node *n, struct lowering *l, float lo, float hi, struct vn_err *e)
{
    (void)e;
    enum layout order;
    int x = vn_low_in_any(l, 0, &order), y = vn_low_out(l, order);
    const struct qparam *qx = n->in[0]->q, *qy = n->out[0]->q;
    if (!l->integer) {
        struct instr_CLAMP_F32 *p = vn_low_emit(l, OPCODE_CLAMP_F32, 1, &x, y);
        p->lo = lo;
        p->hi = hi;
    } else if (qx->dtype == VN_I8 && qy->dtype == VN_I8 && qx->scale[0] == qy->scale[0] && qx->zero[0] == qy->zero[0]) {
        struct instr_CLAMP_S8 *p = vn_low_emit(l, OPCODE_CLAMP_S8, 1, &x, y);
        p->lo = vn_q_one(qy, 0, lo);
        p->hi = vn_q_one(qy, 0, hi);
    } else {
        emit_clamp(l, x, y, &(struct clamp){ qx, qy, lo, hi });
    }
    return VN_OK;
}
