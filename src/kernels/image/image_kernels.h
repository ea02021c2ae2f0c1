/* kernels/image/image_kernels.h - the inner loops of image functions: rows of pixels, one family for each
 * library's rules.
 *
 * NAME_body.h has loops that the compiler's vectoriser makes fast: NAME.c compiles it for the common CPU
 * and is the definition of right, x86/NAME_avx2.c again for AVX2, with bodies by hand where that is not
 * enough. Same bytes from both: a fused multiply-add is written fmaf, and no sum changes its order. This
 * folder is not part of libvernier-rt. */
#ifndef VN_IMAGE_KERNELS_H
#define VN_IMAGE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#define VN_ROW_CHANNELS 4 /* of a pixel, at most */
#define VN_ROW_SLACK 8 /* values behind the end of a row of sums that a kernel may write */

/* ---- every library: channels and normalisation ---- */

#define VN_NORMALISE_BLOCK 48 /* whole pixels of 1 to 4 channels, whole registers */

/* mean and std repeat the channels' values. out = (in * scale - mean) / std; divide: in / scale; multiply:
 * ... * std. */
struct vn_normalise_row {
    float scale;
    int divide, multiply;
    float mean[VN_NORMALISE_BLOCK], std[VN_NORMALISE_BLOCK];
};

struct vn_pixel_rows {
    /* of three channels the first and the third */
    void (*swap_bytes)(uint8_t *out, const uint8_t *in, size_t pixels);
    void (*normalise)(float *out, const float *in, size_t n, const struct vn_normalise_row *p);
};
extern const struct vn_pixel_rows vn_pixel_rows_c, vn_pixel_rows_avx2;

/* ---- OpenCV: separable passes ---- */

/* One axis: n weights for each output index. */
struct vn_taps {
    int n, shift; /* the integer pass across drops `shift` bits */
    int *first; /* source index of the first weight; it may lie outside */
    int *index; /* n source indices, inside */
    float *real; /* the weights; */
    int16_t *weight; /* the same as integers; */
    float *block; /* one channel: as floats, of eight output indices side by side, in [lo, hi) */
    int lo, hi; /* output indices whose weights may be loaded in a row: 4 values of each pixel lie inside of
                 * the source row; one channel: both are multiples of 8; 0 and 0: none */
};

enum vn_row_form {
    VN_ROW_LINEAR_BYTES, /* bytes, 2 integer weights; uint16 between the passes */
    VN_ROW_EXACT_BYTES, /* the same, other units */
    VN_ROW_CUBIC_BYTES, /* bytes, 4 float weights, fused; float32 */
    VN_ROW_CUBIC_FIXED, /* bytes, 4 integer weights; int32 */
    VN_ROW_LANCZOS_BYTES, /* bytes, 8 integer weights; int32 */
    VN_ROW_LINEAR_FLOATS, /* floats, 2, 4 and 8 float weights, fused; float32 */
    VN_ROW_CUBIC_FLOATS,
    VN_ROW_LANCZOS_FLOATS,
    VN_ROW_FORMS
};

/* Output pixels [from, to) of c channels, of two rows at once; of one where in[0] == in[1]. Rows of `out`
 * have VN_ROW_SLACK. */
typedef void vn_across_fn(void *const out[2], const void *const in[2], const struct vn_taps *x, int from,
                          int to, int c);
/* n values of output row i from the y->n rows that it takes. */
typedef void vn_down_fn(void *out, void *const *rows, const struct vn_taps *y, int i, size_t n);

struct vn_opencv_rows {
    vn_across_fn *across[VN_ROW_FORMS];
    vn_down_fn *down[VN_ROW_FORMS];
};
extern const struct vn_opencv_rows vn_opencv_rows_c, vn_opencv_rows_avx2;

/* ---- OpenCV: area; products and sums are rounded one by one, in the order of the parts ---- */

/* Output index i takes weight[k] of source index from[k] for k in [start[i], start[i + 1]). */
struct vn_parts {
    int n, *start, *from;
    float *weight;
    struct vn_taps even; /* one channel: the same with as many weights for each index, a multiple of 4, 0
                            behind its own */
};

/* w pixels from a row of `values` values. `out` has VN_ROW_SLACK. */
typedef void vn_gather_fn(float *out, const void *row, size_t values, const struct vn_parts *x, int w, int c);

struct vn_area_rows {
    vn_gather_fn *gather_bytes, *gather_floats;
    void (*add_row)(float *sum, const float *row, float weight, size_t n);
    void (*round_row)(uint8_t *out, const float *sum, size_t n);
    /* sum += row; first: sum = row */
    void (*add_bytes)(uint32_t *sum, const uint8_t *row, int first, size_t n);
    void (*add_floats)(float *sum, const float *row, int first, size_t n);
    /* out[i] = sum of k pixels from i * k on; both rows have VN_ROW_SLACK */
    void (*box_ints)(uint32_t *out, const uint32_t *in, int w, int c, int k);
    void (*box_floats)(float *out, const float *in, int w, int c, int k);
    void (*scale_ints)(uint8_t *out, const uint32_t *sum, float scale, size_t n);
    void (*scale_floats)(float *out, const float *sum, float scale, size_t n);
    /* one row from the means of 2 x 2 pixels of two rows, halves rounded up; c = 1, 3 or 4 */
    void (*halve)(uint8_t *out, const uint8_t *p, const uint8_t *q, int w, int c);
};
extern const struct vn_area_rows vn_area_rows_c, vn_area_rows_avx2;

/* ---- Pillow ---- */

#define VN_PILLOW_BITS 22 /* of weights: 32 bits less 8 of the pixel and 2 of head room */
#define VN_PILLOW_SPLIT \
    11 /* weight = high * 2^11 + low, 0 <= low < 2^11: products with 16-bit halves never overflow */

/* One axis: for each output index `count` weights from source index `first` on; `most` entries, a multiple
 * of 8, 0 behind count. */
struct vn_pillow_taps {
    int most, *first, *count;
    double *real;
    int *weight; /* in units of 2^-22, */
    int16_t *high, *low; /* and in two halves */
};

struct vn_pillow_rows {
    /* w pixels; `end` is behind the last byte of the source image, up to which loads may reach */
    void (*across)(uint8_t *out, const uint8_t *in, const uint8_t *end, const struct vn_pillow_taps *t, int w,
                   int c);
    /* output row i of `row` values from count[i] rows, `in` the first of them */
    void (*down)(uint8_t *out, const uint8_t *in, const struct vn_pillow_taps *t, int i, size_t row);
};
extern const struct vn_pillow_rows vn_pillow_rows_c, vn_pillow_rows_avx2;

/* ---- torchvision on tensors ---- */

/* One axis: `count` of n weights for each output index, with their source indices. */
struct vn_torch_taps {
    int n, *count, *index;
    float *weight;
};

struct vn_torchvision_rows {
    void (*across_bytes)(float *out, const uint8_t *in, const struct vn_torch_taps *x, int w, int c,
                         int antialias);
    void (*across_floats)(float *out, const float *in, const struct vn_torch_taps *x, int w, int c,
                          int antialias);
    /* output row i of n values, all 0 before, from the rows that went across */
    void (*down)(float *out, const float *rows, const struct vn_torch_taps *y, int i, size_t n,
                 int antialias);
    void (*round)(uint8_t *out, const float *in, size_t n);
};
extern const struct vn_torchvision_rows vn_torchvision_rows_c, vn_torchvision_rows_avx2;

/* ---- skimage: float64 ---- */

struct vn_skimage_rows {
    void (*add)(double *out, const double *in, double w, size_t n); /* out += in * w */
    void (*add_pair)(double *out, const double *in, const double *in2, double w,
                     size_t n); /* out += (in + in2) * w */
};
extern const struct vn_skimage_rows vn_skimage_rows_c, vn_skimage_rows_avx2;

/* ---- dispatch ---- */

struct vn_image_kernels {
    uint32_t cpu; /* enum vn_cpu bits that these need */
    const struct vn_pixel_rows *pixel;
    const struct vn_opencv_rows *opencv;
    const struct vn_area_rows *area;
    const struct vn_pillow_rows *pillow;
    const struct vn_torchvision_rows *torchvision;
    const struct vn_skimage_rows *skimage;
};
/* The fastest that need only features in `cpu`. */
const struct vn_image_kernels *vn_image_kernels_for(uint32_t cpu);

/* From now on, image functions of the whole process use only the CPU features of `mask` (enum vn_cpu bits)
 * that the CPU has, too. Without a call: all that it has. The results are the same, so a call beside
 * running work is harmless. One setting for the process: kernels that differ in speed alone are not worth
 * an argument of every image function. */
void vn_image_cpu(uint32_t mask);
/* What vn_image_cpu chose. */
const struct vn_image_kernels *vn_image_kernels_chosen(void);

#endif
