/* OpenCV. uint8: coefficients in units of 2^-11 (linear, cubic, lanczos4), float sums (area), 2^-8 (linear_exact). */
#include <float.h>
#include <math.h>
#include <string.h>

#include "image/resize_rules.h"
#include "image/resize_x86.h"
#include "image/simd.h"

#define UNIT 2048
#define MAX_TAPS 8

static int clamp(int x, int lo, int hi) { return x < lo ? lo : x > hi ? hi : x; }
static uint8_t clip8(int x) { return (uint8_t)clamp(x, 0, 255); }

/* ---- one axis ---- */

struct axis {
    int taps, precise; /* precise: positions in float64, pixels in float32 */
    int *index;   /* `taps` source indices for each output index, inside the picture */
    float *real;  /* their weights; */
    int *weight;  /* these in units of 1/2048; */
    int32_t *pairs; /* linear, for AVX2: both in one word; NULL without */
};

static void linear_weights(float *w, float x)
{
    w[0] = 1.f - x;
    w[1] = x;
}

#define CUBIC(name, type)                                                    \
    static void name(float *w, type x)                                       \
    {                                                                        \
        const type a = (type)-0.75, y = 1 - x;                               \
        const type p = ((a * (x + 1) - 5 * a) * (x + 1) + 8 * a) * (x + 1) - 4 * a; \
        const type q = ((a + 2) * x - (a + 3)) * x * x + 1;                  \
        const type r = ((a + 2) * y - (a + 3)) * y * y + 1;                  \
        w[0] = (float)p;                                                     \
        w[1] = (float)q;                                                     \
        w[2] = (float)r;                                                     \
        w[3] = (float)(1 - p - q - r);                                       \
    }
CUBIC(cubic_weights, float)
CUBIC(cubic_weights_precise, double)

/* sinc(t) sinc(t / 4) for t = x + 3 - i up to a common factor: sin(pi t) only changes its sign from tap to tap. */
static void lanczos4_weights(float *w, float x)
{
    memset(w, 0, 8 * sizeof *w);
    if (x < FLT_EPSILON) {
        w[3] = 1;
        return;
    }
    float sum = 0;
    for (int i = 0; i < 8; i++) {
        const double y = -(x + 3 - i) * M_PI * 0.25;
        w[i] = (float)((i % 2 ? -1 : 1) * sin(y) / (y * y));
        sum += w[i];
    }
    sum = 1.f / sum;
    for (int i = 0; i < 8; i++)
        w[i] *= sum;
}

static const struct {
    int taps;
    void (*weights)(float *w, float x);
} kernels[] = {
    [OPENCV_LINEAR] = { 2, linear_weights },
    [OPENCV_AREA] = { 2, linear_weights }, /* where it enlarges */
    [OPENCV_CUBIC] = { 4, cubic_weights },
    [OPENCV_LANCZOS4] = { 8, lanczos4_weights },
};

static double scale_of(int in, int out) { return 1. / ((double)out / in); }

/* Source position of output index i: its integer part, and the rest in *f. Linear of float pixels and cubic count in float64 (the
 * library hands them to IPP). */
static int position(int i, int in, int out, int method, int precise, double *f)
{
    const double scale = scale_of(in, out);
    if (method == OPENCV_AREA) {
        const int s = (int)floor(i * scale);
        const float rest = (float)((i + 1) - (s + 1) * ((double)out / in));
        *f = rest <= 0 ? 0.f : rest - floorf(rest);
        return s;
    }
    const double x = (i + 0.5) * scale - 0.5;
    const double at = precise ? x : (float)x;
    *f = at - floor(at);
    return (int)floor(at);
}

/* Across, linear does not weight what lies outside; down, the border row counts twice. */
static void at_border(int *s, double *f, int in)
{
    if (*s < 0) {
        *s = 0;
        *f = 0;
    }
    if (*s >= in - 1) {
        *s = in - 1;
        *f = 0;
    }
}

static struct axis make_axis(struct vn_arena *a, int in, int out, int method, int precise, int across)
{
    const int taps = kernels[method].taps;
    struct axis x = { taps, precise, NEW_ARRAY(a, int, (size_t)out * taps), NEW_ARRAY(a, float, (size_t)out * taps), NEW_ARRAY(a, int, (size_t)out * taps), NULL };
    if (taps == 2 && across && vn_image_has_avx2())
        x.pairs = NEW_ARRAY(a, int32_t, out);
    for (int i = 0; i < out; i++) {
        double f;
        int s = position(i, in, out, method, precise, &f);
        if (across && taps == 2)
            at_border(&s, &f, in);
        const size_t at = (size_t)i * taps;
        if (precise && method == OPENCV_CUBIC)
            cubic_weights_precise(x.real + at, f);
        else
            kernels[method].weights(x.real + at, (float)f);
        for (int k = 0; k < taps; k++) {
            x.index[at + k] = clamp(s + k - taps / 2 + 1, 0, in - 1);
            x.weight[at + k] = (int)rintf(x.real[at + k] * UNIT);
        }
        if (x.pairs)
            x.pairs[i] = x.weight[at] | x.weight[at + 1] << 16;
    }
    return x;
}

/* ---- separable: rows across into a ring, then down ---- */

static inline __attribute__((always_inline)) void across_u8(int *out, const uint8_t *in, const struct axis *x, int w, int c, int taps)
{
    for (int i = 0; i < w; i++)
        for (int q = 0; q < c; q++) {
            int sum = 0;
            for (int k = 0; k < taps; k++)
                sum += in[(size_t)x->index[(size_t)i * taps + k] * c + q] * x->weight[(size_t)i * taps + k];
            out[(size_t)i * c + q] = sum;
        }
}

static inline __attribute__((always_inline)) void across_f32(float *out, const float *in, const struct axis *x, int w, int c, int taps)
{
    for (int i = 0; i < w; i++)
        for (int q = 0; q < c; q++) {
            float sum = in[(size_t)x->index[(size_t)i * taps] * c + q] * x->real[(size_t)i * taps];
            for (int k = 1; k < taps; k++)
                sum += in[(size_t)x->index[(size_t)i * taps + k] * c + q] * x->real[(size_t)i * taps + k];
            out[(size_t)i * c + q] = sum;
        }
}

/* Constants for the common cases make the loops fast. */
#define SPREAD(fn, out, in)                                                                                        \
    switch (x->taps * 8 + c) {                                                                                     \
    case 2 * 8 + 1: fn(out, in, x, w, 1, 2); break;                                                                \
    case 2 * 8 + 3: fn(out, in, x, w, 3, 2); break;                                                                \
    case 2 * 8 + 4: fn(out, in, x, w, 4, 2); break;                                                                \
    case 4 * 8 + 1: fn(out, in, x, w, 1, 4); break;                                                                \
    case 4 * 8 + 3: fn(out, in, x, w, 3, 4); break;                                                                \
    default: fn(out, in, x, w, c, x->taps); break;                                                                 \
    }

/* Linear drops 4 bits behind the first pass, so that its sums fit into 16, and 16 behind the second multiplication. */
static inline __attribute__((always_inline)) void across_linear_n(int16_t *out, const uint8_t *in, const struct axis *x, int i, int w, int c)
{
    for (; i < w; i++) {
        const uint8_t *p = in + (size_t)x->index[2 * (size_t)i] * c, *q = in + (size_t)x->index[2 * (size_t)i + 1] * c;
        const int a = x->weight[2 * (size_t)i], b = x->weight[2 * (size_t)i + 1];
        for (int k = 0; k < c; k++)
            out[(size_t)i * c + k] = (int16_t)((p[k] * a + q[k] * b) >> 4);
    }
}

static void across_linear(int16_t *out, const struct vn_picture *in, int y, const struct axis *x, int w)
{
    const size_t row = (size_t)in->w * in->c;
    const uint8_t *from = in->data + y * row, *end = in->data + row * in->h;
    const int i = x->pairs && in->c >= 3 ? vn_row_linear_avx2(out, from, end, w, in->c, x->index, x->pairs) : 0;
    if (in->c == 3)
        across_linear_n(out, from, x, i, w, 3);
    else if (in->c == 1)
        across_linear_n(out, from, x, i, w, 1);
    else
        across_linear_n(out, from, x, i, w, in->c);
}

/* Cubic of bytes in float32 (the library hands pictures of at least 4 x 4 to IPP). */
static inline __attribute__((always_inline)) void across_cubic_n(float *out, const uint8_t *in, const struct axis *x, int i, int w, int c)
{
    for (; i < w; i++)
        for (int q = 0; q < c; q++) {
            const int *at = x->index + 4 * (size_t)i;
            const float *weight = x->real + 4 * (size_t)i;
            float sum = (float)in[(size_t)at[0] * c + q] * weight[0];
            for (int k = 1; k < 4; k++)
                sum += (float)in[(size_t)at[k] * c + q] * weight[k];
            out[(size_t)i * c + q] = sum;
        }
}

static void across_cubic(float *out, const struct vn_picture *in, int y, const struct axis *x, int w)
{
    const size_t row = (size_t)in->w * in->c;
    const uint8_t *from = in->data + y * row, *end = in->data + row * in->h;
    const int i = in->c >= 3 && vn_image_has_avx2() ? vn_row_cubic_avx2(out, from, end, w, in->c, x->index, x->real) : 0;
    if (in->c == 3)
        across_cubic_n(out, from, x, i, w, 3);
    else if (in->c == 1)
        across_cubic_n(out, from, x, i, w, 1);
    else
        across_cubic_n(out, from, x, i, w, in->c);
}

static void row_across(void *out, const struct vn_picture *in, int y, const struct axis *x, int w)
{
    const int c = in->c;
    const size_t from = (size_t)y * in->w * c;
    if (in->type == VN_PIXEL_U8 && x->taps == 2) {
        across_linear(out, in, y, x, w);
    } else if (in->type == VN_PIXEL_U8 && x->taps == 4 && x->precise) {
        across_cubic(out, in, y, x, w);
    } else if (in->type == VN_PIXEL_U8) {
        SPREAD(across_u8, out, in->data + from)
    } else {
        SPREAD(across_f32, out, in->f32 + from)
    }
}

VN_SIMD static void down_linear(uint8_t *restrict out, const int16_t *restrict p, const int16_t *restrict q, int16_t a, int16_t b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const int16_t u = (int16_t)((a * p[i]) >> 16), v = (int16_t)((b * q[i]) >> 16);
        out[i] = (uint8_t)((int16_t)(u + v + 2) >> 2);
    }
}

VN_SIMD static void down_4(uint8_t *restrict out, const int *const *p, const int *w, size_t n)
{
    const int *p0 = p[0], *p1 = p[1], *p2 = p[2], *p3 = p[3];
    for (size_t i = 0; i < n; i++) {
        const int x = (p0[i] * w[0] + p1[i] * w[1] + p2[i] * w[2] + p3[i] * w[3] + (1 << 21)) >> 22;
        out[i] = (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x);
    }
}

/* Adding and taking 3 * 2^22 rounds to the nearest integer. */
VN_SIMD static void down_cubic(uint8_t *restrict out, const float *const *p, const float *w, size_t n)
{
    const float *p0 = p[0], *p1 = p[1], *p2 = p[2], *p3 = p[3], a = w[0], b = w[1], c = w[2], d = w[3];
    for (size_t i = 0; i < n; i++) {
        const float x = p0[i] * a + p1[i] * b + p2[i] * c + p3[i] * d;
        const int v = (int)(x + 12582912.f - 12582912.f);
        out[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
}

static void down_8(uint8_t *out, const int *const *p, const int *w, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int64_t sum = 1 << 21;
        for (int k = 0; k < 8; k++)
            sum += (int64_t)p[k][i] * w[k];
        out[i] = clip8((int)(sum >> 22));
    }
}

VN_SIMD static void down_f32(float *restrict out, const float *const *p, const float *w, int taps, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float sum = p[0][i] * w[0];
        for (int k = 1; k < taps; k++)
            sum += p[k][i] * w[k];
        out[i] = sum;
    }
}

static void row_down(struct vn_picture *out, int row, void *const *p, const struct axis *y, size_t n)
{
    const size_t k = (size_t)row * y->taps;
    const int *w = y->weight + k;
    uint8_t *to = out->data + (size_t)row * n;
    const int *const *rows = (const int *const *)p;
    if (out->type == VN_PIXEL_F32)
        down_f32(out->f32 + (size_t)row * n, (const float *const *)p, y->real + k, y->taps, n);
    else if (y->taps == 2)
        down_linear(to, p[0], p[1], (int16_t)w[0], (int16_t)w[1], n);
    else if (y->taps == 4 && y->precise)
        down_cubic(to, (const float *const *)p, y->real + k, n);
    else if (y->taps == 4)
        down_4(to, rows, w, n);
    else
        down_8(to, rows, w, n);
}

static int separable(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int method, int w, int h, struct vn_err *e)
{
    const int least = method == OPENCV_CUBIC ? 4 : 2;
    const int precise = (in->type == VN_PIXEL_F32 ? method != OPENCV_LANCZOS4 : method == OPENCV_CUBIC) && in->w >= least && in->h >= least;
    const struct axis x = make_axis(a, in->w, w, method, precise, 1), y = make_axis(a, in->h, h, method, precise, 0);
    const size_t n = (size_t)w * in->c;
    void *ring[MAX_TAPS], *rows[MAX_TAPS];
    int held[MAX_TAPS]; /* which source row each entry of the ring has */
    for (int k = 0; k < y.taps; k++) {
        ring[k] = vn_arena_array(a, n + 4, sizeof(float));
        held[k] = -1;
    }
    TRY(vn_picture_new(out, a, w, h, in->c, in->type, e));
    for (int i = 0; i < h; i++) {
        for (int k = 0; k < y.taps; k++) {
            const int row = y.index[(size_t)i * y.taps + k], slot = row % y.taps;
            if (held[slot] != row) {
                row_across(ring[slot], in, row, &x, w);
                held[slot] = row;
            }
            rows[k] = ring[slot];
        }
        row_down(out, i, rows, &y, n);
    }
    return VN_OK;
}

/* ---- area, where both sides shrink ---- */

/* Output cell i takes weight[k] of source cell from[k] for k in [start[i], start[i + 1]). */
struct parts {
    int n, *start, *from;
    float *weight;
};

static void add_part(struct parts *p, int from, double weight)
{
    p->from[p->n] = from;
    p->weight[p->n++] = (float)weight;
}

/* How much of each source cell belongs to each output cell; slivers below 1/1000 are left out. */
static struct parts make_parts(struct vn_arena *a, int in, int out)
{
    const double scale = scale_of(in, out);
    const size_t most = (size_t)in * 2 + (size_t)out * 2;
    struct parts p = { 0, NEW_ARRAY(a, int, out + 1), NEW_ARRAY(a, int, most), NEW_ARRAY(a, float, most) };
    for (int i = 0; i < out; i++) {
        const double lo = i * scale, hi = lo + scale, cell = fmin(scale, in - lo);
        int s = (int)ceil(lo), t = (int)floor(hi);
        t = t < in - 1 ? t : in - 1;
        s = s < t ? s : t;
        if (s - lo > 1e-3)
            add_part(&p, s - 1, (s - lo) / cell);
        for (int k = s; k < t; k++)
            add_part(&p, k, 1. / cell);
        if (hi - t > 1e-3)
            add_part(&p, t, fmin(fmin(hi - t, 1.), cell) / cell);
        p.start[i + 1] = p.n;
    }
    return p;
}

/* Output pixels from i on. */
static inline __attribute__((always_inline)) void gather_pixels(float *out, const struct vn_picture *in, size_t from, const struct parts *x, int i, int w, int c)
{
    for (; i < w; i++)
        for (int q = 0; q < c; q++) {
            float sum = 0;
            for (int k = x->start[i]; k < x->start[i + 1]; k++) {
                const size_t at = from + (size_t)x->from[k] * c + q;
                sum += (in->type == VN_PIXEL_U8 ? (float)in->data[at] : in->f32[at]) * x->weight[k];
            }
            out[(size_t)i * c + q] = sum;
        }
}

static void gather_row(float *out, const struct vn_picture *in, int y, const struct parts *x, int w)
{
    const size_t row = (size_t)in->w * in->c, from = (size_t)y * row;
    const int simd = in->type == VN_PIXEL_U8 && in->c >= 3 && vn_image_has_avx2();
    const int i = simd ? vn_row_area_avx2(out, in->data + from, in->data + row * in->h, w, in->c, x->start, x->from, x->weight) : 0;
    if (in->c == 3)
        gather_pixels(out, in, from, x, i, w, 3);
    else
        gather_pixels(out, in, from, x, i, w, in->c);
}

VN_SIMD static void add_row(float *restrict sum, const float *restrict row, float weight, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += row[i] * weight;
}

VN_SIMD static void round_row(uint8_t *restrict out, const float *restrict sum, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(sum[i] > 255 ? 255 : rintf(sum[i]));
}

static void store_row(struct vn_picture *out, int y, const float *sum, size_t n)
{
    if (out->type == VN_PIXEL_F32)
        memcpy(out->f32 + (size_t)y * n, sum, n * sizeof *sum);
    else
        round_row(out->data + (size_t)y * n, sum, n);
}

static int area(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int w, int h, struct vn_err *e)
{
    const struct parts x = make_parts(a, in->w, w), y = make_parts(a, in->h, h);
    const size_t n = (size_t)w * in->c;
    float *row = NEW_ARRAY(a, float, n + 4), *sum = NEW_ARRAY(a, float, n);
    TRY(vn_picture_new(out, a, w, h, in->c, in->type, e));
    for (int i = 0; i < h; i++) {
        memset(sum, 0, n * sizeof *sum);
        for (int k = y.start[i]; k < y.start[i + 1]; k++) {
            gather_row(row, in, y.from[k], &x, w);
            add_row(sum, row, y.weight[k], n);
        }
        store_row(out, i, sum, n);
    }
    return VN_OK;
}

/* Whole factors: one sum of k x l pixels. 2 x 2 rounds halves up, the others to even. */
static int area_whole(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int w, int h, struct vn_err *e)
{
    const int kx = in->w / w, ky = in->h / h, c = in->c;
    const float scale = 1.f / (float)(kx * ky);
    TRY(vn_picture_new(out, a, w, h, c, in->type, e));
    const size_t row = (size_t)in->w * c;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            for (int q = 0; q < c; q++) {
                const size_t from = (size_t)y * ky * row + (size_t)x * kx * c + q, to = ((size_t)y * w + x) * c + q;
                int sum = 0;
                float real = 0;
                for (int j = 0; j < ky; j++)
                    for (int i = 0; i < kx; i++)
                        if (in->type == VN_PIXEL_U8)
                            sum += in->data[from + j * row + (size_t)i * c];
                        else
                            real += in->f32[from + j * row + (size_t)i * c];
                if (in->type == VN_PIXEL_F32)
                    out->f32[to] = real * scale;
                else
                    out->data[to] = kx == 2 && ky == 2 && c != 2 ? (uint8_t)((sum + 2) >> 2) : clip8((int)rintf((float)sum * scale));
            }
    return VN_OK;
}

/* ---- nearest, and linear with 8 fraction bits ---- */

static int nearest_index(int i, int in, int out, int exact)
{
    if (!exact) {
        const int s = (int)floor(i * scale_of(in, out));
        return s < in - 1 ? s : in - 1;
    }
    const int64_t step = (((int64_t)in << 16) + out / 2) / out;
    return clamp((int)((step * i + step / 2 - in % 2) >> 16), 0, in - 1);
}

static int nearest(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int exact, int w, int h, struct vn_err *e)
{
    int *x = NEW_ARRAY(a, int, w), *y = NEW_ARRAY(a, int, h);
    for (int i = 0; i < w; i++)
        x[i] = nearest_index(i, in->w, w, exact);
    for (int i = 0; i < h; i++)
        y[i] = nearest_index(i, in->h, h, exact);
    return vn_resize_pick(out, a, in, x, w, y, h, e);
}

/* The right weight in units of 2^-8, and its left neighbour. */
static int exact_weight(int i, int in, int out, int *index)
{
    const double f = scale_of(in, out) * (i + 0.5) - 0.5;
    const int s = (int)floor(f);
    *index = clamp(s, 0, in - 1);
    return s < 0 || s >= in - 1 ? 0 : (int)rint((f - s) * 256);
}

static int linear_exact(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int w, int h, struct vn_err *e)
{
    TRY(vn_picture_new(out, a, w, h, in->c, in->type, e));
    const int c = in->c;
    for (int y = 0; y < h; y++) {
        int top;
        const int v = exact_weight(y, in->h, h, &top), below = top + (v > 0);
        for (int x = 0; x < w; x++) {
            int left;
            const int u = exact_weight(x, in->w, w, &left), right = left + (u > 0);
            for (int q = 0; q < c; q++) {
                const uint8_t *p = in->data + ((size_t)top * in->w) * c + q, *s = in->data + ((size_t)below * in->w) * c + q;
                const int up = p[(size_t)left * c] * (256 - u) + p[(size_t)right * c] * u;
                const int down = s[(size_t)left * c] * (256 - u) + s[(size_t)right * c] * u;
                out->data[((size_t)y * w + x) * c + q] = (uint8_t)((up * (256 - v) + down * v + (1 << 15)) >> 16);
            }
        }
    }
    return VN_OK;
}

static int whole_factor(int in, int out) { return fabs(scale_of(in, out) - rint(scale_of(in, out))) < DBL_EPSILON ? (int)rint(scale_of(in, out)) : 0; }

RUN(vn_resize_opencv)
{
    const int fx = whole_factor(in->w, w), fy = whole_factor(in->h, h), shrinks = w <= in->w && h <= in->h;
    int method = r->method;
    if (w == in->w && h == in->h) {
        *out = *in;
        return VN_OK;
    }
    if (method == OPENCV_NEAREST || method == OPENCV_NEAREST_EXACT)
        return nearest(out, a, in, method == OPENCV_NEAREST_EXACT, w, h, e);
    if (method == OPENCV_LINEAR_EXACT && in->type == VN_PIXEL_U8)
        return linear_exact(out, a, in, w, h, e);
    if (method == OPENCV_LINEAR_EXACT)
        method = OPENCV_LINEAR;
    if (method == OPENCV_LINEAR && fx == 2 && fy == 2)
        method = OPENCV_AREA;
    if (method == OPENCV_AREA && shrinks)
        return fx && fy ? area_whole(out, a, in, w, h, e) : area(out, a, in, w, h, e);
    return separable(out, a, in, method, w, h, e);
}
