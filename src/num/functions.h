/* num/functions.h - functions of one value from a fixed sequence of float32 products and sums: the same bits
 * everywhere, no libm. num/num.h declares them as vn_expf and so on; kernels include this to compute many
 * values at once. Every branch is a choice between two numbers that are both computed, so a compiler can
 * make vectors of them.
 *
 * Range reduction after Cody and Waite (Software Manual for the Elementary Functions, 1980); the polynomials
 * are interpolants at Chebyshev nodes. Largest errors over all floats, measured against float64: see
 * tests/kernel. */
#ifndef VN_NUM_FUNCTIONS_H
#define VN_NUM_FUNCTIONS_H

#include "num/num.h"

#include <math.h>

#define ALWAYS static inline __attribute__((always_inline))

ALWAYS float exp_f32(float x)
{
    const float c = x < 89.0f ? x : 89.0f; /* NaN, too: it must have an exponent */
    const float shifted = c * 1.44269504f + 12582912.0f, n = shifted - 12582912.0f; /* vn_rne */
    const float hi = c - n * 0.693145752f; /* exact: the constant has 15 bits */
    const float r = hi - n * 1.42860677e-06f;
    float p = 0.00139336742f + r * 0.00019891017f;
    p = 0.00833331048f + r * p;
    p = 0.0416664630f + r * p;
    p = 0.166666672f + r * p;
    p = 0.5f + r * p;
    p = 1.0f + (r + (r * r) * p);
    /* n is in the low bits of `shifted`; beyond the largest float, the exponent stays that of infinity */
    uint32_t bits, power;
    memcpy(&bits, &p, sizeof bits);
    memcpy(&power, &shifted, sizeof power);
    const int32_t product = (int32_t)(bits + (power << 23)), infinity = 0x7f800000;
    bits = (uint32_t)(product < infinity ? product : infinity);
    float y;
    memcpy(&y, &bits, sizeof y);
    y = x < -87.3365f ? 0.0f : y; /* the result would be subnormal, or smaller */
    return x != x ? x : y;
}

ALWAYS float sigmoid_f32(float x) { return 1.0f / (1.0f + exp_f32(-x)); }

ALWAYS float tanh_f32(float x)
{
    const float a = x < 0.0f ? -x : x, z = x * x;
    float p = -0.00834378041f + z * 0.00229255762f;
    p = 0.0217688680f + z * p;
    p = -0.0539592542f + z * p;
    p = 0.133333042f + z * p;
    p = -0.333333343f + z * p;
    const float small = x + x * (z * p), part = 1.0f - 2.0f / (exp_f32(2.0f * a) + 1.0f);
    const float t = a > 10.0f ? 1.0f : part;
    float y = x < 0.0f ? -t : t;
    y = a < 0.625f ? small : y;
    y = a < 0.0002f ? x : y; /* the next term is below half an ulp; keeps -0 */
    return x != x ? x : y;
}

/* x = m * 2^e with m in [sqrt(1/2), sqrt(2)); log(m) = 2 atanh(t), t = (m - 1) / (m + 1). */
ALWAYS float log_f32(float x)
{
    const int tiny = x < 1.17549435e-38f;
    const float scaled = tiny ? x * 8388608.0f : x;
    uint32_t bits;
    memcpy(&bits, &scaled, sizeof bits);
    bits -= 0x3f3504f3u; /* sqrt(1/2) */
    const float e = (tiny ? -23.0f : 0.0f) + (float)((int32_t)bits >> 23);
    bits = (bits & 0x007fffffu) + 0x3f3504f3u;
    float m;
    memcpy(&m, &bits, sizeof m);
    const float f = m - 1.0f, t = f / (2.0f + f), z = t * t, half = 0.5f * f * f;
    float p = 0.285714286f + z * 0.222222222f;
    p = 0.4f + z * p;
    p = 0.666666667f + z * p;
    /* log(1 + f) = f - f^2/2 + t (f^2/2 + z p): the large terms are exact or nearly so */
    const float tail = t * (half + z * p);
    float y = e * 0.693145752f + (f - (half - (tail + e * 1.42860677e-06f)));
    y = x == 0.0f ? -INFINITY : y;
    y = x < 0.0f ? NAN : y;
    y = x == INFINITY ? x : y;
    return x != x ? x : y;
}

ALWAYS float log1p_f32(float x)
{
    const float y = 1.0f + x, log = log_f32(y);
    const float whole = log + (x - (y - 1.0f)) / y; /* what the sum lost */
    return y > 0.0f && y < INFINITY ? whole : log;
}

ALWAYS float expm1_f32(float x)
{
    float p = 0.00138888889f + x * 0.000198412698f;
    p = 0.00833333333f + x * p;
    p = 0.0416666667f + x * p;
    p = 0.166666667f + x * p;
    p = 0.5f + x * p;
    const float small = x + (x * x) * p, large = exp_f32(x) - 1.0f;
    const float a = x < 0.0f ? -x : x;
    return a > 0.35f ? large : small;
}

ALWAYS float erf_f32(float x)
{
    const float a = x < 0.0f ? -x : x, z = x * x;
    float p = 0.000112659589f + z * -9.66704374e-06f;
    p = -0.000848408032f + z * p;
    p = 0.00522103161f + z * p;
    p = -0.0268654302f + z * p;
    p = 0.112837821f + z * p;
    p = -0.376126379f + z * p;
    p = 0.128379166f + z * p;
    const float small = x + x * p;
    const float t = 1.0f / (1.0f + 0.5f * a); /* erfc(a) exp(a^2) as a polynomial in t */
    p = -0.0570652001f + t * -0.0536304303f;
    p = 0.403495044f + t * p;
    p = 0.101495415f + t * p;
    p = 0.330757141f + t * p;
    p = 0.273634344f + t * p;
    p = 0.000605118403f + t * p;
    const float part = 1.0f - p * exp_f32(-(a * a)), large = a >= 4.0f ? 1.0f : part;
    const float y = x < 0.0f ? -large : large;
    const float r = a < 1.0f ? small : y;
    return x != x ? x : r;
}

/* max(x, 0) + log(1 + exp(-|x|)) */
ALWAYS float softplus_f32(float x)
{
    const float a = x < 0.0f ? x : -x;
    return (x > 0.0f ? x : 0.0f) + log1p_f32(exp_f32(a));
}

/* tanh(log(1 + e)) = (e^2 + 2 e) / (e^2 + 2 e + 2), e = exp(x) */
ALWAYS float mish_f32(float x)
{
    const float e = exp_f32(x), n = e * (e + 2.0f), y = x * (n / (n + 2.0f));
    const float r = e == 0.0f ? 0.0f * e : y;
    return x > 20.0f ? x : r;
}

ALWAYS float gelu_tanh_f32(float x)
{
    const float u = 0.797884561f * (x + 0.044715f * (x * x * x));
    return 0.5f * x * (1.0f + tanh_f32(u));
}

#undef ALWAYS

#endif
