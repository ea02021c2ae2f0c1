/* Pillow: filters as wide as the reduction asks for, two passes, coefficients in units of 2^-22, each pass
 * rounded to 8 bits. Float pixels (mode F): coefficients and sums in float64, each pass rounded to float32.
 */
#include <math.h>
#include <string.h>

#include "image/resize_rules.h"
#include "kernels/image/image_kernels.h"

/* ---- filters ---- */

static double box(double x) { return x > -0.5 && x <= 0.5; }

static double triangle(double x)
{
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

static double hamming(double x)
{
    x = fabs(x);
    if (x == 0)
        return 1;
    if (x >= 1)
        return 0;
    x *= M_PI;
    return sin(x) / x * (0.54f + 0.46f * cos(x)); /* the constants are float32 there */
}

static double cubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    return x < 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

static double sinc(double x) { return x == 0 ? 1 : sin(x * M_PI) / (x * M_PI); }
static double lanczos(double x) { return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0; }

static const struct filter {
    double (*fn)(double);
    double support;
} filters[] = {
    [PILLOW_BOX] = { box, 0.5 },     [PILLOW_BILINEAR] = { triangle, 1 }, [PILLOW_HAMMING] = { hamming, 1 },
    [PILLOW_BICUBIC] = { cubic, 2 }, [PILLOW_LANCZOS] = { lanczos, 3 },
};

/* The weights in two halves. */
static void split(struct vn_pillow_taps *t, struct vn_arena *a, size_t n)
{
    t->high = NEW_ARRAY(a, int16_t, n);
    t->low = NEW_ARRAY(a, int16_t, n);
    for (size_t i = 0; i < n; i++) {
        t->high[i] = (int16_t)(t->weight[i] >> VN_PILLOW_SPLIT);
        t->low[i] = (int16_t)(t->weight[i] & ((1 << VN_PILLOW_SPLIT) - 1));
    }
}

static int plan(struct vn_pillow_taps *t, struct vn_arena *a, const struct filter *f, int in, float from,
                float to, int out, struct vn_err *e)
{
    const double scale = (double)(to - from) / out, widen = scale < 1 ? 1 : scale,
                 support = f->support * widen;
    t->most = ((int)ceil(support) * 2 + 1 + 7) / 8 * 8;
    if ((int64_t)t->most * out > (int64_t)1 << 28)
        return vn_fail(e, VN_E_INPUT, "resize: %d to %d with %d weights for each pixel", in, out, t->most);
    t->first = NEW_ARRAY(a, int, out);
    t->count = NEW_ARRAY(a, int, out);
    t->weight = NEW_ARRAY(a, int, (size_t)out * t->most);
    t->real = NEW_ARRAY(a, double, (size_t)out * t->most);
    for (int i = 0; i < out; i++) {
        const double center = from + (i + 0.5) * scale;
        int lo = (int)(center - support + 0.5), hi = (int)(center + support + 0.5);
        lo = lo < 0 ? 0 : lo;
        hi = hi > in ? in : hi;
        double sum = 0, *w = t->real + (size_t)i * t->most;
        for (int k = lo; k < hi; k++)
            sum += w[k - lo] = f->fn((k - center + 0.5) * (1.0 / widen));
        for (int k = 0; k < hi - lo; k++) {
            w[k] = sum != 0 ? w[k] / sum : w[k];
            const double x = w[k] * (1 << VN_PILLOW_BITS);
            t->weight[(size_t)i * t->most + k] = (int)(x < 0 ? x - 0.5 : x + 0.5);
        }
        t->first[i] = lo;
        t->count[i] = hi - lo;
    }
    split(t, a, (size_t)out * t->most);
    return VN_OK;
}

/* ---- passes ---- */

static void row_f32(float *out, const float *in, const struct vn_pillow_taps *t, int w, int c)
{
    for (int i = 0; i < w; i++)
        for (int q = 0; q < c; q++) {
            double sum = 0;
            for (int k = 0; k < t->count[i]; k++)
                sum += in[(size_t)(t->first[i] + k) * c + q] * t->real[(size_t)i * t->most + k];
            out[(size_t)i * c + q] = (float)sum;
        }
}

static void column_f32(float *out, const float *in, const double *weight, int n, size_t row)
{
    for (size_t x = 0; x < row; x++) {
        double sum = 0;
        for (int k = 0; k < n; k++)
            sum += in[(size_t)k * row + x] * weight[k];
        out[x] = (float)sum;
    }
}

/* Rows [y0, y1) of `in` to width w. */
static int rows(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in,
                const struct vn_pillow_taps *t, int w, int y0, int y1, struct vn_err *e)
{
    const struct vn_pillow_rows *k = vn_image_kernels_chosen()->pillow;
    TRY(vn_picture_new(out, a, w, y1 - y0, in->c, in->type, e));
    const size_t row_in = (size_t)in->w * in->c, row_out = (size_t)w * in->c;
    const uint8_t *end = in->data + row_in * in->h;
    for (int y = y0; y < y1; y++)
        if (in->type == VN_PIXEL_U8)
            k->across(out->data + (y - y0) * row_out, in->data + y * row_in, end, t, w, in->c);
        else
            row_f32(out->f32 + (y - y0) * row_out, in->f32 + y * row_in, t, w, in->c);
    return VN_OK;
}

/* To height h; `in` begins at source row y0. */
static int columns(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in,
                   const struct vn_pillow_taps *t, int h, int y0, struct vn_err *e)
{
    TRY(vn_picture_new(out, a, in->w, h, in->c, in->type, e));
    const struct vn_pillow_rows *k = vn_image_kernels_chosen()->pillow;
    const size_t row = (size_t)in->w * in->c;
    for (int y = 0; y < h; y++) {
        const size_t from = (size_t)(t->first[y] - y0) * row;
        if (in->type == VN_PIXEL_U8)
            k->down(out->data + y * row, in->data + from, t, y, row);
        else
            column_f32(out->f32 + y * row, in->f32 + from, t->real + (size_t)y * t->most, t->count[y], row);
    }
    return VN_OK;
}

/* Version 13 begins with the columns where that takes away more than twice as many rows as the other order
 * takes columns. */
static int vertical_first(int in_w, int in_h, int w, int h) { return h < in_h && in_h - h > 2 * (in_w - w); }

static int resample(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in,
                    const struct filter *f, int by_cost, int w, int h, const float *b, struct vn_err *e)
{
    struct vn_pillow_taps tx, ty;
    const int do_x = w != in->w || b[0] != 0 || b[2] != w, do_y = h != in->h || b[1] != 0 || b[3] != h;
    struct vn_picture mid = *in;
    TRY(plan(&tx, a, f, in->w, b[0], b[2], w, e));
    TRY(plan(&ty, a, f, in->h, b[1], b[3], h, e));
    if (do_x && do_y && by_cost && vertical_first(in->w, in->h, w, h)) {
        TRY(columns(&mid, a, in, &ty, h, 0, e));
        return rows(out, a, &mid, &tx, w, 0, h, e);
    }
    int y0 = 0;
    if (do_x) {
        const int y1 = do_y ? ty.first[h - 1] + ty.count[h - 1] : in->h;
        y0 = do_y ? ty.first[0] : 0;
        TRY(rows(&mid, a, in, &tx, w, y0, y1, e));
    }
    *out = mid;
    return do_y ? columns(out, a, &mid, &ty, h, y0, e) : VN_OK;
}

static int nearest(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int w, int h,
                   const float *b, struct vn_err *e)
{
    return vn_resize_pick(out, a, in, vn_resize_steps(a, in->w, b[0], b[2], w), w,
                          vn_resize_steps(a, in->h, b[1], b[3], h), h, e);
}

/* ---- reduce ---- */

/* One box of nx x ny pixels: the rounded mean by a multiplication with 2^24 / (nx * ny), rounded down, as
 * there. */
static uint8_t mean_u8(const uint8_t *p, size_t row, int c, int nx, int ny)
{
    const uint32_t n = (uint32_t)(nx * ny), multiplier = (uint32_t)(((uint64_t)1 << 32) / ((uint64_t)n << 8));
    uint32_t sum = n / 2;
    for (int y = 0; y < ny; y++)
        for (int x = 0; x < nx; x++)
            sum += p[(size_t)y * row + (size_t)x * c];
    return (uint8_t)((uint64_t)sum * multiplier >> 24);
}

static float mean_f32(const float *p, size_t row, int c, int nx, int ny)
{
    double sum = 0;
    for (int y = 0; y < ny; y++)
        for (int x = 0; x < nx; x++)
            sum += p[(size_t)y * row + (size_t)x * c];
    return (float)(sum * (1.0 / (nx * ny)));
}

static int least(int x, int y) { return x < y ? x : y; }

/* The part of `in` in b = {x0, y0, x1, y1}. */
static int reduce(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int fx, int fy,
                  const int b[4], struct vn_err *e)
{
    if (fx < 1 || fy < 1 || (int64_t)fx * fy > 1 << 23)
        return vn_fail(e, VN_E_INPUT,
                       "reduce by %d x %d: expected 1 or more each, up to 2^23 pixels in total", fx, fy);
    const int64_t w = b[2] - b[0], h = b[3] - b[1];
    TRY(vn_picture_new(out, a, (int)((w + fx - 1) / fx), (int)((h + fy - 1) / fy), in->c, in->type, e));
    const size_t row = (size_t)in->w * in->c;
    for (int y = 0; y < out->h; y++)
        for (int x = 0; x < out->w; x++)
            for (int c = 0; c < in->c; c++) {
                const size_t from = (b[1] + (size_t)y * fy) * row + (b[0] + (size_t)x * fx) * in->c + c,
                             to = ((size_t)y * out->w + x) * in->c + c;
                const int nx = least(fx, (int)w - x * fx), ny = least(fy, (int)h - y * fy);
                if (in->type == VN_PIXEL_U8)
                    out->data[to] = mean_u8(in->data + from, row, in->c, nx, ny);
                else
                    out->f32[to] = mean_f32(in->f32 + from, row, in->c, nx, ny);
            }
    return VN_OK;
}

/* First `reduce` by the integer factor that the gap allows; the box is scaled with it. */
static int reduce_first(struct vn_picture *in, float b[4], struct vn_arena *a, double support, double gap,
                        int w, int h, struct vn_err *e)
{
    const double sx = (double)(b[2] - b[0]) / w, sy = (double)(b[3] - b[1]) / h;
    const int fx = (int)(sx / gap) > 1 ? (int)(sx / gap) : 1, fy = (int)(sy / gap) > 1 ? (int)(sy / gap) : 1;
    if (fx == 1 && fy == 1)
        return VN_OK;
    const double px = (support - 0.5) * sx, py = (support - 0.5) * sy;
    const int safe[4] = { (int)fmax(0, b[0] - px), (int)fmax(0, b[1] - py), (int)fmin(in->w, ceil(b[2] + px)),
                          (int)fmin(in->h, ceil(b[3] + py)) };
    const struct vn_picture from = *in;
    TRY(reduce(in, a, &from, fx, fy, safe, e));
    for (int i = 0; i < 4; i++)
        b[i] = (float)(((double)b[i] - safe[i % 2]) / (i % 2 ? fy : fx));
    return VN_OK;
}

int vn_resize_pillow_box(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in,
                         const struct vn_resize_rule *r, int w, int h, const float *box_, double reducing_gap,
                         struct vn_err *e)
{
    struct vn_picture from = *in;
    const int method = r->method & PILLOW_METHOD, whole = !box_;
    float b[4] = { 0, 0, (float)from.w, (float)from.h };
    if (!whole)
        memcpy(b, box_, sizeof b);
    if (!(b[0] >= 0 && b[1] >= 0 && b[2] <= from.w && b[3] <= from.h && b[0] < b[2] && b[1] < b[3]))
        return vn_fail(e, VN_E_INPUT, "resize: box %g, %g, %g, %g of an image of %d x %d", b[0], b[1], b[2],
                       b[3], from.w, from.h);
    if (whole && w == from.w && h == from.h) {
        *out = from;
        return VN_OK;
    }
    if (method == PILLOW_NEAREST)
        return nearest(out, a, &from, w, h, b, e);
    if (reducing_gap >= 1)
        TRY(reduce_first(&from, b, a, filters[method].support, reducing_gap, w, h, e));
    return resample(out, a, &from, &filters[method], !!(r->method & PILLOW_BY_COST), w, h, b, e);
}

RESIZE_RUN(vn_resize_pillow) { return vn_resize_pillow_box(out, a, in, r, w, h, NULL, 0, e); }
