/* num/math.c - exponential functions from a fixed sequence of float32 products and sums: the same bits everywhere, no libm.
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
