/* num/functions64.h - functions of one value in float64, as num/functions.h: kernels include this to compute
 * many values at once. */
#ifndef VN_NUM_FUNCTIONS64_H
#define VN_NUM_FUNCTIONS64_H

#include "num/functions.h"

#define VECTORIZED static inline __attribute__((always_inline))

VECTORIZED uint64_t bits_of_f64(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

VECTORIZED double power_of_two_f64(uint64_t n) /* modulo 2^64; -1022 <= n <= 1023 */
{
    const uint64_t bits = (n + 1023) << 52;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* A Taylor series after a reduction of the argument by multiples of ln 2. */
VECTORIZED double exp_f64(double x)
{
    double c = x > -746 ? x : -746; /* NaN, too: it must have an exponent */
    c = c < 710 ? c : 710;
    const double shifted = c * 0x1.71547652b82fep+0 + 0x1.8p52, n = shifted - 0x1.8p52;
    const double r = (c - n * 0x1.62e42fee00000p-1) - n * 0x1.a39ef35793c76p-33;
    double sum = 1;
    _Pragma("GCC unroll 14") for (int k = 14; k > 0; k--) sum = 1 + r * (1.0 / k) * sum;
    /* 2^n in two factors: it may be subnormal */
    const uint64_t power = bits_of_f64(shifted) - bits_of_f64(0x1.8p52), half = ((power + 4096) >> 1) - 2048;
    double y = sum * power_of_two_f64(half) * power_of_two_f64(power - half);
    y = x > 709.8 ? INFINITY : y;
    y = x < -745.2 ? 0 : y;
    return x != x ? x : y;
}

VECTORIZED double exp_minus_1_f64(double x)
{
    double sum = 1;
    _Pragma("GCC unroll 15") for (int k = 16; k > 1; k--) sum = 1 + x * (1.0 / k) * sum;
    const double small = x * sum, large = exp_f64(x) - 1;
    return x > 0.5 || x < -0.5 ? large : small;
}

VECTORIZED double sigmoid_f64(double x)
{
    const double e = exp_f64(x < 0 ? x : -x), top = x < 0 ? e : 1;
    return top / (1 + e);
}

VECTORIZED double tanh_f64(double x)
{
    const double a = x < 0 ? -x : x, e = exp_minus_1_f64(2 * a), part = e / (e + 2);
    const double t = a > 20 ? 1 : part, y = x < 0 ? -t : t;
    return x != x ? x : y;
}

#undef VECTORIZED

#endif
