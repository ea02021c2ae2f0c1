/* num/math.c - functions of one value from a fixed sequence of float32 products and sums: the same bits everywhere, no libm.
 *
 * Range reduction after Cody and Waite (Software Manual for the Elementary Functions, 1980); the polynomials are interpolants
 * at Chebyshev nodes. Largest errors over all floats, measured against float64: see tests/kernel. */
#include "num/num.h"

#include <math.h>

static float power_of_two(int n) /* -126 <= n <= 127 */
{
    const uint32_t bits = (uint32_t)(n + 127) << 23;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

float vn_expf(float x)
{
    if (x != x)
        return x;
    if (x < -87.3365f) /* the result would be subnormal */
        return 0.0f;
    if (x > 89.0f)
        return INFINITY;
    const float n = vn_rne(x * 1.44269504f);
    const float hi = x - n * 0.693145752f; /* exact: the constant has 15 bits */
    const float r = hi - n * 1.42860677e-06f;
    float p = 0.00139336742f + r * 0.00019891017f;
    p = 0.00833331048f + r * p;
    p = 0.0416664630f + r * p;
    p = 0.166666672f + r * p;
    p = 0.5f + r * p;
    p = 1.0f + (r + (r * r) * p);
    /* 2^n in two factors, for n = 128 is beyond a float */
    const int half = (int)n / 2;
    return (p * power_of_two(half)) * power_of_two((int)n - half);
}

float vn_sigmoidf(float x)
{
    return 1.0f / (1.0f + vn_expf(-x));
}

float vn_tanhf(float x)
{
    if (x != x)
        return x;
    const float a = x < 0.0f ? -x : x;
    if (a < 0.0002f) /* the next term is below half an ulp; keeps -0 */
        return x;
    if (a < 0.625f) {
        const float z = x * x;
        float p = -0.00834378041f + z * 0.00229255762f;
        p = 0.0217688680f + z * p;
        p = -0.0539592542f + z * p;
        p = 0.133333042f + z * p;
        p = -0.333333343f + z * p;
        return x + x * (z * p);
    }
    const float t = a > 10.0f ? 1.0f : 1.0f - 2.0f / (vn_expf(2.0f * a) + 1.0f);
    return x < 0.0f ? -t : t;
}

/* x = m * 2^e with m in [sqrt(1/2), sqrt(2)); log(m) = 2 atanh(t), t = (m - 1) / (m + 1). */
float vn_logf(float x)
{
    uint32_t bits;
    float e = 0.0f;
    if (x != x || x == INFINITY)
        return x;
    if (x <= 0.0f)
        return x < 0.0f ? NAN : -INFINITY;
    if (x < 1.17549435e-38f) {
        x *= 8388608.0f;
        e = -23.0f;
    }
    memcpy(&bits, &x, sizeof bits);
    bits -= 0x3f3504f3u; /* sqrt(1/2) */
    e += (float)((int32_t)bits >> 23);
    bits = (bits & 0x007fffffu) + 0x3f3504f3u;
    memcpy(&x, &bits, sizeof x);
    const float f = x - 1.0f, t = f / (2.0f + f), z = t * t, half = 0.5f * f * f;
    float p = 0.285714286f + z * 0.222222222f;
    p = 0.4f + z * p;
    p = 0.666666667f + z * p;
    /* log(1 + f) = f - f^2/2 + t (f^2/2 + z p): the large terms are exact or nearly so */
    const float tail = t * (half + z * p);
    return e * 0.693145752f + (f - (half - (tail + e * 1.42860677e-06f)));
}

float vn_log1pf(float x)
{
    const float y = 1.0f + x;
    if (!(y > 0.0f) || y == INFINITY)
        return vn_logf(y);
    return vn_logf(y) + (x - (y - 1.0f)) / y; /* what the sum lost */
}

float vn_expm1f(float x)
{
    if (x > 0.35f || x < -0.35f)
        return vn_expf(x) - 1.0f;
    float p = 0.00138888889f + x * 0.000198412698f;
    p = 0.00833333333f + x * p;
    p = 0.0416666667f + x * p;
    p = 0.166666667f + x * p;
    p = 0.5f + x * p;
    return x + (x * x) * p;
}

float vn_erff(float x)
{
    if (x != x)
        return x;
    const float a = x < 0.0f ? -x : x;
    if (a < 1.0f) {
        const float z = x * x;
        float p = 0.000112659589f + z * -9.66704374e-06f;
        p = -0.000848408032f + z * p;
        p = 0.00522103161f + z * p;
        p = -0.0268654302f + z * p;
        p = 0.112837821f + z * p;
        p = -0.376126379f + z * p;
        p = 0.128379166f + z * p;
        return x + x * p;
    }
    if (a >= 4.0f)
        return x < 0.0f ? -1.0f : 1.0f;
    const float t = 1.0f / (1.0f + 0.5f * a); /* erfc(a) exp(a^2) as a polynomial in t */
    float p = -0.0570652001f + t * -0.0536304303f;
    p = 0.403495044f + t * p;
    p = 0.101495415f + t * p;
    p = 0.330757141f + t * p;
    p = 0.273634344f + t * p;
    p = 0.000605118403f + t * p;
    const float y = 1.0f - p * vn_expf(-(a * a));
    return x < 0.0f ? -y : y;
}

/* max(x, 0) + log(1 + exp(-|x|)) */
float vn_softplusf(float x)
{
    const float a = x < 0.0f ? x : -x;
    return (x > 0.0f ? x : 0.0f) + vn_log1pf(vn_expf(a));
}

/* tanh(log(1 + e)) = (e^2 + 2 e) / (e^2 + 2 e + 2), e = exp(x) */
float vn_mishf(float x)
{
    if (x > 20.0f)
        return x;
    const float e = vn_expf(x), n = e * (e + 2.0f);
    return e == 0.0f ? 0.0f * e : x * (n / (n + 2.0f));
}

float vn_gelu_tanhf(float x)
{
    const float u = 0.797884561f * (x + 0.044715f * (x * x * x));
    return 0.5f * x * (1.0f + vn_tanhf(u));
}

float vn_powif(float x, int n)
{
    float y = 1.0f;
    for (unsigned k = n < 0 ? -(unsigned)n : (unsigned)n; k; k >>= 1, x *= x)
        if (k & 1)
            y *= x;
    return n < 0 ? 1.0f / y : y;
}
