/* num/num.h - what integers and rounding mean, everywhere. The only definition of each; docs/numerics.md
 * explains them.
 *
 * Everything here gives the same bits on every IEEE-754 CPU: no libm, no contraction, no excess precision.
 */
#ifndef VN_NUM_H
#define VN_NUM_H

#include <stdint.h>
#include <string.h>

/* Round half to even; |x| < 2^22. */
static inline float vn_rne(float x)
{
    const float magic = 12582912.0f; /* 1.5 * 2^23: the sum has no fraction bits left */
    return (x + magic) - magic;
}

/* The same as an integer, |x| < 2^22: one instruction where the compiler knows it. */
#if defined(__AVX2__) && !defined(__clang__)
static inline int32_t vn_rne_int(float x) { return __builtin_irintf(x); }
#else
static inline int32_t vn_rne_int(float x) { return (int32_t)vn_rne(x); }
#endif

/* sat(rne(t) + z) to [lo, hi]; clamps in float first, NaN gives lo. hi - lo < 2^17. */
static inline int32_t vn_sat_rne(float t, int32_t z, int32_t lo, int32_t hi)
{
    const float a = (float)(lo - z), b = (float)(hi - z);
    t = t > a ? t : a;
    t = t < b ? t : b;
    return vn_rne_int(t) + z;
}

/* q = sat(rne(x / s) + z) */
static inline int32_t vn_quantize(float x, float s, int32_t z, int32_t lo, int32_t hi)
{
    return vn_sat_rne(x / s, z, lo, hi);
}

static inline float vn_dequantize(int32_t q, float s, int32_t z) { return (float)(q - z) * s; }

/* Linear operators: y = sat(rne((float)acc * m) + zy); acc is exact. */
static inline float vn_requant_mult(float sa, float sb, float sy) { return (sa * sb) / sy; }
static inline int32_t vn_requantize(int64_t acc, float m, int32_t zy, int32_t lo, int32_t hi)
{
    return vn_sat_rne((float)acc * m, zy, lo, hi);
}

/* Rescale (Concat, Requantize): y = sat(rne((float)(q - z) * (s/sy)) + zy) */
static inline int32_t vn_rescale(int32_t q, int32_t z, float ratio, int32_t zy, int32_t lo, int32_t hi)
{
    return vn_sat_rne((float)(q - z) * ratio, zy, lo, hi);
}

/* Mul: m = (sa*sb)/sy. */
static inline int32_t vn_mul(int32_t a, int32_t za, int32_t b, int32_t zb, float m, int32_t zy, int32_t lo,
                             int32_t hi)
{
    return vn_sat_rne((float)((a - za) * (b - zb)) * m, zy, lo, hi);
}

/* Div: m = (sa/sb)/sy. A divisor of 0 gives the end of the range, 0 by 0 the lower one. */
static inline int32_t vn_div(int32_t a, int32_t za, int32_t b, int32_t zb, float m, int32_t zy, int32_t lo,
                             int32_t hi)
{
    const float t = (float)(a - za) / (float)(b - zb);
    return vn_sat_rne(t * m, zy, lo, hi);
}

/* PRelu: x from zero on is rescaled (ratio = sx/sy), below it is multiplied (m = (sx*ss)/sy). */
static inline int32_t vn_prelu(int32_t x, int32_t zx, int32_t slope, int32_t zs, float ratio, float m,
                               int32_t zy, int32_t lo, int32_t hi)
{
    return x < zx ? vn_mul(x, zx, slope, zs, m, zy, lo, hi) : vn_rescale(x, zx, ratio, zy, lo, hi);
}

/* AveragePool: sum over (q - z) of `count` elements; ratio is sx/sy. */
static inline int32_t vn_average(int32_t sum, int32_t count, float ratio, int32_t zy, int32_t lo, int32_t hi)
{
    float t = (float)sum * ratio;
    t = t / (float)count;
    return vn_sat_rne(t, zy, lo, hi);
}

/* A region of an image, resized along an axis from `from` to `to` pixels: what output pixel i is made of. */
struct vn_tap {
    int at; /* the first of two neighbours */
    int weight; /* of the second, in units of 2^-11; 0: there is none */
};
static inline struct vn_tap vn_region_tap(int i, int from, int to)
{
    const int64_t twice = 2 * (int64_t)to, p = (2 * (int64_t)i + 1) * from - to;
    const int64_t at = p < 0 ? 0 : p / twice;
    if (p < 0 || at >= from - 1)
        return (struct vn_tap){ p < 0 ? 0 : from - 1, 0 };
    const int weight = (int)(((p - at * twice) * 2048 + to) / twice);
    return weight == 2048 ? (struct vn_tap){ (int)at + 1, 0 } : (struct vn_tap){ (int)at, weight };
}
/* Of two rows of two neighbours. */
static inline uint8_t vn_region_pixel(int left, int right, int lower_left, int lower_right, int x, int y)
{
    const int upper = left * (2048 - x) + right * x, lower = lower_left * (2048 - x) + lower_right * x;
    return (uint8_t)((upper * (2048 - y) + lower * y + (1 << 21)) >> 22);
}

/* Softmax: table[d] = rne(exp(-d * sx) * 2^24), d = max - q >= 0; sum of the table's values, exact. inv =
 * 1/sy. */
static inline int32_t vn_softmax(uint32_t entry, uint64_t sum, float inv, int32_t zy, int32_t lo, int32_t hi)
{
    const double p = (double)entry / (double)sum;
    return vn_sat_rne((float)p * inv, zy, lo, hi);
}
void vn_softmax_table(uint32_t table[256],
                      float sx); /* float64, at compile time (num/table.c, toolchain only) */

/* The same for 16 bits: exp(-d * sx) in units of 2^-30 is the product of two entries, table[d / 256] and
 * table[256 + d % 256]. */
#define VN_SOFTMAX16_ENTRIES 512
static inline uint32_t vn_softmax16_entry(const uint32_t *table, uint32_t d)
{
    return (uint32_t)(((uint64_t)table[d >> 8] * table[256 + (d & 255)] + (1u << 29)) >> 30);
}
void vn_softmax16_table(uint32_t table[VN_SOFTMAX16_ENTRIES], float sx);

/* Normalization of a row of n numbers: with sum = sum(q - z) and squares = sum((q - z)^2), exact in 64 bits
 * for n <= VN_NORM_MOST, d = n * (q - z) - sum,  v = n * squares - sum^2       (sum = 0 where the mean stays,
 * as in RMSNormalization) y = sat(rne((float)(d * vn_norm_factor(...)) * (scale/sy) + bias/sy) + zy) no fused
 * multiply-add d is an integer below 2^53. */
#define VN_NORM_MOST 32768
static inline double vn_norm_factor(int64_t n, int64_t v, float sx, double epsilon)
{
    const double s = (double)sx, count = (double)n;
    const double variance = (double)v / (count * count) * (s * s) + epsilon;
    return s / (count * __builtin_sqrt(variance));
}
static inline int32_t vn_norm(double d, double factor, float scale, float bias, int32_t zy, int32_t lo,
                              int32_t hi)
{
    const float t = (float)(d * factor);
    return vn_sat_rne(t * scale + bias, zy, lo, hi);
}

/* Linear resize: weights in units of 2^-bits along each axis; acc = sum (q - z) * wy * wx. */
#define VN_RESIZE_BITS 11 /* int8 */
#define VN_RESIZE16_BITS 15 /* int16 */
static inline float vn_resize_mult(float ratio, int bits)
{
    return ratio * (1.0f / (float)(1 << (2 * bits)));
}
static inline int32_t vn_resize_linear(int64_t acc, int bits, float ratio, int32_t zy, int32_t lo, int32_t hi)
{
    return vn_sat_rne((float)acc * vn_resize_mult(ratio, bits), zy, lo, hi);
}

/* a * b + c with one rounding, from float64 arithmetic. */
static inline float vn_fma_soft(float a, float b, float c)
{
    const double p = (double)a * (double)b; /* exact: 48 bits */
    double s = p + (double)c;
    const double t = s - p;
    const double err =
        (p - (s - t)) + ((double)c - t); /* exact rounding error of s; NaN where s is not finite */
    if (err < 0.0 || err > 0.0) { /* round to odd, so that the conversion to float rounds once */
        uint64_t u;
        memcpy(&u, &s, sizeof u);
        if (!(u & 1)) {
            u += (err > 0) == (s > 0) ? 1 : (uint64_t)-1;
            memcpy(&s, &u, sizeof s);
        }
    }
    return (float)s;
}

/* The same by the compiler's own where the target has the instruction. */
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
static inline float vn_fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
#else
static inline float vn_fma(float a, float b, float c) { return vn_fma_soft(a, b, c); }
#endif

/* Add: ra = sa/sy, rb = sb/sy, of the first and the second input; the zero points go into one constant (as in
 * onnxruntime's kernel, whose results these are). */
static inline float vn_add_fixed(int32_t za, float ra, int32_t zb, float rb, int32_t zy)
{
    return (float)zy - (ra * (float)za + rb * (float)zb);
}
static inline int32_t vn_add(int32_t a, float ra, int32_t b, float rb, float fixed, int32_t lo, int32_t hi)
{
    return vn_sat_rne(vn_fma((float)a, ra, vn_fma((float)b, rb, fixed)), 0, lo, hi);
}

/* Our own transcendental functions (num/math.c; more in num/functions.h): float32, products and sums in a
 * fixed order, no fused operations. */
float vn_expf(float x); /* 0 below -87.3, +inf above 88.7; within 2 ulp */
float vn_logf(float x); /* within 2 ulp */
float vn_powif(float x,
               int n); /* n multiplications by squaring, from the lowest bit up; n < 0: 1 over that */

/* The same in float64, for functions whose speed does not matter (num/math64.c): within 1e-14 relative where
 * nothing is said. */
double vn_exp(double x);
double vn_log(double x);
double vn_pow(double x, double y); /* as C's pow; 1e-12 */
double vn_sin(double x); /* 1e-14 absolute */
double vn_cos(double x);
double vn_tan(double x);
double vn_asin(double x);
double vn_acos(double x);
double vn_atan(double x);
double vn_sinh(double x);
double vn_cosh(double x);
double vn_tanh(double x);
double vn_asinh(double x);
double vn_acosh(double x);
double vn_atanh(double x);

float vn_f16_to_f32(uint16_t h);
uint16_t vn_f32_to_f16(float f); /* round half to even */
float vn_bf16_to_f32(uint16_t h);
uint16_t vn_f32_to_bf16(float f);

/* To an integer, in float32: exact for every x; halves to even, up, and down. */
static inline float vn_rintf(float x)
{
    const float a = x < 0.0f ? -x : x;
    if (!(a < 8388608.0f)) /* 2^23: no fraction bits; NaN */
        return x;
    const float r = (a + 8388608.0f) - 8388608.0f;
    return x < 0.0f ? -r : r;
}
static inline float vn_floorf(float x)
{
    const float r = vn_rintf(x);
    return r > x ? r - 1.0f : r;
}
static inline float vn_ceilf(float x)
{
    const float r = vn_rintf(x);
    return r < x ? r + 1.0f : r;
}

#endif
