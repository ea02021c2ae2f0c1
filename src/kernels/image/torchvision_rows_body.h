/* kernels/image/torchvision_rows_body.h - passes of interpolate on tensors; NAME(x) is the name of x for
 * one level of the CPU. */
#include <math.h>

#include "kernels/image/image_kernels.h"
#include "kernels/image/row_macros.h"

/* With antialias the library's compiler makes the products behind the first one four at a time, and fuses
 * what is left. Without it the second product is rounded, the first added to it, and the others are fused. */
static int rounded(int count, int antialias) { return antialias ? 1 + (count - 1) / 4 * 4 : 0; }

#define ACROSS(name, type) \
    ROW_INLINE void name##_n(float *restrict out, const type *restrict in, const struct vn_torch_taps *x, \
                             int w, int c, int antialias) \
    { \
        for (int i = 0; i < w; i++, out += c) { \
            const int *index = x->index + (size_t)i * x->n, count = x->count[i]; \
            const int fours = rounded(count, antialias); \
            const float *weight = x->weight + (size_t)i * x->n; \
            const type *p = in + (size_t)index[0] * c, *q = in + (size_t)index[!antialias] * c; \
            float sum[VN_ROW_CHANNELS]; \
            int k = antialias ? 1 : 2; \
            for (int j = 0; j < c; j++) \
                sum[j] = antialias ? (float)p[j] * weight[0] \
                                   : fmaf((float)p[j], weight[0], (float)q[j] * weight[1]); \
            for (; k < fours; k++) \
                for (int j = 0; j < c; j++) \
                    sum[j] += (float)in[(size_t)index[k] * c + j] * weight[k]; \
            for (; k < count; k++) \
                for (int j = 0; j < c; j++) \
                    sum[j] = fmaf((float)in[(size_t)index[k] * c + j], weight[k], sum[j]); \
            for (int j = 0; j < c; j++) \
                out[j] = sum[j]; \
        } \
    } \
    static void name(float *out, const type *in, const struct vn_torch_taps *x, int w, int c, int antialias) \
    { \
        switch (c) { \
        case 1: name##_n(out, in, x, w, 1, antialias); break; \
        case 3: name##_n(out, in, x, w, 3, antialias); break; \
        case 4: name##_n(out, in, x, w, 4, antialias); break; \
        default: name##_n(out, in, x, w, c, antialias); break; \
        } \
    }
ACROSS(across_bytes, uint8_t)
ACROSS(across_floats, float)

static void weigh(float *restrict out, const float *restrict in, float w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] += in[i] * w;
}

static void weigh_fused(float *restrict out, const float *restrict in, float w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = fmaf(in[i], w, out[i]);
}

static void weigh_two(float *restrict out, const float *in, const float *in2, float w, float w2, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = fmaf(in[i], w, in2[i] * w2);
}

static void down(float *out, const float *rows, const struct vn_torch_taps *y, int i, size_t n, int antialias)
{
    const int *index = y->index + (size_t)i * y->n, count = y->count[i], fours = rounded(count, antialias);
    const float *w = y->weight + (size_t)i * y->n;
    if (!antialias)
        weigh_two(out, rows + index[0] * n, rows + index[1] * n, w[0], w[1], n);
    for (int k = antialias ? 0 : 2; k < count; k++)
        (k < fours ? weigh : weigh_fused)(out, rows + index[k] * n, w[k], n);
}

static void round_row(uint8_t *restrict out, const float *restrict in, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const float x = rintf(in[i]);
        out[i] = (uint8_t)(int)(x < 0 ? 0 : x > 255 ? 255 : x);
    }
}

const struct vn_torchvision_rows NAME(torchvision_rows) = { across_bytes, across_floats, down, round_row };
