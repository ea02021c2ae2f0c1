/* kernels/portable/grid_sample.c - x sampled at computed points. in: x (N, C, spatial), grid (N, output
 * spatial, axes), whose last axis holds coordinates from -1 to 1, the last spatial axis first. i[0]: 0
 * nearest, 1 linear, 2 cubic; i[1]: outside: 0 zeros, 1 border, 2 reflection; i[2]: 1 the ends are the
 * centres of the corner pixels. */
#include "kernels/portable.h"

static const char *check(const struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0], *g = &a->in[1], *y = &a->out;
    if (a->n_in != 2 || !vn_cells_real(x) || !vn_cells_real(g) || !vn_cells_real(y) || x->rank < 3 ||
        x->rank > 5 || g->rank != x->rank || y->rank != x->rank)
        return "grid_sample: wrong types or shapes";
    if (a->i[0] < 0 || a->i[0] >= VN_GRID_MODE_COUNT || a->i[1] < 0 || a->i[1] >= VN_GRID_OUTSIDE_COUNT ||
        g->d[g->rank - 1] != x->rank - 2 || g->d[0] != x->d[0] || y->d[0] != x->d[0] || y->d[1] != x->d[1])
        return "grid_sample: shapes do not match";
    for (int d = 2; d < x->rank; d++)
        if (y->d[d] != g->d[d - 1] || x->d[d] < 1)
            return "grid_sample: shapes do not match";
    return NULL;
}

static double floor_of(double x)
{
    if (!(x > -0x1p52 && x < 0x1p52))
        return x == x ? x : 0;
    const double n = (double)(int64_t)x;
    return n > x ? n - 1 : n;
}

static double nearest(double x) /* half to even */
{
    const double f = floor_of(x), r = x - f;
    return r > 0.5 || (r == 0.5 && f / 2 != floor_of(f / 2)) ? f + 1 : f;
}

/* Turned back at both ends as often as needed. */
static double reflected(double x, double lo, double hi)
{
    const double range = hi - lo;
    if (range <= 0)
        return lo;
    const double beyond = x < lo   ? lo - x
                          : x > hi ? x - hi
                                   : 0,
                 n = floor_of(beyond / range), r = beyond - n * range;
    const int odd = n / 2 != floor_of(n / 2);
    if (x < lo)
        return odd ? hi - r : lo + r;
    return x > hi ? (odd ? lo + r : hi - r) : x;
}

/* Pixel index along an axis of n pixels, as the padding rule has it; -1: a zero. */
static int64_t pixel(const struct vn_portable_args *a, double at, int64_t n)
{
    if (a->i[1] == VN_GRID_REFLECTION)
        at = nearest(a->i[2] ? reflected(at, 0, (double)(n - 1)) : reflected(at, -0.5, (double)n - 0.5));
    if (a->i[1] == VN_GRID_ZEROS && !(at >= 0 && at <= (double)(n - 1)))
        return -1;
    return at > 0 ? at < (double)(n - 1) ? (int64_t)at : n - 1 : 0;
}

static double cubic(double x)
{
    const double A = -0.75, d = x < 0 ? -x : x;
    return d <= 1  ? ((A + 2) * d - (A + 3)) * d * d + 1
           : d < 2 ? ((A * d - 5 * A) * d + 8 * A) * d - 4 * A
                   : 0;
}

struct taps {
    int n;
    int64_t at[4];
    double w[4];
};

static struct taps taps_of(const struct vn_portable_args *a, double g, int64_t n)
{
    struct taps t = { .n = 1, .w = { 1 } };
    double x = a->i[2] ? (g + 1) / 2 * (double)(n - 1) : ((g + 1) * (double)n - 1) / 2;
    x = x > -0x1p40 && x < 0x1p40 ? x : -0x1p40;
    if (a->i[0] != VN_GRID_CUBIC && a->i[1] == VN_GRID_BORDER)
        x = x < 0 ? 0 : x > (double)(n - 1) ? (double)(n - 1) : x;
    else if (a->i[0] != VN_GRID_CUBIC && a->i[1] == VN_GRID_REFLECTION)
        x = a->i[2] ? reflected(x, 0, (double)(n - 1)) : reflected(x, -0.5, (double)n - 0.5);
    if (a->i[0] == VN_GRID_NEAREST) {
        t.at[0] = pixel(a, nearest(x), n);
        return t;
    }
    const double base = floor_of(x);
    t.n = a->i[0] == VN_GRID_LINEAR ? 2 : 4;
    for (int k = 0; k < t.n; k++) {
        const double at = base + k - (t.n / 2 - 1), d = x - at < 0 ? at - x : x - at;
        t.at[k] = pixel(a, at, n);
        t.w[k] = a->i[0] == VN_GRID_LINEAR ? 1 - d : cubic(d);
    }
    return t;
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0], *g = &a->in[1];
    const int axes = x->rank - 2;
    const int64_t points = vn_cells_product(g, 1, g->rank - 1), plane = vn_cells_product(x, 2, x->rank),
                  channels = x->d[1];
    for (int64_t p = 0; p < g->d[0] * points; p++) {
        struct taps t[3] = { { 1, { 0 }, { 1 } }, { 1, { 0 }, { 1 } }, { 1, { 0 }, { 1 } } };
        int64_t n[3] = { 1, 1, 1 };
        for (int d = 0; d < axes; d++) {
            n[3 - axes + d] = x->d[2 + d];
            t[3 - axes + d] = taps_of(a, vn_cell(g, p * axes + axes - 1 - d), x->d[2 + d]);
        }
        for (int64_t c = 0; c < channels; c++) {
            const int64_t from = (p / points * channels + c) * plane;
            double sum = 0;
            for (int k = 0; k < t[0].n * t[1].n * t[2].n; k++) {
                const int i = k / t[2].n / t[1].n, j = k / t[2].n % t[1].n, l = k % t[2].n;
                if (t[0].at[i] >= 0 && t[1].at[j] >= 0 && t[2].at[l] >= 0)
                    sum += t[0].w[i] * t[1].w[j] * t[2].w[l] *
                           vn_cell(x, from + (t[0].at[i] * n[1] + t[1].at[j]) * n[2] + t[2].at[l]);
            }
            vn_cell_set(&a->out, (p / points * channels + c) * points + p % points, sum);
        }
    }
    return NULL;
}

const struct vn_portable vn_portable_grid_sample = { "grid_sample", check, NULL, run };
