/* kernels/portable/max_roi_pool.c - the largest elements in a grid over regions of x. in: x (N, C, H, W),
 * regions (n, 5: batch, x1, y1, x2, y2). f[0]: scale of the regions' coordinates. Cells without pixels: 0. */
#include "kernels/portable.h"
#include "num/num.h"

static const char *check(const struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0], *r = &a->in[1], *y = &a->out;
    if (a->n_in != 2 || !vn_cells_real(x) || !vn_cells_real(r) || !vn_cells_real(y) || x->rank != 4 ||
        r->rank != 2 || y->rank != 4)
        return "max_roi_pool: wrong types";
    return r->d[1] == 5 && y->d[0] == r->d[0] && y->d[1] == x->d[1] ? NULL
                                                                    : "max_roi_pool: shapes do not match";
}

static int64_t whole(double x, double limit)
{
    return x > limit ? (int64_t)limit : x < -limit ? -(int64_t)limit : (int64_t)x;
}
static int64_t rounded(double x) /* halves away from zero */
{
    const int64_t n = whole(x < 0 ? -x + 0.5 : x + 0.5, 0x1p40);
    return x < 0 ? -n : n;
}

/* Pixels [lo, hi) of cell k along one axis. */
static void span(int64_t k, int64_t cells, int64_t start, int64_t extent, int64_t limit, int64_t *lo,
                 int64_t *hi)
{
    const double each = (double)extent / (double)cells, from = (double)k * each, to = (double)(k + 1) * each;
    const int64_t first = whole(from, 0x1p40), last = whole(to, 0x1p40) + (to > (double)whole(to, 0x1p40));
    *lo = start + first < 0 ? 0 : start + first > limit ? limit : start + first;
    *hi = start + last < 0 ? 0 : start + last > limit ? limit : start + last;
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    const int64_t channels = x->d[1], height = x->d[2], width = x->d[3], oh = a->out.d[2], ow = a->out.d[3];
    for (int64_t r = 0; r < a->out.d[0]; r++) {
        int64_t c[5];
        for (int k = 0; k < 5; k++)
            c[k] = rounded(vn_cell(&a->in[1], r * 5 + k) * (k ? a->f[0] : 1));
        if (c[0] < 0 || c[0] >= x->d[0])
            return "batch index of a region out of range";
        const int64_t w = c[3] - c[1] + 1 > 1 ? c[3] - c[1] + 1 : 1,
                      h = c[4] - c[2] + 1 > 1 ? c[4] - c[2] + 1 : 1;
        for (int64_t i = 0; i < channels * oh * ow; i++) {
            const int64_t from = (c[0] * channels + i / (oh * ow)) * height * width;
            int64_t y0, y1, x0, x1;
            double most = 0;
            span(i / ow % oh, oh, c[2], h, height, &y0, &y1);
            span(i % ow, ow, c[1], w, width, &x0, &x1);
            for (int64_t v = y0; v < y1; v++)
                for (int64_t u = x0; u < x1; u++) {
                    const double p = vn_cell(x, from + v * width + u);
                    most = (v == y0 && u == x0) || p > most ? p : most;
                }
            vn_cell_set(&a->out, r * channels * oh * ow + i, most);
        }
    }
    return NULL;
}

const struct vn_portable vn_portable_max_roi_pool = { "max_roi_pool", check, NULL, run };
