/* OpenCV. uint8: coefficients in units of 2^-11 (linear, lanczos4), 2^-8 (linear_exact), float32 (cubic); area has a file of its own. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "image/resize_rules.h"
#include "image/resize_x86.h"
#include "image/simd.h"

#define MAX_TAPS 8
#define STRIP_BYTES 20000 /* of the rows between the passes, where these are used again and again */

static int clamp(int x, int lo, int hi) { return x < lo ? lo : x > hi ? hi : x; }

/* ---- one axis ---- */

struct axis {
    struct vn_taps t;
    int *index; /* t.n source indices for each output index, inside the picture */
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
    [OPENCV_LINEAR_EXACT] = { 2, linear_weights },
    [OPENCV_AREA] = { 2, linear_weights }, /* where it enlarges */
    [OPENCV_CUBIC] = { 4, cubic_weights },
    [OPENCV_LANCZOS4] = { 8, lanczos4_weights },
};

/* Source position of output index i: its integer part, and the rest in *f. Linear of float pixels and cubic count in float64 (the
 * library hands them to IPP). */
static int position(int i, int in, int out, int method, int precise, double *f)
{
    const double scale = vn_opencv_scale(in, out);
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

/* ---- separable: rows across into a ring, then down ---- */

/* Linear of bytes keeps 16 bits behind the first pass: linear drops 4, linear_exact none. */
static VN_INLINE void across_pairs(uint16_t *out, const uint8_t *in, const struct axis *x, int i, int to, int c, int n)
{
    for (; i < to; i++)
        for (int q = 0; q < c; q++) {
            const int *at = x->index + (size_t)i * n;
            const int16_t *w = x->t.weight + (size_t)i * n;
            out[(size_t)i * c + q] = (uint16_t)((in[(size_t)at[0] * c + q] * w[0] + in[(size_t)at[1] * c + q] * w[1]) >> x->t.shift);
        }
}

static VN_INLINE void across_fixed(int *out, const uint8_t *in, const struct axis *x, int i, int to, int c, int n)
{
    for (; i < to; i++)
        for (int q = 0; q < c; q++) {
            int sum = 0;
            for (size_t k = (size_t)i * n; k < (size_t)(i + 1) * n; k++)
                sum += in[(size_t)x->index[k] * c + q] * x->t.weight[k];
            out[(size_t)i * c + q] = sum;
        }
}

#define ACROSS_REAL(name, type)                                                                                      \
    static VN_INLINE void name(float *out, const type *in, const struct axis *x, int i, int to, int c, int n)           \
    {                                                                                                                \
        for (; i < to; i++)                                                                                          \
            for (int q = 0; q < c; q++) {                                                                            \
                const int *at = x->index + (size_t)i * n;                                                            \
                const float *w = x->t.real + (size_t)i * n;                                                          \
                float sum = (float)in[(size_t)at[0] * c + q] * w[0];                                                 \
                for (int k = 1; k < n; k++)                                                                          \
                    sum = fmaf((float)in[(size_t)at[k] * c + q], w[k], sum);                                         \
                out[(size_t)i * c + q] = sum;                                                                        \
            }                                                                                                        \
    }
ACROSS_REAL(across_bytes, uint8_t)
ACROSS_REAL(across_floats, float)

/* Constants for the common cases make the loops fast. */
#define SPREAD(name, body, n)                                                                                        \
    VN_SIMD_FMA static void name(void *out, const void *in, const struct axis *x, int i, int to, int c)              \
    {                                                                                                                \
        switch (c) {                                                                                                 \
        case 1: body(out, in, x, i, to, 1, n); break;                                                                \
        case 3: body(out, in, x, i, to, 3, n); break;                                                                \
        default: body(out, in, x, i, to, c, n); break;                                                               \
        }                                                                                                            \
    }
SPREAD(pairs_2, across_pairs, 2)
SPREAD(fixed_4, across_fixed, 4)
SPREAD(fixed_8, across_fixed, 8)
SPREAD(bytes_4, across_bytes, 4)
SPREAD(floats_2, across_floats, 2)
SPREAD(floats_4, across_floats, 4)
SPREAD(floats_8, across_floats, 8)

VN_SIMD static void down_linear(uint8_t *restrict out, const uint16_t *restrict p, const uint16_t *restrict q, int16_t a, int16_t b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const int16_t u = (int16_t)((a * (int16_t)p[i]) >> 16), v = (int16_t)((b * (int16_t)q[i]) >> 16);
        out[i] = (uint8_t)((int16_t)(u + v + 2) >> 2);
    }
}

VN_SIMD static void down_exact(uint8_t *restrict out, const uint16_t *restrict p, const uint16_t *restrict q, uint32_t a, uint32_t b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)((p[i] * a + q[i] * b + (1 << 15)) >> 16);
}

/* Eights of a row in float32, halves to even; the rest in integers, halves up. */
VN_SIMD static void down_4(uint8_t *restrict out, const int *const *p, const int16_t *w, size_t n)
{
    const int *p0 = p[0], *p1 = p[1], *p2 = p[2], *p3 = p[3];
    const float unit = 1.f / (1 << 22), w0 = (float)w[0] * unit, w1 = (float)w[1] * unit, w2 = (float)w[2] * unit, w3 = (float)w[3] * unit;
    size_t i = 0;
    for (; i < n / 8 * 8; i++) {
        const float x = rintf((float)p0[i] * w0 + ((float)p1[i] * w1 + ((float)p2[i] * w2 + (float)p3[i] * w3)));
        out[i] = (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x);
    }
    for (; i < n; i++)
        out[i] = (uint8_t)clamp((p0[i] * w[0] + p1[i] * w[1] + p2[i] * w[2] + p3[i] * w[3] + (1 << 21)) >> 22, 0, 255);
}

/* The weights keep the sums just inside of 32 bits. */
VN_SIMD static void down_8(uint8_t *restrict out, const int *const *p, const int16_t *w, size_t n)
{
    const int *p0 = p[0], *p1 = p[1], *p2 = p[2], *p3 = p[3], *p4 = p[4], *p5 = p[5], *p6 = p[6], *p7 = p[7];
    const int w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3], w4 = w[4], w5 = w[5], w6 = w[6], w7 = w[7];
    for (size_t i = 0; i < n; i++) {
        const int upper = p0[i] * w0 + p1[i] * w1 + p2[i] * w2 + p3[i] * w3, lower = p4[i] * w4 + p5[i] * w5 + p6[i] * w6 + p7[i] * w7;
        const int x = (upper + lower + (1 << 21)) >> 22;
        out[i] = (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x);
    }
}

static VN_INLINE void down_reals(float *restrict out, const float *const *p, const float *w, size_t n, int taps)
{
    for (size_t i = 0; i < n; i++) {
        float sum = p[0][i] * w[0];
        for (int k = 1; k < taps; k++)
            sum = fmaf(p[k][i], w[k], sum);
        out[i] = sum;
    }
}

VN_SIMD_FMA static void down_cubic(uint8_t *restrict out, const float *const *p, const float *w, size_t i, size_t n)
{
    for (; i < n; i++) {
        const float x = rintf(fmaf(p[3][i], w[3], fmaf(p[2][i], w[2], fmaf(p[1][i], w[1], p[0][i] * w[0]))));
        out[i] = (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x);
    }
}

#define DOWN(name) static void name(void *out, void *const *p, const struct vn_taps *y, size_t i, size_t n) /* weights from i on */
DOWN(linear_2) { down_linear(out, p[0], p[1], y->weight[i], y->weight[i + 1], n); }
DOWN(exact_2) { down_exact(out, p[0], p[1], (uint32_t)y->weight[i], (uint32_t)y->weight[i + 1], n); }
DOWN(ints_4) { down_4(out, (const int *const *)p, y->weight + i, n); }
DOWN(ints_8) { down_8(out, (const int *const *)p, y->weight + i, n); }
DOWN(cubic_4)
{
    const float *const *rows = (const float *const *)p;
    down_cubic(out, rows, y->real + i, vn_image_has_avx2() ? vn_down_cubic_avx2(out, rows, y->real + i, n) : 0, n);
}
VN_SIMD_FMA DOWN(reals_2) { down_reals(out, (const float *const *)p, y->real + i, n, 2); }
VN_SIMD_FMA DOWN(reals_4) { down_reals(out, (const float *const *)p, y->real + i, n, 4); }
VN_SIMD_FMA DOWN(reals_8) { down_reals(out, (const float *const *)p, y->real + i, n, 8); }

enum { LINEAR_BYTES, EXACT_BYTES, CUBIC_BYTES, CUBIC_FIXED, LANCZOS_BYTES, LINEAR_FLOATS, CUBIC_FLOATS, LANCZOS_FLOATS };

static const struct form {
    int unit;  /* of the integer weights */
    int shift; /* bits that the first pass drops */
    int size;  /* bytes of a value between the passes */
    vn_across *simd;
    void (*plain)(void *out, const void *in, const struct axis *x, int i, int to, int c);
    void (*down)(void *out, void *const *rows, const struct vn_taps *y, size_t i, size_t n);
} forms[] = {
    [LINEAR_BYTES] = { 2048, 4, 2, vn_across_pairs_avx2, pairs_2, linear_2 },
    [EXACT_BYTES] = { 256, 0, 2, vn_across_pairs_avx2, pairs_2, exact_2 },
    [CUBIC_BYTES] = { 2048, 0, 4, vn_across_cubic_avx2, bytes_4, cubic_4 },
    [CUBIC_FIXED] = { 2048, 0, 4, NULL, fixed_4, ints_4 },
    [LANCZOS_BYTES] = { 2048, 0, 4, vn_across_fixed_avx2, fixed_8, ints_8 },
    [LINEAR_FLOATS] = { 2048, 0, 4, vn_across_floats_avx2, floats_2, reals_2 },
    [CUBIC_FLOATS] = { 2048, 0, 4, vn_across_floats_avx2, floats_4, reals_4 },
    [LANCZOS_FLOATS] = { 2048, 0, 4, vn_across_floats_avx2, floats_8, reals_8 },
};

/* What the library hands to IPP, never 2 channels: positions in float64, and cubic of bytes in float32. */
static int precise(const struct vn_picture *in, int method)
{
    const int least = method == OPENCV_CUBIC ? 4 : 2;
    if (method == OPENCV_LINEAR_EXACT)
        return 1;
    return (in->type == VN_PIXEL_F32 ? method != OPENCV_LANCZOS4 : method == OPENCV_CUBIC) && in->c != 2 && in->w >= least && in->h >= least;
}

static const struct form *form_of(const struct vn_picture *in, int method)
{
    if (in->type == VN_PIXEL_F32)
        return &forms[method == OPENCV_CUBIC ? CUBIC_FLOATS : method == OPENCV_LANCZOS4 ? LANCZOS_FLOATS : LINEAR_FLOATS];
    switch (method) {
    case OPENCV_LINEAR_EXACT: return &forms[EXACT_BYTES];
    case OPENCV_CUBIC: return &forms[precise(in, method) ? CUBIC_BYTES : CUBIC_FIXED];
    case OPENCV_LANCZOS4: return &forms[LANCZOS_BYTES];
    default: return &forms[LINEAR_BYTES];
    }
}

static struct axis make_axis(struct vn_arena *a, const struct form *f, int in, int out, int method, int precise, int across)
{
    const int n = kernels[method].taps;
    const size_t all = (size_t)out * n;
    struct axis x = { { .n = n, .shift = f->shift, .first = NEW_ARRAY(a, int, out), .real = NEW_ARRAY(a, float, all), .weight = NEW_ARRAY(a, int16_t, all) },
                      NEW_ARRAY(a, int, all) };
    for (int i = 0; i < out; i++) {
        const size_t at = (size_t)i * n;
        double rest;
        int s = position(i, in, out, method, precise, &rest);
        if (across && n == 2)
            at_border(&s, &rest, in);
        if (method == OPENCV_LINEAR_EXACT)
            rest = rint(rest * f->unit) / f->unit;
        if (precise && method == OPENCV_CUBIC)
            cubic_weights_precise(x.t.real + at, rest);
        else
            kernels[method].weights(x.t.real + at, (float)rest);
        x.t.first[i] = s - n / 2 + 1;
        for (int k = 0; k < n; k++) {
            x.index[at + k] = clamp(x.t.first[i] + k, 0, in - 1);
            x.t.weight[at + k] = (int16_t)rintf(x.t.real[at + k] * (float)f->unit);
        }
    }
    return x;
}

/* A strip of output columns: the rows that have gone across stay in the nearest cache. Row r lies in slot r % n; n is one more than the
 * weights' number, so that two can be made at once. */
struct strip {
    const struct form *form;
    const struct vn_picture *in;
    const struct axis *x;
    int from, to; /* its columns */
    int all;      /* every row is needed */
    int n, held[MAX_TAPS + 1];
    uint8_t *slot[MAX_TAPS + 1];
};

static int missing(const struct strip *s, int row) { return s->held[row % s->n] != row; }

static void across(struct strip *s, int row, int row2)
{
    const struct vn_picture *in = s->in;
    const size_t bytes = (size_t)in->w * in->c * vn_pixel_size(in->type);
    const void *const from[2] = { in->data + row * bytes, in->data + row2 * bytes };
    void *const out[2] = { s->slot[row % s->n], s->slot[row2 % s->n] };
    const int lo = clamp(s->x->t.lo, s->from, s->to), hi = clamp(s->x->t.hi, lo, s->to);
    if (hi > lo)
        s->form->simd(out, from, &s->x->t, lo, hi, in->c);
    for (int r = 0; r < 1 + (row != row2); r++) {
        s->form->plain(out[r], from[r], s->x, s->from, lo, in->c);
        s->form->plain(out[r], from[r], s->x, hi, s->to, in->c);
        s->held[(r ? row2 : row) % s->n] = r ? row2 : row;
    }
}

/* Row index[0]; together with it the next one where that is missing and comes soon: always, or among the first `known` of index. */
static void *get_row(struct strip *s, const int *index, int known)
{
    const int row = index[0], next = row + 1;
    int soon = s->all && next < s->in->h;
    for (int k = 1; k < known && !soon; k++)
        soon = index[k] == next;
    if (missing(s, row))
        across(s, row, soon && missing(s, next) ? next : row);
    return s->slot[row % s->n] + (size_t)s->from * s->in->c * s->form->size;
}

static void run_strip(struct strip *s, struct vn_picture *out, const struct axis *y)
{
    const int n = y->t.n;
    const size_t pixel = vn_pixel_size(out->type) * out->c, len = (size_t)(s->to - s->from) * out->c;
    memset(s->held, -1, sizeof s->held);
    for (int i = 0; i < out->h; i++) {
        void *rows[MAX_TAPS];
        for (int k = 0; k < n; k++)
            rows[k] = get_row(s, y->index + (size_t)i * n + k, (i + 1 < out->h ? 2 * n : n) - k);
        s->form->down(out->data + ((size_t)i * out->w + s->from) * pixel, rows, &y->t, (size_t)i * n, len);
    }
}

static int separable(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int method, int w, int h, struct vn_err *e)
{
    const struct form *f = form_of(in, method);
    const int exact = precise(in, method), c = in->c;
    struct axis x = make_axis(a, f, in->w, w, method, exact, 1), y = make_axis(a, f, in->h, h, method, exact, 0);
    struct strip s = { .form = f, .in = in, .x = &x, .all = h >= in->h, .n = x.t.n + 1 };
    const int step = s.all ? clamp(STRIP_BYTES / (c * f->size * s.n) / 8 * 8, 64, w) : w;
    if (f->simd)
        vn_taps_for_avx2(&x.t, a, in->w, w, c);
    for (int k = 0; k < s.n; k++)
        s.slot[k] = vn_arena_array(a, (size_t)w * c + VN_SLACK, (size_t)f->size);
    TRY(vn_picture_new(out, a, w, h, c, in->type, e));
    for (s.from = 0; s.from < w; s.from = s.to) {
        s.to = w - s.from > step ? s.from + step : w;
        run_strip(&s, out, &y);
    }
    return VN_OK;
}

/* ---- nearest ---- */

static int nearest_index(int i, int in, int out, int exact)
{
    if (!exact) {
        const int s = (int)floor(i * vn_opencv_scale(in, out));
        return s < in - 1 ? s : in - 1;
    }
    const int64_t step = (((int64_t)in << 16) + out / 2) / out;
    return clamp((int)((step * i + step / 2 - in % 2) >> 16), 0, in - 1);
}

static int *nearest_indices(struct vn_arena *a, int in, int out, int method)
{
    if (method == OPENCV_NEAREST_STEPS)
        return vn_resize_steps(a, in, 0, (float)in, out);
    int *index = NEW_ARRAY(a, int, out);
    for (int i = 0; i < out; i++)
        index[i] = nearest_index(i, in, out, method == OPENCV_NEAREST_EXACT);
    return index;
}

RUN(vn_resize_opencv)
{
    int method = r->method;
    if (w == in->w && h == in->h) {
        *out = *in;
        return VN_OK;
    }
    if (method == OPENCV_NEAREST || method == OPENCV_NEAREST_EXACT || method == OPENCV_NEAREST_STEPS)
        return vn_resize_pick(out, a, in, nearest_indices(a, in->w, w, method), w, nearest_indices(a, in->h, h, method), h, e);
    if (method == OPENCV_LINEAR_EXACT && in->type == VN_PIXEL_F32)
        method = OPENCV_LINEAR;
    if (method == OPENCV_LINEAR && in->w == 2 * w && in->h == 2 * h)
        method = OPENCV_AREA;
    if (method == OPENCV_AREA && w <= in->w && h <= in->h)
        return vn_opencv_area(out, a, in, w, h, e);
    return separable(out, a, in, method, w, h, e);
}
