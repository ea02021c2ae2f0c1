/* kernels/portable/pool_nd.c - pools over three axes, of integers, with the places of the maxima, or by
 * norms. in: x. Parameters: window.h; i[1]: 0 the largest, 1 the mean, 2 the norm, 3 the place of the
 * largest in x row by row, 4 column by column (within N and C); i[14]: mean: 1 counts paddings; i[15..17]:
 * paddings behind; i[18]: the norm's power. Windows without an element: -inf, or the smallest integer of
 * type i[19]. */
#include <math.h>

#include "kernels/portable/window.h"
#include "num/num.h"

static const char *check(const struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    struct vn_portable_window g;
    const int op = a->i[VN_CW_FUNCTION], whole_out = op == VN_POOL_PLACE || op == VN_POOL_PLACE_BY_COLUMNS;
    if (a->n_in != 1 || op < VN_POOL_LARGEST || op > VN_POOL_PLACE_BY_COLUMNS ||
        vn_portable_window(&g, a, x, &a->out, NULL) || x->d[1] != a->out.d[1])
        return "pool: wrong window or shapes";
    if (whole_out
            ? vn_cells_real(&a->out)
            : vn_cells_real(&a->out) != vn_cells_real(x) || (op != VN_POOL_LARGEST && !vn_cells_real(x)))
        return "pool: wrong types";
    return op == VN_POOL_NORM && a->i[VN_CW_POWER] < 1 ? "pool: wrong power" : NULL;
}

/* Taps [lo, hi) along axis k of the window at place o that lie in [0, end) of the input. */
static void taps_inside(const struct vn_portable_window *g, int k, int64_t o, int64_t end, int64_t *lo,
                        int64_t *hi)
{
    const int64_t start = o * g->stride[k] - g->pad[k], d = g->dilation[k];
    *lo = start < 0 ? (-start + d - 1) / d : 0;
    *hi = start < end ? (end - start + d - 1) / d : 0;
    *hi = *hi < g->kernel[k] ? *hi : g->kernel[k];
    *lo = *lo < *hi ? *lo : *hi;
}

/* How many places the window covers along all axes, within x and its paddings. */
static int64_t covered(const struct vn_portable_window *g, const struct vn_portable_args *a, const int64_t *o)
{
    int64_t n = 1;
    for (int k = 0; k < 3; k++) {
        const int64_t end = g->in[k] + (k < g->rank ? a->i[VN_CW_PAD_END + k] : 0) + g->pad[k];
        const struct vn_portable_window padded = { .kernel[0] = g->kernel[k],
                                                   .stride[0] = g->stride[k],
                                                   .dilation[0] = g->dilation[k] };
        int64_t lo, hi;
        taps_inside(&padded, 0, o[k], end > 0 ? end : 0, &lo, &hi);
        n *= hi - lo;
    }
    return n;
}

/* Elements of x under the window, one after the other, row by row. */
struct taps {
    int64_t lo[3], hi[3], t[3];
};

static void taps_begin(struct taps *s, const struct vn_portable_window *g, const int64_t *o)
{
    for (int k = 0; k < 3; k++) {
        taps_inside(g, k, o[k], g->in[k], &s->lo[k], &s->hi[k]);
        s->t[k] = s->lo[k];
    }
    if (s->lo[1] >= s->hi[1] || s->lo[2] >= s->hi[2])
        s->t[0] = s->hi[0];
}

/* The next element's place; -1: no more. */
static int64_t taps_next(struct taps *s, const struct vn_portable_window *g, const int64_t *o)
{
    if (s->t[0] >= s->hi[0])
        return -1;
    const int64_t at = vn_portable_under(g, o, s->t);
    for (int k = 2; k >= 0; k--) {
        if (++s->t[k] < s->hi[k] || k == 0)
            break;
        s->t[k] = s->lo[k];
    }
    return at;
}

static int64_t smallest(int dtype)
{
    switch (dtype) {
    case VN_I8: return INT8_MIN;
    case VN_I16: return INT16_MIN;
    case VN_I32: return INT32_MIN;
    case VN_I64: return INT64_MIN;
    default: return 0;
    }
}

/* Place of the largest element under the window; -1: none. NaN is never chosen. */
static int64_t largest(const struct vn_cells *x, int64_t base, const struct vn_portable_window *g,
                       const int64_t *o)
{
    int64_t best = -1, at;
    struct taps s;
    taps_begin(&s, g, o);
    while ((at = taps_next(&s, g, o)) >= 0) {
        const int more = vn_cells_real(x)
                             ? vn_cell(x, base + at) > (best < 0 ? -INFINITY : vn_cell(x, base + best))
                             : best < 0 || vn_cell_int(x, base + at) > vn_cell_int(x, base + best);
        best = more ? at : best;
    }
    return best;
}

static double joined(const struct vn_portable_args *a, int64_t base, const struct vn_portable_window *g,
                     const int64_t *o)
{
    const struct vn_cells *x = &a->in[0];
    int64_t at, n = 0;
    double sum = 0;
    struct taps s;
    taps_begin(&s, g, o);
    while ((at = taps_next(&s, g, o)) >= 0) {
        const double v = vn_cell(x, base + at);
        sum += a->i[VN_CW_FUNCTION] == VN_POOL_MEAN ? v
               : a->i[VN_CW_POWER] == 2             ? v * v
                                                    : vn_pow(v < 0 ? -v : v, a->i[VN_CW_POWER]);
        n++;
    }
    if (a->i[VN_CW_FUNCTION] == VN_POOL_NORM)
        return a->i[VN_CW_POWER] == 2 ? sqrt(sum) : vn_pow(sum, 1.0 / a->i[VN_CW_POWER]);
    n = a->i[VN_CW_COUNT_INCLUDE_PAD] ? covered(g, a, o) : n;
    return n ? sum / (double)n : 0;
}

/* The same place when the axes are walked in the opposite order. */
static int64_t by_columns(const struct vn_portable_window *g, int64_t at)
{
    int64_t p[3], flat = 0;
    vn_portable_place(p, at, g->in);
    for (int k = 2; k >= 0; k--)
        flat = flat * g->in[k] + p[k];
    return flat;
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    struct vn_portable_window g;
    vn_portable_window(&g, a, x, &a->out, NULL);
    for (int64_t i = 0; i < a->out.count; i++) {
        const int64_t base = i / g.out_plane * g.in_plane;
        int64_t o[3];
        vn_portable_place(o, i % g.out_plane, g.out);
        if (a->i[VN_CW_FUNCTION] == VN_POOL_MEAN || a->i[VN_CW_FUNCTION] == VN_POOL_NORM) {
            vn_cell_set(&a->out, i, joined(a, base, &g, o));
            continue;
        }
        const int64_t at = largest(x, base, &g, o);
        if (a->i[VN_CW_FUNCTION] != VN_POOL_LARGEST)
            vn_cell_set_int(
                &a->out, i,
                at < 0 ? -1 : base + (a->i[VN_CW_FUNCTION] == VN_POOL_PLACE ? at : by_columns(&g, at)));
        else if (at >= 0)
            vn_cell_copy(&a->out, i, x, base + at);
        else if (vn_cells_real(x))
            vn_cell_set(&a->out, i, -INFINITY);
        else
            vn_cell_set_int(&a->out, i, smallest(a->i[VN_CW_TYPE]));
    }
    return NULL;
}

const struct vn_portable vn_portable_pool_nd = { "pool_nd", check, NULL, run };
