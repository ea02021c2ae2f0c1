/* ops/lower_shapes.c - shapes of lowering that several operators share. */
#include <math.h>

#include "format/numbers.h"
#include "num/num.h"
#include "ops/portable_op.h"
#include "ops/walk.h"

/* With channels last in both shapes, the elements have the same order, too. */
static int keeps_channels(const struct node *n)
{
    const struct vn_shape *x = &n->in[0]->shape, *y = &n->out[0]->shape;
    return x->rank >= 3 && y->rank >= 3 && x->d[0] == y->d[0] && x->d[1] == y->d[1];
}

static int reads_pixels(const struct node *n, const struct value *v)
{
    return v->shape.rank == 4 && (n->op->window || n->op->wants_channels_last);
}

int vn_low_is_wanted_last(const struct value *v)
{
    for (int steps = 0; v && steps < 4; steps++) { /* one Reshape behind the other */
        const struct value *next = NULL;
        for (int i = 0; i < v->users.n; i++) {
            const struct node *n = v->users.v[i].node;
            if (reads_pixels(n, v))
                return 1;
            if (n->op->elements == ELEMENTS_KEPT && keeps_channels(n))
                next = n->out[0];
        }
        v = next;
    }
    return 0;
}

int vn_low_reshape(const struct node *n, struct lowering *l, struct vn_err *e)
{
    int64_t count = vn_shape_count(&n->out[0]->shape), one = 1;
    enum layout order = PLAIN;
    const int any = keeps_channels(n) || vn_shape_equal(&n->in[0]->shape, &n->out[0]->shape);
    const int x = any ? vn_low_in_any(l, 0, &order) : vn_low_in(l, 0, PLAIN);
    return vn_low_copy(l, x, vn_low_out(l, order), 1, &count, 0, &one, 0, &one, e);
}

int vn_low_none(const struct node *n, struct lowering *l, struct vn_err *e)
{
    (void)l;
    return vn_node_fail(n, e, VN_E_UNSUPPORTED, "%s remains at run time; fold constants before compiling",
                        n->op->onnx);
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
static struct joint_walk binary_walk(const struct prog_tensor *y, const int64_t *a, const int64_t *b)
{
    struct joint_walk w = { .rank = y->shape.rank };
    vn_low_physical(y, w.d);
    for (int d = 0; d < w.rank; d++) {
        int axis = y->layout == PLAIN || d == 0 ? d : d == w.rank - 1 ? 1 : d + 1;
        w.a[d] = a[axis];
        w.b[d] = b[axis];
    }
    vn_walk_simplify(&w);
    return w;
}

static void put_walk(const struct joint_walk *w, int32_t *rank, int32_t *dims, int32_t *a, int32_t *b)
{
    *rank = w->rank;
    for (int d = 0; d < w->rank; d++) {
        dims[d] = (int32_t)w->d[d];
        a[d] = (int32_t)w->a[d];
        b[d] = (int32_t)w->b[d];
    }
}

void vn_low_binary_f32(struct lowering *l, int op, int a, const int64_t *a_stride, int b,
                       const int64_t *b_stride, int y)
{
    struct joint_walk w = binary_walk(vn_low_tensor(l, y), a_stride, b_stride);
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

/* Operand i, with its strides per axis of the output. Constants of full rank are stored in the output's
 * order. */
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
            return vn_node_fail(n, e, VN_E_UNSUPPORTED, "%s is quantized per channel; %s requires one scale",
                                n->in[i]->name, n->op->onnx);
    enum layout order = binary_order(n, l);
    int in[2] = { operand(n, l, 0, order, a), operand(n, l, 1, order, b) };
    int y = vn_low_out(l, order);
    if (!l->integer) {
        vn_low_binary_f32(l, op, in[0], a, in[1], b, y);
        return VN_OK;
    }
    struct joint_walk w = binary_walk(vn_low_tensor(l, y), a, b);
    struct instr_BINARY_S8 *p =
        vn_low_emit(l, l->wide ? OPCODE_BINARY_S16 : OPCODE_BINARY_S8, 2, in, y); /* the same fields */
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

static int32_t node_entry(const void *ctx, int32_t q) { return vn_table_entry(ctx, q); }

int vn_low_unary(const struct node *n, struct lowering *l, int op, float alpha, float beta, struct vn_err *e)
{
    enum layout order;
    static const int whole[] = {
        [VN_UN_ABS] = VN_CU_ABS, [VN_UN_NEG] = VN_CU_NEG, [VN_UN_SIGN] = VN_CU_SIGN
    };
    if (!vn_dtype_is_float(n->in[0]->dtype) && (op == VN_UN_ABS || op == VN_UN_NEG || op == VN_UN_SIGN))
        return vn_low_portable_unary(n, l, whole[op], e);
    if (!l->integer && op < 0)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED,
                            "the runtime supports %s as an int8 table only, not in float32", n->op->onnx);
    int x = vn_low_in_any(l, 0, &order), y = vn_low_out(l, order);
    if (!l->integer) {
        struct instr_UNARY_F32 *p = vn_low_emit(l, OPCODE_UNARY_F32, 1, &x, y);
        p->op = op;
        p->alpha = alpha;
        p->beta = beta;
        return VN_OK;
    }
    vn_low_emit_table(l, x, y, node_entry, n);
    return VN_OK;
}

int vn_low_portable_unary(const struct node *n, struct lowering *l, int op, struct vn_err *e)
{
    if (l->integer)
        return vn_low_table(n, l, e);
    const struct portable_params p = { .id = VN_PORTABLE_unary, .i = { op, n->in[0]->dtype } };
    const int x = vn_low_in(l, 0, PLAIN);
    return vn_portable_emit(l, &p, 1, &x, vn_low_out(l, PLAIN), e);
}

int vn_low_table(const struct node *n, struct lowering *l, struct vn_err *e)
{
    return vn_low_unary(n, l, -1, 0, 0, e);
}

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
    } else if (qx->dtype == VN_I8 && qy->dtype == VN_I8 && qx->scale[0] == qy->scale[0] &&
               qx->zero[0] == qy->zero[0]) {
        struct instr_CLAMP_S8 *p = vn_low_emit(l, OPCODE_CLAMP_S8, 1, &x, y);
        p->lo = vn_q_one(qy, 0, lo);
        p->hi = vn_q_one(qy, 0, hi);
    } else {
        vn_low_rescale_within(l, x, y, qx, qy, lo, hi);
    }
    return VN_OK;
}
