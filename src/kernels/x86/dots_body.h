/* kernels/x86/dots_body.h - vn_dots_f64: lanes are rows, which lie side by side. A pass over k
 * takes as many rows as registers hold, so that each sum stays in its register.
 * The file that includes this defines NAME, LANES, WIDEN(LANES floats at p), and UNITS, the registers of a
 * pass. */
#include <immintrin.h>

#include "kernels/kernels.h"

#define AHEAD 8 /* weights stream from memory farther away: rows of k to ask for before they are needed */

#define EACH_UNIT(u, n) _Pragma("GCC unroll 16") for (int u = 0; u < (n); u++)

typedef double lanes_f64 __attribute__((vector_size(8 * LANES), aligned(8), may_alias));

static inline __attribute__((always_inline)) void pass(const int units, double *y, const double *x,
                                                       const float *w, size_t n, size_t pitch)
{
    lanes_f64 sum[UNITS];
    EACH_UNIT(u, units)
    sum[u] = ((const lanes_f64 *)y)[u];
    for (size_t k = 0; k < n; k++, w += pitch)
        EACH_UNIT(u, units)
        {
            if (u * LANES % 16 == 0)
                _mm_prefetch((const char *)(w + AHEAD * pitch + u * LANES), _MM_HINT_T0);
            sum[u] += x[k] * (lanes_f64)WIDEN(w + u * LANES);
        }
    EACH_UNIT(u, units)
    ((lanes_f64 *)y)[u] = sum[u];
}

void NAME(double *y, const double *x, const float *w, size_t rows, size_t n, size_t pitch)
{
    size_t r = 0;
    for (; r + UNITS * LANES <= rows; r += UNITS * LANES)
        pass(UNITS, y + r, x, w + r, n, pitch);
    for (; r + 4 * LANES <= rows; r += 4 * LANES)
        pass(4, y + r, x, w + r, n, pitch);
    for (; r + LANES <= rows; r += LANES)
        pass(1, y + r, x, w + r, n, pitch);
    vn_dots_f64_c(y + r, x, w + r, rows - r, n, pitch);
}
