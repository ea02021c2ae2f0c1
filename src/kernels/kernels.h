/* kernels/kernels.h - compute kernels: one contract, a C reference that defines the result, SIMD variants
 * beside it.
 *
 * Rules for every kernel
 * - Same bytes as the C reference, for every input, on every CPU. Integer sums are exact; float sums add one
 * product at a time in ascending k with vn_fma; everything else follows num/num.h.
 * - Tensors are channels-last where a kernel speaks of pixels: N,H,W,C.
 * - Every tensor has BIN_SLACK readable bytes behind its end. Nothing is written beyond the end.
 *   Packed weights, bias, mult, wsum and tables need none: they are read within bounds. No pointer needs more
 * than its type's own alignment.
 * - A kernel decides nothing and allocates nothing: parameters are prepared once, before the first run.
 * - `out` may be the same buffer as an input only where the declaration says so.
 * - Work is split by the caller: rows [row0, row1) of n*oh output rows, and blocks [kb0, kb1) of VN_OCB
 * output channels.
 */
#ifndef VN_KERNELS_H
#define VN_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "format/numbers.h"

/* ---- geometry shared by convolutions ---- */

struct vn_window2d {
    int n, h, w, c; /* input; c = all channels */
    int oh, ow, k; /* output; k = all channels */
    int kh, kw, sh, sw, dh, dw;
    int ph,
        pw; /* padding in front (top, left); what the window covers beyond the other edge is padding too */
    int groups; /* dense: 1 <= groups, c % groups == 0, k % groups == 0; depthwise: groups == c == k */
    /* pitch of input, output and residual: elements from pixel to pixel, at least c, k and k; the residual's
     * may be 0: one number for each channel */
    int xp, yp, rp;
};

/* ---- int8 convolution, dense (also grouped; Gemm and MatMul by a constant with h = w = kh = kw = 1) ----
 *
 * acc[k] = sum over taps and channels (x - zx) * w + bias[k], exact (taps outside the input contribute 0)
 * out_s8: q  = sat(rne((float)acc * mult[k]) + zy) clamped to [lo, hi]
 *         residual: m = sat(rne((float)acc * mult[k]) + z_mid) in [-128, 127] first, then
 *                   q = vn_add of m and res, in the order of Add's inputs, clamped to [lo, hi]
 * out_s16: as out_s8 without a residual
 * out_f32: y = (float)acc * mult[k]
 */
struct vn_conv_s8 {
    struct vn_window2d g;
    const int8_t *weight; /* packed by vn_conv_s8_pack */
    const int32_t *bias; /* groups * blocks * VN_OCB entries, in packed order; padding entries 0 */
    const float *mult; /* likewise */
    const int32_t *wsum; /* likewise: sum of the channel's weights */
    int32_t zx, zy, lo, hi;
    int wide; /* 1: |acc| can pass 2^31: the C kernel with 64-bit sums */
    const int8_t *residual; /* NULL: none; shape of the output */
    int residual_first; /* 1: it is Add's first input, the convolution's own result the second */
    int32_t z_mid;
    float r_mid, r_res, fixed; /* of vn_add */
    int out_s16, out_f32;
};
#define VN_CONV_S8(name) \
    void name(void *out, const int8_t *x, const struct vn_conv_s8 *p, int row0, int row1, int kb0, int kb1)
typedef VN_CONV_S8(vn_conv_s8_fn);
VN_CONV_S8(vn_conv_s8_c);
VN_CONV_S8(vn_conv_s8_avx2);
VN_CONV_S8(vn_conv_s8_avx512vnni);
/* Packed order, the same for every CPU: for each group, for each block of VN_OCB output channels of the
 * group, for each tap (kh, kw), for each 4 input channels of the group: VN_OCB x 4 bytes [channel][c % 4];
 * missing channels are zero. */
size_t vn_conv_s8_packed_bytes(const struct vn_window2d *g);
int vn_conv_blocks(
    const struct vn_window2d *g); /* blocks over all groups: groups * ceil(k/groups / VN_OCB) */
/* w: OIHW as in ONNX ([k][c/groups][kh][kw]), -128 allowed. */
void vn_conv_s8_pack(int8_t *packed, const int8_t *w, const struct vn_window2d *g);
/* Per-channel numbers into packed order; v has k entries, out has vn_conv_blocks() * VN_OCB. */
void vn_conv_pack_i32(int32_t *out, const int32_t *v, const struct vn_window2d *g);
void vn_conv_pack_f32(float *out, const float *v, const struct vn_window2d *g);

/* ---- int8 depthwise convolution: groups == c == k; same arithmetic and epilogue ---- */

/* weight: [kh][kw][c]; bias, mult, wsum: c entries, not padded. kb counts blocks of VN_OCB channels, ceil(c /
 * VN_OCB) in all. */
#define VN_DWCONV_S8(name) \
    void name(void *out, const int8_t *x, const struct vn_conv_s8 *p, int row0, int row1, int kb0, int kb1)
VN_DWCONV_S8(vn_dwconv_s8_c);
VN_DWCONV_S8(vn_dwconv_s8_avx2);
VN_DWCONV_S8(vn_dwconv_s8_avx512vnni);
void vn_dwconv_s8_pack(int8_t *packed, const int8_t *w, const struct vn_window2d *g); /* w: [c][1][kh][kw] */

/* ---- int16 convolution, dense, grouped and depthwise: the input's zero point is 0, weights are int8 or
 * int16 ----
 *
 * acc[k] = sum over taps and channels x * w + bias[k], exact in 64 bits (taps outside the input contribute
 * 0); then as int8 without a residual, to int16 in [lo, hi] or to float32. */
#define VN_RUNS 5 /* of 1, 2, 4, 8 and all pairs; depthwise: of a pair, of a row of taps, and of all */
#define VN_ROW_RUN 1
enum { VN_ANY_SIGN, VN_ONE_SIGN };
#define VN_RUN_PARTS 16
struct vn_conv_s16 {
    struct vn_window2d g;
    const void *weight; /* int8: packed as for int8 convolutions; int16: in the same order */
    int wide_weights; /* 1: int16 */
    const int32_t *bias;
    const float *mult;
    int32_t zy, lo, hi;
    int out_f32;
    int32_t sums[VN_RUN_PARTS][VN_RUNS][2]; /* vn_conv_s16_sums; the C kernels do without */
    int64_t most_bias; /* likewise: the largest |bias| */
};
#define VN_CONV_S16(name) \
    void name(void *out, const int16_t *x, const struct vn_conv_s16 *p, int row0, int row1, int kb0, int kb1)
typedef VN_CONV_S16(vn_conv_s16_fn);
VN_CONV_S16(vn_conv_s16_c);
VN_CONV_S16(vn_dwconv_s16_c);
VN_CONV_S16(vn_conv_s16_avx2);
VN_CONV_S16(vn_conv_s16_avx512vnni);
VN_CONV_S16(vn_dwconv_s16_avx2);
VN_CONV_S16(vn_dwconv_s16_avx512vnni);
void vn_conv_s16_pack(int16_t *packed, const int16_t *w, const struct vn_window2d *g);
void vn_dwconv_s16_pack(int16_t *packed, const int16_t *w, const struct vn_window2d *g);
/* The largest sums of weights in a run of pairs that one output channel meets: they say how many products
 * fit 32 bits together. VN_ANY_SIGN: of |weight|; VN_ONE_SIGN: of the weights above 0 alone, or of those
 * below. One row for each VN_RUN_PARTS-th of the blocks of output channels. A pair is two neighbouring input
 * channels, in the packed order; depthwise: two neighbouring taps of a row. Sums of one sign end at
 * VN_SUM_MOST, which more than 32768 weights can pass. */
#define VN_SUM_MOST ((1 << 30) - 1)
void vn_conv_s16_sums(struct vn_conv_s16 *p, int depthwise);
static inline const int32_t (*vn_sums_of(const struct vn_conv_s16 *p, int kb, int blocks))[2]
{
    return p->sums[(int64_t)kb * VN_RUN_PARTS / blocks];
}

/* ---- float32 convolution: y = bias, then fma(x, w, y) over taps (kh, kw) and channels ascending, padding
 * included as x = 0; then clamp to [lo, hi] (y > lo ? y : lo, then y < hi ? y : hi); residual: y = y + res
 * before the clamp ---- */

struct vn_conv_f32 {
    struct vn_window2d g;
    const float *weight; /* packed by vn_conv_f32_pack */
    const float *bias; /* packed order, never NULL */
    const float *residual;
    float lo, hi; /* -inf, +inf: no clamp */
};
#define VN_CONV_F32(name) \
    void name(float *out, const float *x, const struct vn_conv_f32 *p, int row0, int row1, int kb0, int kb1)
typedef VN_CONV_F32(vn_conv_f32_fn);
VN_CONV_F32(vn_conv_f32_c);
VN_CONV_F32(vn_conv_f32_avx2);
VN_CONV_F32(vn_conv_f32_avx512);
/* For each group, block of VN_OCB output channels, tap, input channel: VN_OCB floats. */
size_t vn_conv_f32_packed_bytes(const struct vn_window2d *g);
void vn_conv_f32_pack(float *packed, const float *w, const struct vn_window2d *g); /* w: OIHW */
/* depthwise: weight [kh][kw][c] */
VN_CONV_F32(vn_dwconv_f32_c);
VN_CONV_F32(vn_dwconv_f32_avx2);
VN_CONV_F32(vn_dwconv_f32_avx512);
void vn_dwconv_f32_pack(float *packed, const float *w, const struct vn_window2d *g);

/* ---- matrix product of two activations, one matrix: a [m][k], b [k][n], c [m][n]; rows [row0, row1) of m
 * ---- */

struct vn_matmul {
    int m, n, k;
    int32_t za, zb, zy, lo, hi; /* integers */
    float mult; /* integers: (sa*sb)/sy; exact sums whatever k is, vn_requantize */
    int out_s16; /* int8: an int16 result */
    int out_f32; /* integers: y = (float)acc * mult */
};
typedef void vn_matmul_s8_fn(void *c, const int8_t *a, const int8_t *b, const struct vn_matmul *p, int row0,
                             int row1);
typedef void vn_matmul_f32_fn(float *c, const float *a, const float *b, const struct vn_matmul *p, int row0,
                              int row1);
typedef void vn_matmul_s16_fn(void *c, const int16_t *a, const int16_t *b, const struct vn_matmul *p,
                              int row0, int row1);
vn_matmul_s8_fn vn_matmul_s8_c, vn_matmul_s8_avx2, vn_matmul_s8_avx512vnni;
vn_matmul_s16_fn vn_matmul_s16_c, vn_matmul_s16_avx2, vn_matmul_s16_avx512vnni;
vn_matmul_f32_fn vn_matmul_f32_c, vn_matmul_f32_avx2; /* starts from 0, fma with k ascending */

/* ---- spans of n elements ---- */

/* enum vn_binary: max: a > b ? a : b; min: a < b ? a : b; prelu: a < 0 ? a * b : a */
/* step_a, step_b: 1, or 0 where that operand is one element for the whole span. out may be an operand whose
 * step is 1. */
struct vn_binary_s8 { /* of int16, too */
    /* ADD (SUB: the caller negates rb), MAX, MIN: ra = sa/sy, rb = sb/sy; MUL: ra = (sa*sb)/sy; DIV: ra =
     * (sa/sb)/sy; PRELU: ra = (sa*sb)/sy, rb = sa/sy */
    enum vn_binary op;
    int32_t za, zb, zy, lo, hi;
    float ra, rb, fixed; /* fixed: vn_add_fixed, ADD only */
};
typedef void vn_binary_s8_fn(int8_t *out, const int8_t *a, const int8_t *b, size_t n, int step_a, int step_b,
                             const struct vn_binary_s8 *p);
typedef void vn_binary_f32_fn(float *out, const float *a, const float *b, size_t n, int step_a, int step_b,
                              enum vn_binary op);
typedef void vn_binary_s16_fn(int16_t *out, const int16_t *a, const int16_t *b, size_t n, int step_a,
                              int step_b, const struct vn_binary_s8 *p);
vn_binary_s8_fn vn_binary_s8_c, vn_binary_s8_avx2, vn_binary_s8_avx512;
vn_binary_s16_fn vn_binary_s16_c, vn_binary_s16_avx2, vn_binary_s16_avx512;
vn_binary_f32_fn vn_binary_f32_c, vn_binary_f32_avx2;

typedef void vn_clamp_s8_fn(int8_t *out, const int8_t *x, size_t n, int lo, int hi); /* in place allowed */
typedef void vn_clamp_f32_fn(float *out, const float *x, size_t n, float lo,
                             float hi); /* in place allowed; NaN gives lo */
typedef void vn_table_s8_fn(int8_t *out, const int8_t *x, size_t n,
                            const int8_t table[256]); /* table[q + 128]; in place allowed */
/* vn_quantize to [-128, 127]; vn_dequantize */
typedef void vn_quantize_s8_fn(int8_t *out, const float *x, size_t n, float scale, int32_t zero);
typedef void vn_dequantize_s8_fn(float *out, const int8_t *x, size_t n, float scale, int32_t zero);
typedef void vn_quantize_s16_fn(int16_t *out, const float *x, size_t n, float scale, int32_t zero);
typedef void vn_dequantize_s16_fn(float *out, const int16_t *x, size_t n, float scale, int32_t zero);
vn_clamp_s8_fn vn_clamp_s8_c, vn_clamp_s8_avx2, vn_clamp_s8_avx512;
vn_clamp_f32_fn vn_clamp_f32_c, vn_clamp_f32_avx2, vn_clamp_f32_avx512;
vn_table_s8_fn vn_table_s8_c, vn_table_s8_avx2, vn_table_s8_avx512vbmi;
vn_quantize_s8_fn vn_quantize_s8_c, vn_quantize_s8_avx2, vn_quantize_s8_avx512;
vn_dequantize_s8_fn vn_dequantize_s8_c, vn_dequantize_s8_avx2, vn_dequantize_s8_avx512;
vn_quantize_s16_fn vn_quantize_s16_c, vn_quantize_s16_avx2, vn_quantize_s16_avx512;
vn_dequantize_s16_fn vn_dequantize_s16_c, vn_dequantize_s16_avx2, vn_dequantize_s16_avx512;
/* table[q + 32768]; and tables that change the width */
void vn_table_s16_c(int16_t *out, const int16_t *x, size_t n, const int16_t *table);
void vn_table_s8_s16_c(int16_t *out, const int8_t *x, size_t n, const int16_t *table);
void vn_table_s16_s8_c(int8_t *out, const int16_t *x, size_t n, const int8_t *table);
/* vn_rescale between the widths */
struct vn_rescale {
    int32_t zx, zy, lo, hi;
    float ratio; /* sx/sy */
};
typedef void vn_rescale_s8_fn(int8_t *out, const int8_t *x, size_t n, const struct vn_rescale *p);
typedef void vn_rescale_s8_s16_fn(int16_t *out, const int8_t *x, size_t n, const struct vn_rescale *p);
typedef void vn_rescale_s16_s8_fn(int8_t *out, const int16_t *x, size_t n, const struct vn_rescale *p);
typedef void vn_rescale_s16_fn(int16_t *out, const int16_t *x, size_t n, const struct vn_rescale *p);
vn_rescale_s8_fn vn_rescale_s8_c, vn_rescale_s8_avx2, vn_rescale_s8_avx512;
vn_rescale_s8_s16_fn vn_rescale_s8_s16_c, vn_rescale_s8_s16_avx2, vn_rescale_s8_s16_avx512;
vn_rescale_s16_s8_fn vn_rescale_s16_s8_c, vn_rescale_s16_s8_avx2, vn_rescale_s16_s8_avx512;
vn_rescale_s16_fn vn_rescale_s16_c, vn_rescale_s16_avx2, vn_rescale_s16_avx512;

typedef void vn_unary_f32_fn(float *out, const float *x, size_t n, enum vn_unary op, float alpha,
                             float beta); /* in place allowed */
vn_unary_f32_fn vn_unary_f32_c, vn_unary_f32_avx2,
    vn_unary_f32_avx512; /* num/functions.h and unary_one in spans_body.h */

/* ---- float64, of recurrent layers ---- */

/* x = tanh(x), or sigmoid(x): num/functions64.h */
typedef void vn_squash_f64_fn(double *x, size_t n, int is_tanh);
vn_squash_f64_fn vn_squash_f64_c, vn_squash_f64_avx2, vn_squash_f64_avx512;
/* y[r] = y[r] + x[k] * w[k * pitch + r], k = 0..n-1 in this order; the product is rounded before it is
 * added */
typedef void vn_dots_f64_fn(double *y, const double *x, const float *w, size_t rows, size_t n, size_t pitch);
vn_dots_f64_fn vn_dots_f64_c, vn_dots_f64_avx2, vn_dots_f64_avx512;

/* ---- reductions of the middle axis of [outer][n][inner]; outer slices [o0, o1) ---- */

/* Sums, products, maxima: 16 partial results (index mod 16) and the tree of the pools; max and min: x > y ? x
 * : y, x < y ? x : y. */
void vn_reduce_f32_c(float *out, const float *x, enum vn_reduce op, int n, int inner, int o0, int o1);

/* ---- pools, channels-last; g.groups, g.k and g.rp unused (k == c). Rows of n*oh. max: only taps inside the
 *      input; NaN is never chosen; no tap inside: the smallest integer or -inf.
 *      average: taps outside the input add nothing; a divisor of 0 counts as 1. ---- */

struct vn_pool {
    struct vn_window2d g;
    int count_include_pad; /* average: enum vn_pool_divisor */
    int ph_end, pw_end; /* padding behind, for count_include_pad */
    int32_t zx, zy; /* integers */
    float ratio; /* average of integers: sx/sy, vn_average with count = divisor; int16 windows have at most
                    VN_NORM_MOST taps */
};
typedef void vn_pool_s8_fn(int8_t *out, const int8_t *x, const struct vn_pool *p, int row0, int row1);
typedef void vn_pool_f32_fn(float *out, const float *x, const struct vn_pool *p, int row0, int row1);
typedef void vn_pool_s16_fn(int16_t *out, const int16_t *x, const struct vn_pool *p, int row0, int row1);
vn_pool_s16_fn vn_maxpool_s16_c, vn_avgpool_s16_c, vn_maxpool_s16_avx2, vn_avgpool_s16_avx2;
vn_pool_s8_fn vn_maxpool_s8_c, vn_maxpool_s8_avx2, vn_avgpool_s8_c, vn_avgpool_s8_avx2;
/* f32 average: taps ascending summed into 16 partial sums (tap index mod 16, counting taps inside the input),
 * tree, then / count. The tree, here and in softmax: for step = 8, 4, 2, 1: part[i] += part[i + step] for i <
 * step; the sum is part[0]. */
vn_pool_f32_fn vn_maxpool_f32_c, vn_maxpool_f32_avx2, vn_avgpool_f32_c, vn_avgpool_f32_avx2;

/* ---- softmax along the middle axis of [outer][n][inner]; outer slices [o0, o1) ---- */

struct vn_softmax {
    int n, inner;
    const uint32_t *table; /* int8: 256 entries, vn_softmax_table; int16: vn_softmax16_table */
    int32_t zy;
    float inv; /* integers: 1/sy */
};
typedef void vn_softmax_s8_fn(int8_t *out, const int8_t *x, const struct vn_softmax *p, int o0, int o1);
typedef void vn_softmax_s16_fn(int16_t *out, const int16_t *x, const struct vn_softmax *p, int o0, int o1);
typedef void vn_softmax_f32_fn(float *out, const float *x, const struct vn_softmax *p, int o0, int o1);
vn_softmax_s8_fn vn_softmax_s8_c, vn_softmax_s8_avx2, vn_softmax_s8_avx512, vn_softmax_s8_avx512vbmi;
vn_softmax_s16_fn vn_softmax_s16_c, vn_softmax_s16_avx2, vn_softmax_s16_avx512;
/* f32: max (from the first element on, x > max ? x : max), e = vn_expf(x - max), 16 partial sums (index mod
 * 16), tree, e / sum */
vn_softmax_f32_fn vn_softmax_f32_c, vn_softmax_f32_avx2, vn_softmax_f32_avx512;

/* ---- rows of n numbers to mean 0 and variance 1 (centre 0: to mean square 1), scaled and shifted: vn_norm;
 * rows [row0, row1) from the pointers on ---- */

struct vn_normalize {
    int n, centre;
    const float *scale, *bias; /* n entries; of integers divided by the output's scale */
    int32_t zx, zy;
    float sx;
    double epsilon;
};
typedef void vn_normalize_s8_fn(int8_t *out, const int8_t *x, const struct vn_normalize *p, int row0,
                                int row1);
typedef void vn_normalize_s16_fn(int16_t *out, const int16_t *x, const struct vn_normalize *p, int row0,
                                 int row1);
vn_normalize_s8_fn vn_normalize_s8_c, vn_normalize_s8_avx2, vn_normalize_s8_avx512;
vn_normalize_s16_fn vn_normalize_s16_c, vn_normalize_s16_avx2, vn_normalize_s16_avx512;
/* float32: the mean and the mean of squares of d = x - mean by 16 partial sums (index mod 16) and the
 * tree; d / sqrt(mean of squares + epsilon) * scale + bias, each rounded. centre 0: d = x - 0 */
typedef void vn_normalize_f32_fn(float *out, const float *x, const struct vn_normalize *p, int row0,
                                 int row1);
vn_normalize_f32_fn vn_normalize_f32_c, vn_normalize_f32_avx2, vn_normalize_f32_avx512;

/* ---- resize, channels-last, by precomputed indices; rows of n*oh ---- */

struct vn_resize2d {
    int n, h, w, c, oh, ow;
    const int32_t *iy, *ix; /* nearest: oh and ow source indices. linear: oh*2 and ow*2 */
    const float *wy, *wx; /* linear f32: oh*2, ow*2 weights: top row = fma-free lerp: (a*w0 + b*w1) along x,
                             then along y */
    const int32_t *qy,
        *qx; /* linear, integers: the same in units of 2^-VN_RESIZE_BITS or 2^-VN_RESIZE16_BITS */
    int32_t zx, zy;
    float ratio;
};
void vn_resize_nearest_c(void *out, const void *x, const struct vn_resize2d *p, int elem_bytes, int row0,
                         int row1);
/* The two integer weights of a position are together 2^bits. */
typedef void vn_resize_linear_s8_fn(int8_t *out, const int8_t *x, const struct vn_resize2d *p, int row0,
                                    int row1);
typedef void vn_resize_linear_s16_fn(int16_t *out, const int16_t *x, const struct vn_resize2d *p, int row0,
                                     int row1);
typedef void vn_resize_linear_f32_fn(float *out, const float *x, const struct vn_resize2d *p, int row0,
                                     int row1);
vn_resize_linear_s8_fn vn_resize_linear_s8_c, vn_resize_linear_s8_avx2, vn_resize_linear_s8_avx512;
vn_resize_linear_s16_fn vn_resize_linear_s16_c, vn_resize_linear_s16_avx2, vn_resize_linear_s16_avx512;
vn_resize_linear_f32_fn vn_resize_linear_f32_c, vn_resize_linear_f32_avx2, vn_resize_linear_f32_avx512;

/* ---- image input: pixels [p0, p1) ---- */

/* to int8 or int16: y[c] = sat(rne((float)(sum_k w[c*C+k] * x[k] + bias[c]) * mult[c]) + zy); int16 weights,
 * exact int32 sums; C = 1 or 3 */
struct vn_preprocess_s8 {
    int c;
    const int16_t *weight;
    const int32_t *bias;
    const float *mult;
    int32_t zy;
};
typedef void vn_preprocess_s8_fn(int8_t *out, const int8_t *x, const struct vn_preprocess_s8 *p, size_t p0,
                                 size_t p1);
typedef void vn_preprocess_s16_fn(int16_t *out, const int8_t *x, const struct vn_preprocess_s8 *p, size_t p0,
                                  size_t p1);
vn_preprocess_s8_fn vn_preprocess_s8_c, vn_preprocess_s8_avx2;
vn_preprocess_s16_fn vn_preprocess_s16_c, vn_preprocess_s16_avx2;
/* y[c] = b[c], then fma(a[c*C+k], x[k], y) for k ascending */
void vn_preprocess_f32_c(float *out, const float *x, int c, const float *a, const float *b, size_t p0,
                         size_t p1);

/* ---- images ---- */

struct vn_tap;
/* n pixels of `size` bytes of a resized row, of rows `above` and `below`, which has the weight `weight`. */
typedef void vn_region_u8_fn(uint8_t *out, const uint8_t *above, const uint8_t *below,
                             const struct vn_tap *tap, int n, int size, int weight);
vn_region_u8_fn vn_region_u8_c;

/* ---- copies: pitches xs and ys in bytes ---- */

/* Rows of `bytes` bytes. */
typedef void vn_copy_rows_fn(char *out, const char *x, size_t rows, size_t bytes, ptrdiff_t xs, ptrdiff_t ys);
vn_copy_rows_fn vn_copy_rows_c, vn_copy_rows_avx2;
/* Elements of `size` bytes, 1, 2, 4 or 8: rows of pitch xs become columns; the rows of out have pitch ys. */
typedef void vn_transpose_fn(char *out, const char *x, size_t rows, size_t cols, ptrdiff_t xs, ptrdiff_t ys,
                             int size);
vn_transpose_fn vn_transpose_c, vn_transpose_avx2;
/* n single elements of `size` bytes, 1, 2, 4 or 8 */
typedef void vn_copy_strided_fn(char *out, const char *x, size_t n, ptrdiff_t xs, ptrdiff_t ys, int size);
vn_copy_strided_fn vn_copy_strided_c, vn_copy_strided_avx2;

/* ---- dispatch: C first, then each level overwrites what it does better; cpu is a mask of enum vn_cpu ----
 */

struct vn_kernels {
    vn_conv_s8_fn *conv_s8, *dwconv_s8;
    vn_conv_f32_fn *conv_f32, *dwconv_f32;
    vn_matmul_s8_fn *matmul_s8;
    vn_conv_s16_fn *conv_s16, *dwconv_s16;
    vn_matmul_s16_fn *matmul_s16;
    vn_binary_s16_fn *binary_s16;
    vn_quantize_s16_fn *quantize_s16;
    vn_dequantize_s16_fn *dequantize_s16;
    vn_rescale_s8_fn *rescale_s8;
    vn_rescale_s8_s16_fn *rescale_s8_s16;
    vn_rescale_s16_s8_fn *rescale_s16_s8;
    vn_rescale_s16_fn *rescale_s16;
    vn_pool_s16_fn *maxpool_s16, *avgpool_s16;
    vn_resize_linear_s8_fn *resize_linear_s8;
    vn_resize_linear_s16_fn *resize_linear_s16;
    vn_resize_linear_f32_fn *resize_linear_f32;
    vn_softmax_s8_fn *softmax_s8;
    vn_softmax_s16_fn *softmax_s16;
    vn_softmax_f32_fn *softmax_f32;
    vn_normalize_s8_fn *normalize_s8;
    vn_normalize_s16_fn *normalize_s16;
    vn_normalize_f32_fn *normalize_f32;
    vn_matmul_f32_fn *matmul_f32;
    vn_binary_s8_fn *binary_s8;
    vn_binary_f32_fn *binary_f32;
    vn_clamp_s8_fn *clamp_s8;
    vn_clamp_f32_fn *clamp_f32;
    vn_table_s8_fn *table_s8;
    vn_quantize_s8_fn *quantize_s8;
    vn_dequantize_s8_fn *dequantize_s8;
    vn_unary_f32_fn *unary_f32;
    vn_squash_f64_fn *squash_f64;
    vn_dots_f64_fn *dots_f64;
    vn_pool_s8_fn *maxpool_s8, *avgpool_s8;
    vn_pool_f32_fn *maxpool_f32, *avgpool_f32;
    vn_preprocess_s8_fn *preprocess_s8;
    vn_preprocess_s16_fn *preprocess_s16;
    vn_region_u8_fn *region_u8;
    vn_copy_rows_fn *copy_rows;
    vn_transpose_fn *transpose;
    vn_copy_strided_fn *copy_strided;
};
uint32_t vn_kernels_cpu(void); /* what this CPU has */
void vn_kernels_init(struct vn_kernels *k, uint32_t cpu);

#endif
