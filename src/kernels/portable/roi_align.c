/* kernels/portable/roi_align.c - regions of x resampled to one size. in: x (N, C, H, W), regions (n, 4:
 * x1, y1, x2, y2), batch of each (n). i[0]: 0 mean, 1 largest; i[1]: samples along each axis of a cell, 0:
 * enough for one per pixel; i[2]: 1 pixels are points at half coordinates; f[0]: scale of the regions'
 * coordinates. */
#include "kernels/portable.h"

static const char *check(const struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0], *r = &a->in[1], *b = &a->in[2], *y = &a->out;
    if (a->n_in != 3 || !vn_cells_real(x) || !vn_cells_real(r) || vn_cells_real(b) || !vn_cells_real(y) ||
        x->rank != 4 || r->rank != 2 || b->rank != 1 || y->rank != 4)
        return "roi_align: wrong types";
    return r->d[1] == 4 && b->d[0] == r->d[0] && y->d[0] == r->d[0] && y->d[1] == x->d[1] && a->i[1] >= 0
               ? NULL
               : "roi_align: shapes do not match";
}

/* The four neighbours of a point and their weights; 0: the point is outside. */
static int neighbours(const struct vn_cells *x, double v, double u, int64_t *at, double *w)
{
    const int64_t height = x->d[2], width = x->d[3];
    if (!(v >= -1 && v <= (double)height && u >= -1 && u <= (double)width))
        return 0;
    v = v > 0 ? v : 0;
    u = u > 0 ? u : 0;
    int64_t top = (int64_t)v, left = (int64_t)u, bottom = top + 1, right = left + 1;
    if (top >= height - 1)
        v = (double)(top = bottom = height - 1);
    if (left >= width - 1)
        u = (double)(left = right = width - 1);
    const double y = v - (double)top, z = u - (double)left;
    at[0] = top * width + left, at[1] = top * width + right, at[2] = bottom * width + left,
    at[3] = bottom * width + right;
    w[0] = (1 - y) * (1 - z), w[1] = (1 - y) * z, w[2] = y * (1 - z), w[3] = y * z;
    return 1;
}

static int64_t samples_of(const struct vn_portable_args *a, double extent, int64_t cells)
{
    const double each = extent / (double)cells;
    int64_t n = (int64_t)each;
    return a->i[1] ? a->i[1] : each > 1e6 ? 1000000 : n + ((double)n < each);
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    const int64_t channels = x->d[1], plane = x->d[2] * x->d[3], oh = a->out.d[2], ow = a->out.d[3];
    const double shift = a->i[2] ? 0.5 : 0;
    if (!plane)
        return "the image has no pixels";
    for (int64_t r = 0; r < a->out.d[0]; r++) {
        const int64_t batch = vn_cell_int(&a->in[2], r);
        if (batch < 0 || batch >= x->d[0])
            return "batch index of a region out of range";
        double c[4];
        for (int k = 0; k < 4; k++)
            c[k] = vn_cell(&a->in[1], r * 4 + k) * a->f[0] - shift;
        double w = c[2] - c[0], h = c[3] - c[1];
        if (!a->i[2]) {
            w = w > 1 ? w : 1;
            h = h > 1 ? h : 1;
        }
        if (!(w - w == 0) || !(h - h == 0))
            return "a region is not finite";
        const int64_t limit = 1 << 20;
        const int64_t gh = samples_of(a, h, oh), gw = samples_of(a, w, ow),
                      count = gh > 0 && gw > 0 ? gh * gw : 1;
        if (gh > limit || gw > limit || gh * gw > limit)
            return "a region has too many samples";
        for (int64_t i = 0; i < channels * oh * ow; i++) {
            const int64_t from = (batch * channels + i / (oh * ow)) * plane, py = i / ow % oh, px = i % ow;
            double sum = 0, most = 0;
            int first = 1;
            for (int64_t s = 0; s < gh * gw; s++) {
                const double v = c[1] + h / (double)oh * ((double)py + ((double)(s / gw) + 0.5) / (double)gh);
                const double u = c[0] + w / (double)ow * ((double)px + ((double)(s % gw) + 0.5) / (double)gw);
                int64_t at[4];
                double weight[4], part = 0;
                if (!neighbours(x, v, u, at, weight))
                    continue;
                for (int k = 0; k < 4; k++) {
                    const double p = weight[k] * vn_cell(x, from + at[k]);
                    part += p;
                    most = first || p > most ? p : most;
                    first = 0;
                }
                sum += part;
            }
            vn_cell_set(&a->out, r * channels * oh * ow + i, a->i[0] ? most : sum / (double)count);
        }
    }
    return NULL;
}

const struct vn_portable vn_portable_roi_align = { "roi_align", check, NULL, run };
