/* OpenCV. uint8: coefficients in units of 2^-11 (linear, lanczos4), 2^-8 (linear_exact), float32 (cubic);
 * area has a file of its own. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "image/resize_rules.h"
#include "kernels/image/image_kernels.h"

#define MAX_TAPS 8
#define STRIP_BYTES 20000 /* of the rows between the passes, where these are used again and again */

static int clamp(int x, int lo, int hi) { return x < lo ? lo : x > hi ? hi : x; }

/* ---- one axis ---- */

static void linear_weights(float *w, float x)
{
    w[0] = 1.f - x;
    w[1] = x;
}

#define CUBIC(name, type) \
    static void name(float *w, type x) \
    { \
        const type a = (type)-0.75, y = 1 - x; \
        const type p = ((a * (x + 1) - 5 * a) * (x + 1) + 8 * a) * (x + 1) - 4 * a; \
        const type q = ((a + 2) * x - (a + 3)) * x * x + 1; \
        const type r = ((a + 2) * y - (a + 3)) * y * y + 1; \
        w[0] = (float)p; \
        w[1] = (float)q; \
        w[2] = (float)r; \
        w[3] = (float)(1 - p - q - r); \
    }
CUBIC(cubic_weights, float)
CUBIC(cubic_weights_precise, double)

/* sinc(t) sinc(t / 4) for t = x + 3 - i up to a common factor: sin(pi t) only changes its sign from tap to
 * tap. */
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
    [OPENCV_LINEAR] = { 2, linear_weights }, [OPENCV_LINEAR_EXACT] = { 2, linear_weights },
    [OPENCV_AREA] = { 2, linear_weights }, /* where it enlarges */
    [OPENCV_CUBIC] = { 4, cubic_weights },   [OPENCV_LANCZOS4] = { 8, lanczos4_weights },
};

/* Source position of output index i: its integer part, and the rest in *f. Linear of float pixels and cubic
 * count in float64 (the library hands them to IPP). */
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
static const struct form {
    int unit; /* of the integer weights */
    int shift; /* bits that the first pass drops */
    int size; /* bytes of a value between the passes */
} forms[VN_ROW_FORMS] = {
    [VN_ROW_LINEAR_BYTES] = { 2048, 4, 2 },  [VN_ROW_EXACT_BYTES] = { 256, 0, 2 },
    [VN_ROW_CUBIC_BYTES] = { 2048, 0, 4 },   [VN_ROW_CUBIC_FIXED] = { 2048, 0, 4 },
    [VN_ROW_LANCZOS_BYTES] = { 2048, 0, 4 }, [VN_ROW_LINEAR_FLOATS] = { 2048, 0, 4 },
    [VN_ROW_CUBIC_FLOATS] = { 2048, 0, 4 },  [VN_ROW_LANCZOS_FLOATS] = { 2048, 0, 4 },
};

/* What the library hands to IPP, never 2 channels: positions in float64, and cubic of bytes in float32. */
static int precise(const struct vn_picture *in, int method)
{
    const int least = method == OPENCV_CUBIC ? 4 : 2;
    if (method == OPENCV_LINEAR_EXACT)
        return 1;
    return (in->type == VN_PIXEL_F32 ? method != OPENCV_LANCZOS4 : method == OPENCV_CUBIC) && in->c != 2 &&
           in->w >= least && in->h >= least;
}

static enum vn_row_form form_of(const struct vn_picture *in, int method)
{
    const int floats = in->type == VN_PIXEL_F32;
    switch (method) {
    case OPENCV_CUBIC:
        return floats ? VN_ROW_CUBIC_FLOATS : precise(in, method) ? VN_ROW_CUBIC_BYTES : VN_ROW_CUBIC_FIXED;
    case OPENCV_LANCZOS4: return floats ? VN_ROW_LANCZOS_FLOATS : VN_ROW_LANCZOS_BYTES;
    case OPENCV_LINEAR_EXACT: return VN_ROW_EXACT_BYTES;
    default: return floats ? VN_ROW_LINEAR_FLOATS : VN_ROW_LINEAR_BYTES;
    }
}

static struct vn_taps make_axis(struct vn_arena *a, const struct form *f, int in, int out, int method,
                                int precise, int across)
{
    const int n = kernels[method].taps;
    const size_t all = (size_t)out * n;
    struct vn_taps x = { .n = n,
                         .shift = f->shift,
                         .first = NEW_ARRAY(a, int, out),
                         .index = NEW_ARRAY(a, int, all),
                         .real = NEW_ARRAY(a, float, all),
                         .weight = NEW_ARRAY(a, int16_t, all) };
    for (int i = 0; i < out; i++) {
        const size_t at = (size_t)i * n;
        double rest;
        int s = position(i, in, out, method, precise, &rest);
        if (across && n == 2)
            at_border(&s, &rest, in);
        if (method == OPENCV_LINEAR_EXACT)
            rest = rint(rest * f->unit) / f->unit;
        if (precise && method == OPENCV_CUBIC)
            cubic_weights_precise(x.real + at, rest);
        else
            kernels[method].weights(x.real + at, (float)rest);
        x.first[i] = s - n / 2 + 1;
        for (int k = 0; k < n; k++) {
            x.index[at + k] = clamp(x.first[i] + k, 0, in - 1);
            x.weight[at + k] = (int16_t)rintf(x.real[at + k] * (float)f->unit);
        }
    }
    return x;
}

/* A strip of output columns: the rows that have gone across stay in the nearest cache. Row r lies in slot r %
 * n; n is one more than the weights' number, so that two can be made at once. */
struct strip {
    vn_across_fn *across;
    vn_down_fn *down;
    int size; /* bytes of a value */
    const struct vn_picture *in;
    const struct vn_taps *x;
    int from, to; /* its columns */
    int all; /* every row is needed */
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
    s->across(out, from, s->x, s->from, s->to, in->c);
    s->held[row % s->n] = row;
    s->held[row2 % s->n] = row2;
}

/* Row index[0]; together with it the next one where that is missing and comes soon: always, or among the
 * first `known` of index. */
static void *get_row(struct strip *s, const int *index, int known)
{
    const int row = index[0], next = row + 1;
    int soon = s->all && next < s->in->h;
    for (int k = 1; k < known && !soon; k++)
        soon = index[k] == next;
    if (missing(s, row))
        across(s, row, soon && missing(s, next) ? next : row);
    return s->slot[row % s->n] + (size_t)s->from * s->in->c * s->size;
}

static void run_strip(struct strip *s, struct vn_picture *out, const struct vn_taps *y)
{
    const int n = y->n;
    const size_t pixel = vn_pixel_size(out->type) * out->c, len = (size_t)(s->to - s->from) * out->c;
    memset(s->held, -1, sizeof s->held);
    for (int i = 0; i < out->h; i++) {
        void *rows[MAX_TAPS];
        for (int k = 0; k < n; k++)
            rows[k] = get_row(s, y->index + (size_t)i * n + k, (i + 1 < out->h ? 2 * n : n) - k);
        s->down(out->data + ((size_t)i * out->w + s->from) * pixel, rows, y, i, len);
    }
}

static int separable(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int method,
                     int w, int h, struct vn_err *e)
{
    const enum vn_row_form form = form_of(in, method);
    const struct form *f = &forms[form];
    const struct vn_opencv_rows *k = vn_image_kernels_chosen()->opencv;
    const int exact = precise(in, method), c = in->c;
    struct vn_taps x = make_axis(a, f, in->w, w, method, exact, 1),
                   y = make_axis(a, f, in->h, h, method, exact, 0);
    struct strip s = { .across = k->across[form],
                       .down = k->down[form],
                       .size = f->size,
                       .in = in,
                       .x = &x,
                       .all = h >= in->h,
                       .n = x.n + 1 };
    const int step = s.all ? clamp(STRIP_BYTES / (c * f->size * s.n) / 8 * 8, 64, w) : w;
    vn_opencv_widen(&x, a, in->w, w, c);
    for (int i = 0; i < s.n; i++)
        s.slot[i] = vn_arena_array(a, (size_t)w * c + VN_ROW_SLACK, (size_t)f->size);
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

RESIZE_RUN(vn_resize_opencv)
{
    int method = r->method;
    if (w == in->w && h == in->h) {
        *out = *in;
        return VN_OK;
    }
    if (method == OPENCV_NEAREST || method == OPENCV_NEAREST_EXACT || method == OPENCV_NEAREST_STEPS)
        return vn_resize_pick(out, a, in, nearest_indices(a, in->w, w, method), w,
                              nearest_indices(a, in->h, h, method), h, e);
    if (method == OPENCV_LINEAR_EXACT && in->type == VN_PIXEL_F32)
        method = OPENCV_LINEAR;
    if (method == OPENCV_LINEAR && in->w == 2 * w && in->h == 2 * h)
        method = OPENCV_AREA;
    if (method == OPENCV_AREA && w <= in->w && h <= in->h)
        return vn_opencv_area(out, a, in, w, h, e);
    return separable(out, a, in, method, w, h, e);
}
