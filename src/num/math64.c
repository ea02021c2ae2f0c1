/* num/math64.c - functions of one value in float64 from a fixed sequence of products and sums: the same bits
 * everywhere, no libm.
 *
 * Taylor series after a reduction of the argument; speed does not matter here. Angles beyond 2^20 are reduced
 * with the bits of 2/pi that matter for the exponent (Payne and Hanek, "Radian reduction for trigonometric
 * functions", SIGNUM 1983). */
#include <math.h>

#include "num/functions64.h"

#define LN2_HI 0x1.62e42fee00000p-1
#define LN2_LO 0x1.a39ef35793c76p-33

/* Round half to even; |x| < 2^51. */
static double nearest(double x) { return (x + 0x1.8p52) - 0x1.8p52; }

double vn_exp(double x) { return exp_f64(x); }

double vn_log(double x)
{
    if (x != x || x == INFINITY)
        return x;
    if (x <= 0)
        return x < 0 ? NAN : -INFINITY;
    int e = 0;
    if (x < 0x1p-1022) {
        x *= 0x1p54;
        e = -54;
    }
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits -= 0x3fe6a09e667f3bcdu; /* sqrt(1/2) */
    e += (int)((int64_t)bits >> 52);
    bits = (bits & 0xfffffffffffffu) + 0x3fe6a09e667f3bcdu;
    memcpy(&x, &bits, sizeof x);
    const double t = (x - 1) / (x + 1), z = t * t;
    double sum = 0;
    for (int k = 23; k >= 3; k -= 2)
        sum = z * (1.0 / k + sum);
    return e * LN2_HI + (2 * t + (2 * t * sum + e * LN2_LO));
}

/* y an integer? odd? */
static int whole(double y) { return y - y == 0 && (y >= 0x1p52 || y <= -0x1p52 || nearest(y) == y); }
static int odd(double y) { return y < 0x1p53 && y > -0x1p53 && ((int64_t)y & 1); }

static double whole_power(double x, double n) /* n whole, |n| <= 1024 */
{
    double y = 1;
    for (int k = n < 0 ? (int)-n : (int)n; k; k >>= 1, x *= x)
        if (k & 1)
            y *= x;
    return n < 0 ? 1 / y : y;
}

double vn_pow(double x, double y)
{
    if (y == 0 || x == 1)
        return 1;
    if (x != x || y != y)
        return NAN;
    if (y == 0.5 && x >= 0)
        return sqrt(x);
    if (whole(y) && y >= -1024 && y <= 1024)
        return whole_power(x, y);
    const double a = x < 0 ? -x : x;
    if (y - y != 0) /* infinite */
        return a == 1 ? 1 : (a > 1) == (y > 0) ? INFINITY : 0;
    if (x < 0 && !whole(y) && a != INFINITY)
        return NAN;
    const double p = a == 0          ? (y > 0 ? 0 : INFINITY)
                     : a == INFINITY ? (y > 0 ? INFINITY : 0)
                                     : vn_exp(y * vn_log(a));
    return x < 0 && odd(y) ? -p : p;
}

/* ---- angles ---- */

/* 2/pi behind the binary point, after 64 zeros. */
static const uint32_t two_over_pi[] = {
    0,          0,          0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041,
    0xfe5163ab, 0xdebbc561, 0xb7246e3a, 0x424dd2e0, 0x06492eea, 0x09d1921c, 0xfe1deb1c, 0xb129a73e,
    0xe88235f5, 0x2ebb4484, 0xe99c7026, 0xb45f7e41, 0x3991d639, 0x835339f4, 0x9c845f8b, 0xbdf9283b,
    0x1ff897ff, 0xde05980f, 0xef2f118b, 0x5a0a6d1f, 0x6d367ecf, 0x27cb09b7, 0x4f463f66, 0x9e5fea2d,
    0x7527bac7, 0xebe5f17b, 0x3d0739f7, 0x8a5292ea, 0x6bfb5fb1, 0x1f8d5d08, 0x56033046,
};

/* 256 bits of the table from bit `first` on. */
static void table_bits(uint64_t window[4], int first)
{
    for (int k = 0; k < 4; k++) {
        window[k] = 0;
        for (int j = 0; j < 64; j++) {
            const int at = first + 64 * k + j;
            window[k] = window[k] << 1 | (at / 32 < 39 ? two_over_pi[at / 32] >> (31 - at % 32) & 1 : 0);
        }
    }
}

/* The low 256 bits of window * m. */
static void multiply(uint64_t product[4], const uint64_t window[4], uint64_t m)
{
    unsigned __int128 carry = 0;
    for (int k = 3; k >= 0; k--) {
        carry += (unsigned __int128)window[k] * m;
        product[k] = (uint64_t)carry;
        carry >>= 64;
    }
}

/* a = m * 2^e, m an integer of 53 bits: multiplied by 2/pi from the bit on whose weight, times 2^e, is at
 * most 2^2. The product's top two bits are the quadrant; above them are whole turns. */
static int reduce_large(double a, double *r)
{
    uint64_t bits, window[4], product[4];
    memcpy(&bits, &a, sizeof bits);
    const int e = (int)(bits >> 52) - 1075;
    table_bits(window, e - 2 + 64);
    multiply(product, window, (bits & 0xfffffffffffffu) | 1ull << 52);
    int quadrant = (int)(product[0] >> 62);
    const uint64_t fraction = product[0] << 2 | product[1] >> 62, below = product[1] << 2;
    double f = (double)(int64_t)(fraction >> 1) * 0x1p-63 + (double)below * 0x1p-128;
    if (fraction >> 63) {
        quadrant++;
        f = -((double)(int64_t)(~fraction >> 1) * 0x1p-63);
    }
    *r = f * 0x1.921fb54442d18p+0;
    return quadrant;
}

/* x = quadrant * pi/2 + *r, |*r| <= pi/4. */
static int reduce(double x, double *r)
{
    const double a = x < 0 ? -x : x;
    if (a < 0x1p20) {
        const double n = nearest(x * 0x1.45f306dc9c883p-1);
        *r = ((x - n * 0x1.921fb54400000p+0) - n * 0x1.0b4611a600000p-34) - n * 0x1.3198a2e037073p-69;
        return (int)((int64_t)n & 3);
    }
    const int quadrant = reduce_large(a, r);
    if (x >= 0)
        return quadrant & 3;
    *r = -*r;
    return -quadrant & 3;
}

/* sum of (-z)^k / (first ... ) : sin(r)/r for first = 2, cos(r) for first = 1 */
static double series(double z, int first)
{
    double sum = 1;
    for (int k = first + 18; k >= first; k -= 2)
        sum = 1 - z / (k * (k + 1)) * sum;
    return sum;
}

static double turned(double x, int quadrants)
{
    double r;
    if (x - x != 0)
        return NAN;
    const int q = (reduce(x, &r) + quadrants) & 3;
    const double v = q & 1 ? series(r * r, 1) : r * series(r * r, 2);
    return q & 2 ? -v : v;
}

double vn_sin(double x) { return turned(x, 0); }
double vn_cos(double x) { return turned(x, 1); }
double vn_tan(double x) { return vn_sin(x) / vn_cos(x); }

double vn_atan(double x)
{
    const double a = x < 0 ? -x : x;
    if (x != x || a < 1e-9)
        return x;
    double base = 0, t = a;
    if (a > 2.414213562373095) {
        base = 0x1.921fb54442d18p+0;
        t = -1 / a;
    } else if (a > 0.4142135623730951) {
        base = 0x1.921fb54442d18p-1;
        t = (a - 1) / (a + 1);
    }
    /* once more by halves: atan(t) = 2 atan(t / (1 + sqrt(1 + t^2))) */
    t = t / (1 + sqrt(1 + t * t));
    double sum = 0;
    for (int k = 23; k >= 1; k -= 2)
        sum = 1.0 / k - t * t * sum;
    const double v = base + 2 * t * sum;
    return x < 0 ? -v : v;
}

double vn_asin(double x)
{
    if (!(x >= -1 && x <= 1))
        return NAN;
    return x == 1 || x == -1 ? x * 0x1.921fb54442d18p+0 : vn_atan(x / sqrt((1 - x) * (1 + x)));
}

double vn_acos(double x)
{
    if (!(x >= -1 && x <= 1))
        return NAN;
    return x == -1 ? 0x1.921fb54442d18p+1 : 2 * vn_atan(sqrt((1 - x) / (1 + x)));
}

/* ---- by exponentials ---- */

static double log_plus_1(double x)
{
    const double y = 1 + x;
    return y == 1 ? x : y - y != 0 || y <= 0 ? vn_log(y) : vn_log(y) + (x - (y - 1)) / y;
}

double vn_sinh(double x)
{
    const double a = x < 0 ? -x : x, e = vn_exp(a / 2); /* halves: exp(a) may pass the range */
    const double v = a > 1 ? (e / 2) * e - 1 / (2 * e) / e : (exp_minus_1_f64(a) - exp_minus_1_f64(-a)) / 2;
    return x < 0 ? -v : v;
}

double vn_cosh(double x)
{
    const double e = vn_exp((x < 0 ? -x : x) / 2);
    return (e / 2) * e + 1 / (2 * e) / e;
}

double vn_tanh(double x) { return tanh_f64(x); }

double vn_asinh(double x)
{
    const double a = x < 0 ? -x : x;
    const double v =
        a > 1e8 ? vn_log(a) + 0x1.62e42fefa39efp-1 : log_plus_1(a + a * a / (1 + sqrt(a * a + 1)));
    return x < 0 ? -v : v;
}

double vn_acosh(double x)
{
    return !(x >= 1) ? NAN
           : x > 1e8 ? vn_log(x) + 0x1.62e42fefa39efp-1
                     : log_plus_1((x - 1) + sqrt((x - 1) * (x + 1)));
}

double vn_atanh(double x)
{
    const double a = x < 0 ? -x : x;
    if (!(a <= 1))
        return NAN;
    const double v = a == 1 ? INFINITY : log_plus_1(2 * a / (1 - a)) / 2;
    return x < 0 ? -v : v;
}
