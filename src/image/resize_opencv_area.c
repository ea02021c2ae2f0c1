/* OpenCV's area, where both sides shrink: float sums of parts of cells; whole factors in integers. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "image/resize_rules.h"
#include "image/resize_x86.h"
#include "image/simd.h"

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
    const double scale = vn_opencv_scale(in, out);
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

/* Output pixels [i, to). */
#define GATHER(name, type, c)                                                                                        \
    static void name(float *out, const void *row, const struct parts *x, int i, int to, int channels)                \
    {                                                                                                                \
        const type *in = row;                                                                                        \
        (void)channels;                                                                                              \
        for (; i < to; i++)                                                                                          \
            for (int q = 0; q < (c); q++) {                                                                          \
                float sum = 0;                                                                                       \
                for (int k = x->start[i]; k < x->start[i + 1]; k++)                                                  \
                    sum += (float)in[(size_t)x->from[k] * (c) + q] * x->weight[k];                                   \
                out[(size_t)i * (c) + q] = sum;                                                                      \
            }                                                                                                        \
    }
GATHER(gather_bytes, uint8_t, channels)
GATHER(gather_bytes_3, uint8_t, 3)
GATHER(gather_floats, float, channels)
GATHER(gather_floats_3, float, 3)

/* The parts of one channel as weights for AVX2: as many for each cell, 0 behind its own. */
static struct vn_taps even_parts(struct vn_arena *a, const struct parts *p, int in, int out)
{
    struct vn_taps t = { .first = NEW_ARRAY(a, int, out) };
    for (int i = 0; i < out; i++) {
        const int n = p->start[i + 1] - p->start[i];
        t.n = n > t.n ? n : t.n;
        t.first[i] = p->from[p->start[i]];
    }
    t.n = (t.n + 3) / 4 * 4;
    t.real = NEW_ARRAY(a, float, (size_t)out * t.n);
    for (int i = 0; i < out; i++)
        memcpy(t.real + (size_t)i * t.n, p->weight + p->start[i], (size_t)(p->start[i + 1] - p->start[i]) * sizeof(float));
    vn_taps_for_avx2(&t, a, in, out, 1);
    return t;
}

static void gather_row(float *out, const struct vn_picture *in, int y, const struct parts *x, const struct vn_taps *t, int w)
{
    static void (*const plain[2][2])(float *, const void *, const struct parts *, int, int, int) = {
        { gather_bytes, gather_bytes_3 },
        { gather_floats, gather_floats_3 },
    };
    const int floats = in->type == VN_PIXEL_F32, c = in->c;
    const size_t bytes = (size_t)in->w * c * vn_pixel_size(in->type);
    const uint8_t *row = in->data + y * bytes;
    int from = t->lo, to = t->hi;
    if (to > from)
        (floats ? vn_area_floats_avx2 : vn_area_bytes_avx2)(out, row, t);
    else if (c >= 3 && vn_image_has_avx2())
        to = (floats ? vn_area_float_pixels_avx2 : vn_area_pixels_avx2)(out, row, row + bytes, w, c, x->start, x->from, x->weight);
    plain[floats][c == 3](out, row, x, 0, from, c);
    plain[floats][c == 3](out, row, x, to, w, c);
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

static int area_parts(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int w, int h, struct vn_err *e)
{
    const struct parts x = make_parts(a, in->w, w), y = make_parts(a, in->h, h);
    const size_t n = (size_t)w * in->c;
    const struct vn_taps t = in->c == 1 ? even_parts(a, &x, in->w, w) : (struct vn_taps){ 0 };
    float *row = NEW_ARRAY(a, float, n + VN_SLACK), *sum = NEW_ARRAY(a, float, n);
    int held = -1;
    TRY(vn_picture_new(out, a, w, h, in->c, in->type, e));
    for (int i = 0; i < h; i++) {
        memset(sum, 0, n * sizeof *sum);
        for (int k = y.start[i]; k < y.start[i + 1]; k++) {
            if (held != y.from[k])
                gather_row(row, in, held = y.from[k], &x, &t, w);
            add_row(sum, row, y.weight[k], n);
        }
        store_row(out, i, sum, n);
    }
    return VN_OK;
}

/* ---- area by whole factors: sums down, then across; of bytes in integers ---- */

#define ADD(name, type, in)                                                                                          \
    VN_SIMD static void name(type *restrict sum, const in *restrict row, int first, size_t n)                        \
    {                                                                                                                \
        if (first)                                                                                                   \
            for (size_t i = 0; i < n; i++)                                                                           \
                sum[i] = row[i];                                                                                     \
        else                                                                                                         \
            for (size_t i = 0; i < n; i++)                                                                           \
                sum[i] += row[i];                                                                                    \
    }
ADD(add_bytes, uint32_t, uint8_t)
ADD(add_floats, float, float)

/* out[i] = sum of k pixels from i * k on. Four lanes for 3 channels, too: rows have room behind their end. */
#define BOXES(name, type)                                                                                            \
    typedef type name##_lanes __attribute__((vector_size(16)));                                                      \
    static VN_INLINE void name##_n(type *restrict out, const type *restrict in, int w, int c, int k)                    \
    {                                                                                                                \
        for (int i = 0; i < w; i++)                                                                                  \
            for (int q = 0; q < c; q++) {                                                                            \
                type sum = 0;                                                                                        \
                for (int j = 0; j < k; j++)                                                                          \
                    sum += in[((size_t)i * k + j) * c + q];                                                          \
                out[(size_t)i * c + q] = sum;                                                                        \
            }                                                                                                        \
    }                                                                                                                \
    VN_SIMD static void name(type *restrict out, const type *restrict in, int w, int c, int k)                       \
    {                                                                                                                \
        if (c == 1 && k == 2)                                                                                        \
            name##_n(out, in, w, 1, 2);                                                                              \
        else if (c < 3)                                                                                              \
            name##_n(out, in, w, c, k);                                                                              \
        for (int i = 0; c >= 3 && i < w; i++, in += (size_t)k * c, out += c) {                                       \
            name##_lanes sum = { 0 }, x;                                                                             \
            for (int j = 0; j < k; j++) {                                                                            \
                memcpy(&x, in + (size_t)j * c, sizeof x);                                                            \
                sum += x;                                                                                            \
            }                                                                                                        \
            memcpy(out, &sum, sizeof sum);                                                                           \
        }                                                                                                            \
    }
BOXES(int_boxes, uint32_t)
BOXES(float_boxes, float)

VN_SIMD static void scale_ints(uint8_t *restrict out, const uint32_t *restrict sum, float scale, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(int)rintf((float)(int)sum[i] * scale);
}

VN_SIMD static void scale_floats(float *restrict out, const float *restrict sum, float scale, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = sum[i] * scale;
}

VN_SIMD static void quarter(uint8_t *restrict out, const uint32_t *restrict sum, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)((sum[i] + 2) >> 2);
}

/* 2 x 2 rounds halves up, the others to even. */
static int area_whole(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int w, int h, struct vn_err *e)
{
    const int kx = in->w / w, ky = in->h / h, c = in->c, floats = in->type == VN_PIXEL_F32, halves = kx == 2 && ky == 2 && c != 2;
    const float scale = 1.f / (float)(kx * ky);
    const size_t row = (size_t)in->w * c, n = (size_t)w * c;
    uint32_t *down = NEW_ARRAY(a, uint32_t, row + VN_SLACK), *sum = NEW_ARRAY(a, uint32_t, n + VN_SLACK); /* or float */
    TRY(vn_picture_new(out, a, w, h, c, in->type, e));
    for (int y = 0; y < h; y++) {
        const size_t from = (size_t)y * ky * row, to = y * n;
        const int done = !floats && halves && vn_image_has_avx2() ? vn_halve_avx2(out->data + to, in->data + from, in->data + from + row, w, c) : 0;
        const size_t skip = (size_t)done * kx * c;
        for (int j = 0; j < ky && done < w; j++)
            if (floats)
                add_floats((float *)down, in->f32 + from + j * row, !j, row);
            else
                add_bytes(down, in->data + from + j * row + skip, !j, row - skip);
        if (floats) {
            float_boxes((float *)sum, (const float *)down, w, c, kx);
            scale_floats(out->f32 + to, (const float *)sum, scale, n);
        } else {
            int_boxes(sum, down, w - done, c, kx);
            if (halves)
                quarter(out->data + to + (size_t)done * c, sum, n - (size_t)done * c);
            else
                scale_ints(out->data + to, sum, scale, n);
        }
    }
    return VN_OK;
}

static int whole(double scale) { return fabs(scale - rint(scale)) < DBL_EPSILON; }

int vn_opencv_area(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int w, int h, struct vn_err *e)
{
    return (whole(vn_opencv_scale(in->w, w)) && whole(vn_opencv_scale(in->h, h)) ? area_whole : area_parts)(out, a, in, w, h, e);
}
