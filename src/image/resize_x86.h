/* image/resize_x86.h - AVX2 bodies of resizing; each does a part and says how much, the C beside it does the rest. */
#ifndef VN_RESIZE_X86_H
#define VN_RESIZE_X86_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

#define VN_SPLIT 11 /* weight = high * 2^11 + low, 0 <= low < 2^11 */

int vn_image_has_avx2(void);

/* Pillow's passes, c = 1, 3 or 4. `high` and `low` have `most` entries for each output index, a multiple of 8, zero behind `count`.
 * `end` is behind the last byte that may be read. Returns the number of pixels done. */
int vn_row_weigh_avx2(uint8_t *out, const uint8_t *in, const uint8_t *end, int w, int c, const int *first, const int *count, const int16_t *high,
                      const int16_t *low, int most);
/* One row from n rows; returns the number of values done. */
size_t vn_column_weigh_avx2(uint8_t *out, const uint8_t *in, const int16_t *high, const int16_t *low, int n, size_t row);

/* ---- OpenCV's separable passes ---- */

#define VN_SLACK 8 /* values that a row behind the pass across needs behind its end */

struct vn_taps {
    int n, shift;    /* n weights for each output index; the integer pass drops `shift` bits */
    int *first;      /* the source index of its first weight; it may lie outside */
    float *real;     /* the weights; */
    int16_t *weight; /* the same as integers; */
    float *block;    /* one channel: as floats, of eight output indices side by side */
    int lo, hi;      /* what AVX2 does: output indices whose loads stay inside of the row */
};

/* Finds lo, hi and block for c channels; leaves them 0 where there is no AVX2 or no body for c. */
void vn_taps_for_avx2(struct vn_taps *t, struct vn_arena *a, int in, int out, int c);

/* Output pixels [i, to) within [lo, hi), multiples of 8 for one channel, of two rows (of one, where in[0] == in[1]), c = 1, 3 or 4. */
typedef void vn_across(void *const out[2], const void *const in[2], const struct vn_taps *x, int i, int to, int c);
vn_across vn_across_pairs_avx2;  /* bytes, 2 integer weights: uint16 */
vn_across vn_across_fixed_avx2;  /* bytes, 8 integer weights: int32 */
vn_across vn_across_cubic_avx2;  /* bytes, 4 weights: float32, fused */
vn_across vn_across_floats_avx2; /* floats, 2, 4 or 8 weights, fused */
/* Bytes from four rows of floats; returns the number of values done. */
size_t vn_down_cubic_avx2(uint8_t *out, const float *const *p, const float *weight, size_t n);

/* ---- OpenCV's area ---- */

/* A row of c = 3 or 4 channels, parts as in resize_opencv.c; returns the number of pixels done. `out` has VN_SLACK behind its end. */
typedef int vn_area_pixels(float *out, const void *row, const void *row_end, int w, int c, const int *start, const int *from, const float *weight);
vn_area_pixels vn_area_pixels_avx2, vn_area_float_pixels_avx2;
/* Output values [lo, hi) of one channel; n is a multiple of 4. */
typedef void vn_area_values(float *out, const void *row, const struct vn_taps *x);
vn_area_values vn_area_bytes_avx2, vn_area_floats_avx2;
/* One row from two of twice the length, c = 1, 3 or 4; halves are rounded up. Returns the number of pixels done. */
int vn_halve_avx2(uint8_t *out, const uint8_t *p, const uint8_t *q, int w, int c);

#endif
