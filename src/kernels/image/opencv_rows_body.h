/* kernels/image/opencv_rows_body.h - OpenCV's separable passes: across in part, down whole. */
#include <math.h>

#include "kernels/image/image_kernels.h"
#include "kernels/image/row_macros.h"

/* ---- across: output pixels [i, to) of one row ---- */

ROW_INLINE void across_pairs(uint16_t *out, const uint8_t *in, const struct vn_taps *x, int i, int to, int c,
                             int n)
{
    for (; i < to; i++)
        for (int q = 0; q < c; q++) {
            const int *at = x->index + (size_t)i * n;
            const int16_t *w = x->weight + (size_t)i * n;
            const int sum = in[(size_t)at[0] * c + q] * w[0] + in[(size_t)at[1] * c + q] * w[1];
            out[(size_t)i * c + q] = (uint16_t)(sum >> x->shift);
        }
}

ROW_INLINE void across_fixed(int *out, const uint8_t *in, const struct vn_taps *x, int i, int to, int c,
                             int n)
{
    for (; i < to; i++)
        for (int q = 0; q < c; q++) {
            int sum = 0;
            for (size_t k = (size_t)i * n; k < (size_t)(i + 1) * n; k++)
                sum += in[(size_t)x->index[k] * c + q] * x->weight[k];
            out[(size_t)i * c + q] = sum;
        }
}

#define ACROSS_REAL(name, type) \
    ROW_INLINE void name(float *out, const type *in, const struct vn_taps *x, int i, int to, int c, int n) \
    { \
        for (; i < to; i++) \
            for (int q = 0; q < c; q++) { \
                const int *at = x->index + (size_t)i * n; \
                const float *w = x->real + (size_t)i * n; \
                float sum = (float)in[(size_t)at[0] * c + q] * w[0]; \
                for (int k = 1; k < n; k++) \
                    sum = fmaf((float)in[(size_t)at[k] * c + q], w[k], sum); \
                out[(size_t)i * c + q] = sum; \
            } \
    }
ACROSS_REAL(across_bytes, uint8_t)
ACROSS_REAL(across_floats, float)

/* Constants for the common cases make the loops fast. */
#define SPREAD(name, body, n) \
    static void name(void *out, const void *in, const struct vn_taps *x, int i, int to, int c) \
    { \
        switch (c) { \
        case 1: body(out, in, x, i, to, 1, n); break; \
        case 3: body(out, in, x, i, to, 3, n); break; \
        default: body(out, in, x, i, to, c, n); break; \
        } \
    }
SPREAD(pairs_2, across_pairs, 2)
SPREAD(fixed_4, across_fixed, 4)
SPREAD(fixed_8, across_fixed, 8)
SPREAD(bytes_4, across_bytes, 4)
SPREAD(floats_2, across_floats, 2)
SPREAD(floats_4, across_floats, 4)
SPREAD(floats_8, across_floats, 8)

#define PLAIN_ROWS(name) \
    static void name##_rows(void *const out[2], const void *const in[2], const struct vn_taps *x, int from, \
                            int to, int c) \
    { \
        for (int r = 0; r < 1 + (in[0] != in[1]); r++) \
            name(out[r], in[r], x, from, to, c); \
    }

/* ---- down ---- */

static void linear_bytes(uint8_t *restrict out, const uint16_t *restrict p, const uint16_t *restrict q,
                         int16_t a, int16_t b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const int16_t u = (int16_t)((a * (int16_t)p[i]) >> 16), v = (int16_t)((b * (int16_t)q[i]) >> 16);
        out[i] = (uint8_t)((int16_t)(u + v + 2) >> 2);
    }
}

static void exact_bytes(uint8_t *restrict out, const uint16_t *restrict p, const uint16_t *restrict q,
                        uint32_t a, uint32_t b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)((p[i] * a + q[i] * b + (1 << 15)) >> 16);
}

/* Eights of a row in float32, halves to even; the rest in integers, halves up. */
static void four_ints(uint8_t *restrict out, const int *const *p, const int16_t *w, size_t n)
{
    const int *p0 = p[0], *p1 = p[1], *p2 = p[2], *p3 = p[3];
    const float unit = 1.f / (1 << 22);
    const float w0 = (float)w[0] * unit, w1 = (float)w[1] * unit, w2 = (float)w[2] * unit,
                w3 = (float)w[3] * unit;
    size_t i = 0;
    for (; i < n / 8 * 8; i++) {
        const float sum = (float)p0[i] * w0 + ((float)p1[i] * w1 + ((float)p2[i] * w2 + (float)p3[i] * w3));
        const float x = rintf(sum);
        out[i] = (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x);
    }
    for (; i < n; i++) {
        const int sum = p0[i] * w[0] + p1[i] * w[1] + p2[i] * w[2] + p3[i] * w[3];
        out[i] = (uint8_t)row_clamp((sum + (1 << 21)) >> 22, 0, 255);
    }
}

/* The weights keep the sums just inside of 32 bits. */
static void eight_ints(uint8_t *restrict out, const int *const *p, const int16_t *w, size_t n)
{
    const int *p0 = p[0], *p1 = p[1], *p2 = p[2], *p3 = p[3], *p4 = p[4], *p5 = p[5], *p6 = p[6], *p7 = p[7];
    const int w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3], w4 = w[4], w5 = w[5], w6 = w[6], w7 = w[7];
    for (size_t i = 0; i < n; i++) {
        const int upper = p0[i] * w0 + p1[i] * w1 + p2[i] * w2 + p3[i] * w3;
        const int lower = p4[i] * w4 + p5[i] * w5 + p6[i] * w6 + p7[i] * w7;
        const int x = (upper + lower + (1 << 21)) >> 22;
        out[i] = (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x);
    }
}

ROW_INLINE void reals(float *restrict out, const float *const *p, const float *w, size_t n, int taps)
{
    for (size_t i = 0; i < n; i++) {
        float sum = p[0][i] * w[0];
        for (int k = 1; k < taps; k++)
            sum = fmaf(p[k][i], w[k], sum);
        out[i] = sum;
    }
}

static void four_floats(uint8_t *restrict out, const float *const *p, const float *w, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const float sum = fmaf(p[3][i], w[3], fmaf(p[2][i], w[2], fmaf(p[1][i], w[1], p[0][i] * w[0])));
        const float x = rintf(sum);
        out[i] = (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x);
    }
}

#define DOWN(name) static void name(void *out, void *const *p, const struct vn_taps *y, int i, size_t n)
#define WEIGHTS(kind) (y->kind + (size_t)i * y->n)
DOWN(linear_2) { linear_bytes(out, p[0], p[1], WEIGHTS(weight)[0], WEIGHTS(weight)[1], n); }
DOWN(exact_2) { exact_bytes(out, p[0], p[1], (uint32_t)WEIGHTS(weight)[0], (uint32_t)WEIGHTS(weight)[1], n); }
DOWN(ints_4) { four_ints(out, (const int *const *)p, WEIGHTS(weight), n); }
DOWN(ints_8) { eight_ints(out, (const int *const *)p, WEIGHTS(weight), n); }
DOWN(reals_2) { reals(out, (const float *const *)p, WEIGHTS(real), n, 2); }
DOWN(reals_4) { reals(out, (const float *const *)p, WEIGHTS(real), n, 4); }
DOWN(reals_8) { reals(out, (const float *const *)p, WEIGHTS(real), n, 8); }
