/* kernels/image/area_rows_body.h - OpenCV's area: parts of cells in float32, integer factors in integers. */
#include <math.h>
#include <string.h>

#include "kernels/image/image_kernels.h"
#include "kernels/image/row_macros.h"

/* Output pixels [i, to). */
#define GATHER(name, type) \
    ROW_INLINE void name##_n(float *out, const void *row, const struct vn_parts *x, int i, int to, int c) \
    { \
        const type *in = row; \
        for (; i < to; i++) \
            for (int q = 0; q < c; q++) { \
                float sum = 0; \
                for (int k = x->start[i]; k < x->start[i + 1]; k++) \
                    sum += (float)in[(size_t)x->from[k] * c + q] * x->weight[k]; \
                out[(size_t)i * c + q] = sum; \
            } \
    } \
    static void name(float *out, const void *row, const struct vn_parts *x, int i, int to, int c) \
    { \
        if (c == 3) \
            name##_n(out, row, x, i, to, 3); \
        else \
            name##_n(out, row, x, i, to, c); \
    }
GATHER(part_bytes, uint8_t)
GATHER(part_floats, float)

static void add_row(float *restrict sum, const float *restrict row, float weight, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += row[i] * weight;
}

static void round_row(uint8_t *restrict out, const float *restrict sum, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(sum[i] > 255 ? 255 : rintf(sum[i]));
}

#define ADD(name, type, in) \
    static void name(type *restrict sum, const in *restrict row, int first, size_t n) \
    { \
        if (first) \
            for (size_t i = 0; i < n; i++) \
                sum[i] = row[i]; \
        else \
            for (size_t i = 0; i < n; i++) \
                sum[i] += row[i]; \
    }
ADD(add_bytes, uint32_t, uint8_t)
ADD(add_floats, float, float)

/* Four lanes for 3 channels, too: rows have room behind their end. */
#define BOXES(name, type) \
    typedef type name##_lanes __attribute__((vector_size(16))); \
    ROW_INLINE void name##_n(type *restrict out, const type *restrict in, int w, int c, int k) \
    { \
        for (int i = 0; i < w; i++) \
            for (int q = 0; q < c; q++) { \
                type sum = 0; \
                for (int j = 0; j < k; j++) \
                    sum += in[((size_t)i * k + j) * c + q]; \
                out[(size_t)i * c + q] = sum; \
            } \
    } \
    static void name(type *restrict out, const type *restrict in, int w, int c, int k) \
    { \
        if (c == 1 && k == 2) \
            name##_n(out, in, w, 1, 2); \
        else if (c < 3) \
            name##_n(out, in, w, c, k); \
        for (int i = 0; c >= 3 && i < w; i++, in += (size_t)k * c, out += c) { \
            name##_lanes sum = { 0 }, x; \
            for (int j = 0; j < k; j++) { \
                memcpy(&x, in + (size_t)j * c, sizeof x); \
                sum += x; \
            } \
            memcpy(out, &sum, sizeof sum); \
        } \
    }
BOXES(box_ints, uint32_t)
BOXES(box_floats, float)

static void scale_ints(uint8_t *restrict out, const uint32_t *restrict sum, float scale, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(int)rintf((float)(int)sum[i] * scale);
}

static void scale_floats(float *restrict out, const float *restrict sum, float scale, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = sum[i] * scale;
}

ROW_INLINE void halve_n(uint8_t *restrict out, const uint8_t *restrict p, const uint8_t *restrict q, int i,
                        int w, int c)
{
    for (; i < w; i++)
        for (int k = 0; k < c; k++) {
            const size_t at = (size_t)2 * i * c + k;
            out[(size_t)i * c + k] = (uint8_t)((p[at] + p[at + c] + q[at] + q[at + c] + 2) >> 2);
        }
}

/* Pixels [i, w). */
static void halve_from(uint8_t *out, const uint8_t *p, const uint8_t *q, int i, int w, int c)
{
    switch (c) {
    case 1: halve_n(out, p, q, i, w, 1); break;
    case 3: halve_n(out, p, q, i, w, 3); break;
    default: halve_n(out, p, q, i, w, 4); break;
    }
}

#define AREA_ROWS \
    { \
        gather_bytes, gather_floats, add_row, round_row, add_bytes, add_floats, box_ints, box_floats, \
            scale_ints, scale_floats, halve \
    }
