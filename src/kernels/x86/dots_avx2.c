/* kernels/x86/dots_avx2.c - sums of products in float64: lanes are rows, of which four elements are turned
 * at a time. */
#include "kernels/kernels.h"

#include <immintrin.h>

#define GROUPS 2 /* of four rows */

static inline void turn(__m128 v[4]) { _MM_TRANSPOSE4_PS(v[0], v[1], v[2], v[3]); }

static inline __m256d add_product(__m256d y, __m256d x, __m128 w)
{
    return _mm256_add_pd(y, _mm256_mul_pd(x, _mm256_cvtps_pd(w)));
}

static inline __attribute__((always_inline)) void some_rows(const int groups, double *y, const double *x,
                                                            const float *w, size_t n, size_t pitch)
{
    __m256d sum[GROUPS];
    const char *const next = (const char *)(w + (size_t)(4 * groups) * pitch);
    size_t k = 0;
    for (int g = 0; g < groups; g++)
        sum[g] = _mm256_loadu_pd(y + 4 * g);
    for (; k + 4 <= n; k += 4) {
        for (int g = 0; g < groups; g++) {
            _mm_prefetch(next + ((size_t)(4 * groups) * k + 16 * (size_t)g) * sizeof *w, _MM_HINT_T0);
            const float *const row = w + (size_t)(4 * g) * pitch + k;
            __m128 v[4] = { _mm_loadu_ps(row), _mm_loadu_ps(row + pitch), _mm_loadu_ps(row + 2 * pitch),
                            _mm_loadu_ps(row + 3 * pitch) };
            turn(v);
            for (int i = 0; i < 4; i++)
                sum[g] = add_product(sum[g], _mm256_broadcast_sd(x + k + i), v[i]);
        }
    }
    for (; k < n; k++)
        for (int g = 0; g < groups; g++) {
            const float *const row = w + (size_t)(4 * g) * pitch + k;
            const __m128 v = _mm_setr_ps(row[0], row[pitch], row[2 * pitch], row[3 * pitch]);
            sum[g] = add_product(sum[g], _mm256_broadcast_sd(x + k), v);
        }
    for (int g = 0; g < groups; g++)
        _mm256_storeu_pd(y + 4 * g, sum[g]);
}

void vn_dots_f64_avx2(double *y, const double *x, const float *w, size_t rows, size_t n, size_t pitch)
{
    size_t r = 0;
    for (; r + 4 * GROUPS <= rows; r += 4 * GROUPS)
        some_rows(GROUPS, y + r, x, w + r * pitch, n, pitch);
    for (; r + 4 <= rows; r += 4)
        some_rows(1, y + r, x, w + r * pitch, n, pitch);
    vn_dots_f64_c(y + r, x, w + r * pitch, rows - r, n, pitch);
}
