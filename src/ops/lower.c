/* ops/lower.c - which program tensor holds which value in which memory order, and the conversions between
 * them. */
#include "ops/lower.h"

#include "num/num.h"

/* A tensor that holds value v: quantized, or in float32. */
static int value_tensor(struct lowering *l, const struct value *v, int as_f32, enum layout order)
{
    const struct qparam *q = as_f32 ? NULL : v->q;
    const enum vn_role role = as_f32 && v->q ? VN_ROLE_FLOAT : VN_ROLE_VALUE;
    const int id = vn_low_carry(l, v, role, q ? q->dtype : vn_low_cell(v->dtype), &v->shape, order);
    if (q)
        vn_low_quantized(l, id, q->scale[0], q->zero[0]);
    return id;
}

/* ---- constants ---- */

/* Element i of a constant as the program stores it: q, float32, or int64. */
static void store(void *to, int64_t k, enum vn_dtype t, const struct value *v, int64_t i)
{
    const struct vn_tensor *d = v->data;
    int whole = v->q && !vn_dtype_is_float(d->dtype), entry = v->q ? vn_q_entry(v->q, &v->shape, i) : 0;
    int64_t q = !v->q ? 0 : whole ? vn_tensor_i64(d, i) : vn_q_one(v->q, entry, vn_tensor_f64(d, i));
    switch (t) {
    case VN_I8: ((int8_t *)to)[k] = (int8_t)q; break;
    case VN_I16: ((int16_t *)to)[k] = (int16_t)q; break;
    case VN_I32: ((int32_t *)to)[k] = (int32_t)q; break;
    case VN_I64: ((int64_t *)to)[k] = vn_tensor_i64(d, i); break;
    default: ((float *)to)[k] = (float)(v->q ? vn_dq_one(v->q, entry, q) : vn_tensor_f64(d, i)); break;
    }
}

static enum vn_dtype stored_type(const struct value *v, int as_f32)
{
    return !as_f32 && v->q ? v->q->dtype : v->q ? VN_F32 : vn_low_cell(v->dtype);
}

/* Is a constant kept as the program stores it? */
static int is_stored(const struct value *v, enum vn_dtype t)
{
    return v->data->dtype == t && (v->q ? !vn_dtype_is_float(t) : t == VN_F32 || t == VN_I64);
}

static const void *elements(struct vn_arena *a, const struct value *v, enum vn_dtype t)
{
    if (is_stored(v, t))
        return v->data->data;
    const int64_t count = vn_shape_count(&v->shape);
    void *data = NEW_ARRAY(a, char, (size_t)count *vn_dtype_size(t));
    for (int64_t i = 0; i < count; i++)
        store(data, i, t, v, i);
    return data;
}

const void *vn_low_elements(struct lowering *l, const struct value *v, enum vn_dtype t)
{
    return elements(l->scratch, v, t);
}

static int constant_value(struct lowering *l, const struct value *v, int as_f32, enum layout order)
{
    enum vn_dtype t = stored_type(v, as_f32);
    int id = vn_low_constant(l, v, as_f32 ? VN_ROLE_FLOAT : VN_ROLE_VALUE, t, &v->shape, order, NULL);
    struct prog_tensor *p = vn_low_tensor(l, id);
    if (t != VN_F32 && v->q)
        vn_low_quantized(l, id, v->q->scale[0], v->q->zero[0]);
    if (!vn_low_is_turned(p)) {
        p->data = elements(l->arena, v, t);
        return id;
    }
    int64_t stride[VN_MAX_RANK], idx[VN_MAX_RANK] = { 0 }, count = vn_shape_count(&v->shape);
    void *data = NEW_ARRAY(l->arena, char, (size_t)count *vn_dtype_size(t));
    vn_low_axis_strides(p, stride);
    for (int64_t i = 0; i < count; i++, vn_index_next(idx, &v->shape)) {
        int64_t at = 0;
        for (int d = 0; d < v->shape.rank; d++)
            at += idx[d] * stride[d];
        store(data, at, t, v, i);
    }
    p->data = data;
    return id;
}

/* ---- inputs ---- */

static enum layout order_of(const struct value *v, enum layout want)
{
    return v->shape.rank < 3 ? PLAIN : want;
}

/* The tensor `from` of int8 value v as int16 without its zero point. */
static int widened(struct lowering *l, const struct value *v, int from)
{
    const struct prog_tensor t = *vn_low_tensor(l, from);
    int *slot = &l->held_s16[t.layout][v->id];
    if (*slot >= 0)
        return *slot;
    if (t.place != BIN_CONST) {
        *slot = vn_low_carry(l, v, VN_ROLE_WIDE, VN_I16, &t.shape, t.layout);
        vn_low_quantized(l, *slot, t.scale, 0);
        vn_low_rescale_limits(l, from, *slot, INT16_MIN, INT16_MAX);
        return *slot;
    }
    const int64_t count = vn_shape_count(&t.shape);
    int16_t *data = NEW_ARRAY(l->arena, int16_t, count);
    for (int64_t i = 0; i < count; i++)
        data[i] = (int16_t)(((const int8_t *)t.data)[i] - t.zero);
    *slot = vn_low_constant(l, v, VN_ROLE_WIDE, VN_I16, &t.shape, t.layout, data);
    vn_low_quantized(l, *slot, t.scale, 0);
    return *slot;
}

/* The same elements in the other order. */
static int converted(struct lowering *l, int from, enum layout order)
{
    int64_t src[VN_MAX_RANK], dst[VN_MAX_RANK];
    const int to = vn_low_like(l, from, VN_ROLE_COPY, order);
    const struct vn_shape s = vn_low_tensor(l, to)->shape;
    vn_low_axis_strides(vn_low_tensor(l, from), src);
    vn_low_axis_strides(vn_low_tensor(l, to), dst);
    vn_low_copy(l, from, to, s.rank, s.d, 0, src, 0, dst, NULL);
    return to;
}

/* The tensor that holds v in the wanted order, made where there is none yet. */
static int obtain(struct lowering *l, const struct value *v, int as_f32, enum layout want)
{
    as_f32 = as_f32 && v->q;
    int **held = as_f32 ? l->held_f32 : l->held;
    want = order_of(v, want);
    int *slot = &held[want][v->id], other = held[!want][v->id];
    if (*slot >= 0)
        return *slot;
    if (v->data)
        return *slot = constant_value(l, v, as_f32, want);
    if (other >= 0)
        return *slot = converted(l, other, want);
    if (!as_f32)
        return -1; /* not made yet */
    int from = obtain(l, v, 0, want);
    if (from < 0)
        return -1;
    *slot = value_tensor(l, v, 1, want);
    vn_low_emit(l, OPCODE_DEQUANTIZE, 1, &from, *slot);
    return *slot;
}

int vn_low_value(struct lowering *l, const struct value *v, enum layout want, int f32)
{
    return obtain(l, v, f32, want);
}

int vn_low_in(struct lowering *l, int i, enum layout want)
{
    const struct value *v = l->node->in[i];
    const int x = obtain(l, v, !l->integer, want);
    return l->wide && x >= 0 && vn_low_tensor(l, x)->dtype == VN_I8 ? widened(l, v, x) : x;
}

int vn_low_in_any(struct lowering *l, int i, enum layout *got)
{
    const struct value *v = l->node->in[i];
    int **held = !l->integer && v->q ? l->held_f32 : l->held;
    *got = held[CHANNELS_LAST][v->id] >= 0 ? CHANNELS_LAST : PLAIN;
    if (held[PLAIN][v->id] < 0 && !v->data)
        *got = held[CHANNELS_LAST][v->id] >= 0 || l->held[CHANNELS_LAST][v->id] >= 0 ? CHANNELS_LAST : PLAIN;
    *got = order_of(v, *got);
    return vn_low_in(l, i, *got);
}

/* ---- outputs ---- */

/* Is the result, as lower makes it, not yet what the value is to hold? */
static int is_narrowed(const struct lowering *l)
{
    return l->wide && l->node->out[0]->q && l->node->out[0]->q->dtype == VN_I8;
}

static int needs_finish(const struct lowering *l)
{
    const struct value *v = l->node->out[0];
    if (!v->q)
        return 0;
    return !l->integer || is_narrowed(l) ||
           (vn_node_kind(l->node) == Q_MOVE && !vn_qparam_equal(v->q, l->node->in[0]->q));
}

int vn_low_out(struct lowering *l, enum layout order)
{
    const struct value *v = l->node->out[0];
    order = order_of(v, order);
    if (needs_finish(l)) {
        const struct qparam *q = is_narrowed(l) ? v->q : l->integer ? l->node->in[0]->q : NULL;
        l->raw_layout = order;
        l->raw_out = vn_low_carry(l, v, VN_ROLE_RAW,
                                  is_narrowed(l) ? VN_I16
                                  : q            ? q->dtype
                                                 : VN_F32,
                                  &v->shape, order);
        if (q)
            vn_low_quantized(l, l->raw_out, q->scale[0], q->zero[0]);
        return l->raw_out;
    }
    return l->held[order][v->id] = value_tensor(l, v, 0, order);
}

int vn_low_out_at(struct lowering *l, int i, enum layout order)
{
    const struct value *v = l->node->out[i];
    order = order_of(v, order);
    if (v->q)
        return vn_low_carry(l, v, VN_ROLE_RAW, VN_F32, &v->shape, order);
    return l->held[order][v->id] = value_tensor(l, v, 0, order);
}

void vn_low_finish_at(struct lowering *l, int i, int made)
{
    const struct value *v = l->node->out[i];
    if (!v->q)
        return;
    const enum layout order = vn_low_tensor(l, made)->layout;
    l->held[order][v->id] = value_tensor(l, v, 0, order);
    vn_low_emit(l, OPCODE_QUANTIZE, 1, &made, l->held[order][v->id]);
}

int vn_low_rescaled(struct lowering *l, int i, int x)
{
    const struct value *v = l->node->in[i];
    const struct qparam *q = l->node->out[0]->q;
    const int y = vn_low_carry(l, v, VN_ROLE_RESCALED, q->dtype, &v->shape, vn_low_tensor(l, x)->layout);
    vn_low_tensor(l, y)->node = l->node->name;
    vn_low_quantized(l, y, q->scale[0], q->zero[0]);
    vn_low_rescale(l, x, y, v->q, q);
    return y;
}

/* ---- the driver ---- */

/* A type that the runtime computes with? */
static int check_type(const struct node *n, const struct value *v, struct vn_err *e)
{
    const struct qparam *q = v->q;
    if (!q || (q->n == 1 && (q->dtype == VN_I8 || (q->dtype == VN_I16 && q->zero[0] == 0))))
        return VN_OK;
    return vn_node_fail(n, e, VN_E_UNSUPPORTED,
                        "%s is %s%s; the runtime supports int8, and int16 with zero point 0, with one scale",
                        v->name, vn_dtype_name(q->dtype),
                        q->n != 1            ? " per channel"
                        : q->dtype == VN_I16 ? " with a zero point"
                                             : "");
}

static int check_values(const struct lowering *l, const struct node *n, struct vn_err *e)
{
    for (int i = 1; i < n->n_out; i++)
        if (n->out[i] && vn_graph_uses(n->out[i]) && !n->op->lowers_all)
            return vn_node_fail(n, e, VN_E_UNSUPPORTED, "the runtime does not support output %d of %s (%s)",
                                i, n->op->onnx, n->out[i]->name);
    for (int i = 0; i < n->n_in; i++) {
        const struct value *v = n->in[i];
        if (!v)
            continue;
        if (v->bounded && !n->op->reads_bounded)
            return vn_node_fail(
                n, e, VN_E_UNSUPPORTED,
                "the size of %s depends on the data; only network outputs may have such sizes", v->name);
        if (!v->data)
            TRY(check_type(n, v, e));
        if (!v->data && l->held[PLAIN][v->id] < 0 && l->held[CHANNELS_LAST][v->id] < 0)
            return vn_node_fail(n, e, VN_E_INTERNAL, "%s is used before it is computed", v->name);
    }
    return check_type(n, n->out[0], e);
}

/* Nothing to compute: outputs without elements. */
static int lower_empty(struct lowering *l, const struct node *n)
{
    for (int i = 0; i < n->n_out; i++)
        if (n->out[i] && vn_shape_count(&n->out[i]->shape))
            return 0;
    for (int i = 0; i < n->n_out; i++)
        if (n->out[i])
            vn_low_fill(l, l->held[PLAIN][n->out[i]->id] = value_tensor(l, n->out[i], 0, PLAIN), 0);
    return 1;
}

/* Instructions from `first` on that compute: in float32 and quantized integers alone. Others move or are
 * functions for any cells. */
static int check_types(const struct lowering *l, const struct node *n, int first, struct vn_err *e)
{
    for (int i = first; i < l->prog->instrs.n; i++) {
        const struct prog_instr *p = &l->prog->instrs.v[i];
        if (p->op == OPCODE_PORTABLE || p->op == OPCODE_COPY || p->op == OPCODE_FILL ||
            p->op == OPCODE_GATHER || p->op == OPCODE_CUSTOM)
            continue;
        for (int k = -1; k < p->n_in; k++)
            if (l->prog->tensors.v[k < 0 ? p->out : p->in[k]].dtype == VN_I64)
                return vn_node_fail(n, e, VN_E_UNSUPPORTED, "the runtime does not support %s of %s",
                                    n->op->onnx,
                                    vn_dtype_name(n->in[0] ? n->in[0]->dtype : n->out[0]->dtype));
    }
    return VN_OK;
}

int vn_lower_node(struct lowering *l, const struct node *n, struct vn_err *e)
{
    const struct value *y = n->out[0];
    const int first = l->prog->instrs.n;
    l->node = n;
    l->integer = vn_node_is_integer(n) && vn_node_kind(n) != Q_FLOAT;
    l->wide = l->integer && vn_node_widens(n);
    l->raw_out = -1;
    vn_arena_free(&l->scratch);
    l->scratch = vn_arena_new();
    TRY(check_values(l, n, e));
    if (lower_empty(l, n))
        return VN_OK;
    TRY(n->op->lower(n, l, e));
    TRY(check_types(l, n, first, e));
    if (l->raw_out < 0)
        return VN_OK;
    int to = value_tensor(l, y, 0, l->raw_layout);
    if (is_narrowed(l))
        vn_low_rescale_limits(l, l->raw_out, to, INT8_MIN, INT8_MAX);
    else if (l->integer)
        vn_low_rescale(l, l->raw_out, to, n->in[0]->q, y->q);
    else
        vn_low_emit(l, OPCODE_QUANTIZE, 1, &l->raw_out, to);
    l->held[l->raw_layout][y->id] = to;
    return VN_OK;
}
