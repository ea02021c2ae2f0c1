/* ops/moves.c - instructions that move elements: copies, fills, gathers, and rescaling on the way. */
#include <math.h>

#include "num/num.h"
#include "ops/lower.h"
#include "ops/walk.h"

void vn_walk_simplify(struct joint_walk *w)
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
static void sort_by_b(struct joint_walk *w)
{
    for (int i = 1; i < w->rank; i++)
        for (int j = i; j > 0 && w->b[j] > w->b[j - 1]; j--) {
            int64_t d = w->d[j], a = w->a[j], b = w->b[j];
            w->d[j] = w->d[j - 1], w->a[j] = w->a[j - 1], w->b[j] = w->b[j - 1];
            w->d[j - 1] = d, w->a[j - 1] = a, w->b[j - 1] = b;
        }
}

void vn_low_copy_walk(struct joint_walk *w, int rank, const int64_t *dims, const int64_t *src_stride,
                      const int64_t *dst_stride)
{
    *w = (struct joint_walk){ .rank = rank };
    for (int d = 0; d < rank; d++)
        w->d[d] = dims[d], w->a[d] = src_stride[d], w->b[d] = dst_stride[d];
    sort_by_b(w);
    vn_walk_simplify(w);
}

int vn_low_copy(struct lowering *l, int from, int to, int rank, const int64_t *dims, int64_t src,
                const int64_t *src_stride, int64_t dst, const int64_t *dst_stride, struct vn_err *e)
{
    struct joint_walk w;
    if (src > INT32_MAX || dst > INT32_MAX)
        return vn_fail(e, VN_E_UNSUPPORTED, "%s: a tensor is too large", l->node ? l->node->name : "copy");
    for (int d = 0; d < rank; d++)
        if (dims[d] == 0)
            return VN_OK;
    vn_low_copy_walk(&w, rank, dims, src_stride, dst_stride);
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
        const int64_t cell = (int64_t)value, count = vn_shape_count(&vn_low_tensor(l, to)->shape), none = 0,
                      one = 1;
        vn_low_copy(l, vn_low_const(l, VN_I64, 1, &cell), to, 1, &count, 0, &none, 0, &one, NULL);
        return;
    }
    struct instr_FILL *p = vn_low_emit(l, OPCODE_FILL, 0, NULL, to);
    p->value = value;
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

/* ---- other parameters ---- */

void vn_low_emit_table(struct lowering *l, int x, int y, vn_table_fn *fn, const void *ctx)
{
    const int narrow = vn_low_tensor(l, x)->dtype == VN_I8, count = narrow ? 256 : 65536,
              least = narrow ? INT8_MIN : INT16_MIN;
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

void vn_low_rescale_within(struct lowering *l, int x, int y, const struct qparam *qx, const struct qparam *qy,
                           double lo, double hi)
{
    if (qx->dtype == VN_I8 && qy->dtype == VN_I8) /* a table is faster */
        vn_low_emit_table(l, x, y, clamp_entry, &(struct clamp){ qx, qy, lo, hi });
    else
        vn_low_rescale_limits(l, x, y, vn_q_one(qy, 0, lo), vn_q_one(qy, 0, hi));
}

void vn_low_rescale(struct lowering *l, int x, int y, const struct qparam *qx, const struct qparam *qy)
{
    int64_t count = vn_shape_count(&vn_low_tensor(l, x)->shape), one = 1;
    if (vn_qparam_equal(qx, qy))
        vn_low_copy(l, x, y, 1, &count, 0, &one, 0, &one, NULL);
    else
        vn_low_rescale_within(l, x, y, qx, qy, -INFINITY, INFINITY);
}
