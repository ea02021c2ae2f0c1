/* ops/pools.c - what MaxPool and AveragePool share. */
#include "ops/pools.h"

int vn_pool_window(struct window *w, const struct node *n, struct vn_err *e)
{
    const struct pool_attrs *a = n->attrs;
    return vn_window(w, n, &n->in[0]->shape, NULL, a->kernel, a->strides, a->pads, a->dilations, a->auto_pad,
                     e);
}

int vn_pool_infer(struct node *n, struct vn_err *e)
{
    const struct pool_attrs *a = n->attrs;
    struct window w;
    TRY(vn_infer_begin(n, e));
    TRY(vn_pool_window(&w, n, e));
    struct vn_shape s = n->in[0]->shape;
    int64_t window = 1;
    for (int i = 0; i < w.rank; i++) {
        window *= w.kernel[i];
        TRY(vn_infer_most(n, window, VN_MOST_WINDOW, e));
        int64_t extent = w.dilation[i] * (w.kernel[i] - 1) + 1;
        if (w.pad_begin[i] >= extent || w.pad_end[i] >= extent)
            return vn_node_fail(
                n, e, VN_E_INPUT,
                "padding of spatial dimension %d (%lld, %lld) is not smaller than the kernel (%lld)", i,
                (long long)w.pad_begin[i], (long long)w.pad_end[i], (long long)extent);
        s.d[i + 2] = vn_window_out(&w, i, s.d[i + 2], (int)a->ceil_mode);
        if (s.d[i + 2] < 1 || n->in[0]->shape.d[i + 2] < 1)
            return vn_node_fail(n, e, VN_E_INPUT,
                                "the kernel does not fit into spatial dimension %d of %s (%lld elements)", i,
                                n->in[0]->name, (long long)n->in[0]->shape.d[i + 2]);
    }
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

/* Taps [lo, hi) along dimension i whose position lies in [from, to). */
static void taps_within(const struct window *w, int i, int64_t start, int64_t from, int64_t to, int64_t *lo,
                        int64_t *hi)
{
    int64_t d = w->dilation[i];
    *lo = start < from ? (from - start + d - 1) / d : 0;
    *hi = start < to ? (to - start + d - 1) / d : 0;
    *hi = *hi < w->kernel[i] ? *hi : w->kernel[i];
    *lo = *lo < *hi ? *lo : *hi;
}

/* Taps of one output position inside the input, as offsets in a plane. */
static int64_t collect(int64_t *at, int64_t *padded, const struct window *w, const struct vn_shape *x,
                       const int64_t *pos)
{
    int64_t lo[3] = { 0, 0, 0 }, hi[3] = { 1, 1, 1 }, start[3] = { 0 }, step[3] = { 1, 1, 1 },
            in[3] = { 1, 1, 1 }, n = 0;
    *padded = 1;
    for (int i = 0; i < w->rank; i++) {
        int to = 3 - w->rank + i;
        int64_t a, b;
        start[to] = pos[i] * w->stride[i] - w->pad_begin[i];
        step[to] = w->dilation[i];
        in[to] = x->d[i + 2];
        taps_within(w, i, start[to], -w->pad_begin[i], in[to] + w->pad_end[i], &a, &b);
        *padded *= b - a;
        taps_within(w, i, start[to], 0, in[to], &lo[to], &hi[to]);
    }
    for (int64_t z = lo[0]; z < hi[0]; z++)
        for (int64_t v = lo[1]; v < hi[1]; v++)
            for (int64_t u = lo[2]; u < hi[2]; u++)
                at[n++] = ((start[0] + z * step[0]) * in[1] + start[1] + v * step[1]) * in[2] + start[2] +
                          u * step[2];
    return n;
}

int vn_pool_walk(const struct node *n, const struct eval *ev, vn_pool_fn *fn, void *user, struct vn_err *e)
{
    const struct vn_shape *x = &ev->in[0]->shape, *y = &ev->out[0]->shape;
    struct window w;
    TRY(vn_pool_window(&w, n, e));
    struct vn_shape plane = { .rank = w.rank };
    memcpy(plane.d, y->d + 2, sizeof(int64_t) * (size_t)w.rank);
    int64_t area_in = 1, area_out = vn_shape_count(&plane), planes = y->d[0] * y->d[1],
            pos[VN_MAX_RANK] = { 0 };
    for (int i = 0; i < w.rank; i++)
        area_in *= x->d[i + 2];
    int64_t *at = NEW_ARRAY(ev->arena, int64_t, area_in), *moved = NEW_ARRAY(ev->arena, int64_t, area_in),
            padded;
    for (int64_t o = 0; o < area_out; o++, vn_index_next(pos, &plane)) {
        int64_t count = collect(at, &padded, &w, x, pos);
        for (int64_t p = 0; p < planes; p++) {
            for (int64_t i = 0; i < count; i++)
                moved[i] = at[i] + p * area_in;
            fn(ev, p * area_out + o, moved, count, padded, user);
        }
    }
    return VN_OK;
}

int vn_pool_call(const struct node *n, struct lowering *l, enum vn_pool_function function, int y,
                 struct vn_err *e)
{
    const struct pool_attrs *a = n->attrs;
    struct portable_params p = { .id = VN_PORTABLE_pool_nd };
    struct window w;
    TRY(vn_pool_window(&w, n, e));
    const int x = vn_low_in(l, 0, PLAIN);
    vn_portable_put_window(&p, &w);
    p.i[VN_CW_FUNCTION] = function;
    p.i[VN_CW_COUNT_INCLUDE_PAD] = (int32_t)a->count_include_pad;
    p.i[VN_CW_POWER] = (int32_t)a->p;
    p.i[VN_CW_TYPE] = n->in[0]->dtype;
    return vn_portable_emit(l, &p, 1, &x, y, e);
}

int vn_pool_is_flat(const struct window *w)
{
    return w->rank == 3 && w->kernel[0] == 1 && w->stride[0] == 1 && !w->pad_begin[0] && !w->pad_end[0];
}

int vn_pool_lower(const struct node *n, struct lowering *l, enum opcode op, struct vn_err *e)
{
    const struct pool_attrs *a = n->attrs;
    const struct vn_shape *x = &n->in[0]->shape, *y = &n->out[0]->shape;
    struct window w;
    TRY(vn_pool_window(&w, n, e));
    const int flat = vn_pool_is_flat(&w);
    if ((w.rank > 2 && !flat) || !vn_dtype_is_float(n->in[0]->dtype))
        return vn_pool_call(n, l, op == OPCODE_MAXPOOL ? VN_POOL_LARGEST : VN_POOL_MEAN, vn_low_out(l, PLAIN),
                            e);
    int v = w.rank > 1, u = w.rank - 1, r = u - 1, in = vn_low_in(l, 0, CHANNELS_LAST);
    struct instr_AVGPOOL *p = vn_low_emit(l, op, 1, &in, vn_low_out(l, CHANNELS_LAST));
    *p = (struct instr_AVGPOOL){
        .n = (int32_t)(x->d[0] * (flat ? x->d[2] : 1)),
        .c = (int32_t)x->d[1],
        .h = v ? (int32_t)x->d[r + 2] : 1,
        .oh = v ? (int32_t)y->d[r + 2] : 1,
        .kh = v ? (int32_t)w.kernel[r] : 1,
        .sh = v ? (int32_t)w.stride[r] : 1,
        .dh = v ? (int32_t)w.dilation[r] : 1,
        .ph = v ? (int32_t)w.pad_begin[r] : 0,
        .ph_end = v ? (int32_t)w.pad_end[r] : 0,
        .w = (int32_t)x->d[u + 2],
        .ow = (int32_t)y->d[u + 2],
        .kw = (int32_t)w.kernel[u],
        .sw = (int32_t)w.stride[u],
        .dw = (int32_t)w.dilation[u],
        .pw = (int32_t)w.pad_begin[u],
        .pw_end = (int32_t)w.pad_end[u],
        .count_include_pad = (int32_t)a->count_include_pad,
    };
    return VN_OK;
}
