/* kernels/values/value_kernels.h - loops over the elements of tensors: what calibration and comparison look
 * at.
 *
 * value_loops_body.h has them in vectors of the compiler: value_loops.c compiles it for the common CPU and is
 * the definition of right, x86/value_loops_ISA.c again for that level. Same numbers from all: a sum of
 * doubles has 8 lanes, element i in lane i mod 8, and no product is fused into it. This folder is not part of
 * libvernier-rt. */
#ifndef VN_VALUE_KERNELS_H
#define VN_VALUE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#define VN_SUM_LANES 8

/* Of pairs of elements x, y. Zeroed: of none. */
struct vn_products {
    double xy[VN_SUM_LANES], xx[VN_SUM_LANES], yy[VN_SUM_LANES];
};
struct vn_moments {
    double sum[VN_SUM_LANES], squares[VN_SUM_LANES]; /* of x */
};
struct vn_differences {
    double sum[VN_SUM_LANES], squares[VN_SUM_LANES]; /* of |x - y| */
    double most[VN_SUM_LANES];
    int64_t zeros[VN_SUM_LANES]; /* x that are 0 */
};

struct vn_value_kernels {
    uint32_t cpu; /* enum vn_cpu bits that these need */
    /* The least and the largest of n > 0 elements (of 0 and -0, either); 0: one is infinite or NaN. */
    int (*extremes)(float *lo, float *hi, const float *x, size_t n);
    /* bin = |x| * inverse, which is below 2^15, rounded down */
    void (*bins)(int16_t *bin, const float *x, float inverse, size_t n);
    /* Every call but the last of a sum: n is a multiple of the lanes. */
    void (*add)(double sum[VN_SUM_LANES], const float *x, size_t n);
    void (*add_moments)(struct vn_moments *s, const float *x, size_t n);
    void (*add_steps)(double sum[VN_SUM_LANES], const float *x, const float *y, size_t n); /* of |x - y| */
    void (*add_products)(struct vn_products *s, const float *x, const float *y, size_t n);
    void (*add_differences)(struct vn_differences *s, const float *x, const float *y, size_t n);
    /* sum[c] += x[row][c], rows in order */
    void (*add_rows)(double *sum, const float *x, size_t rows, size_t channels);
    /* top[c] = the larger of it and |x[row][c]|; NaN counts for nothing */
    void (*raise_rows)(float *top, const float *x, size_t rows, size_t channels);
    /* sum[i] += counts[i] */
    void (*add_counts)(uint64_t *sum, const uint32_t *counts, size_t n);
    /* out = (q - zero) * scale in float32 */
    void (*real_s8)(float *out, const int8_t *q, int32_t zero, float scale, size_t n);
    void (*real_s16)(float *out, const int16_t *q, int32_t zero, float scale, size_t n);
};
extern const struct vn_value_kernels vn_value_kernels_c, vn_value_kernels_avx2, vn_value_kernels_avx512;

/* The fastest that need only features in `cpu`. */
const struct vn_value_kernels *vn_value_kernels_for(uint32_t cpu);
/* From now on, the whole process uses only the CPU features of `mask` that the CPU has, too; see
 * vn_image_cpu. */
void vn_value_cpu(uint32_t mask);
/* What vn_value_cpu chose; without a call, the fastest. */
const struct vn_value_kernels *vn_value_kernels_chosen(void);

/* The lanes of a sum as one number, always in the same order. */
static inline double vn_sum_lanes(const double s[VN_SUM_LANES])
{
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

#endif
