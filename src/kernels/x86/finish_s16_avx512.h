/* kernels/x86/finish_s16_avx512.h - sums of int16 products: pairs of factors, and float32 from two parts. */
#ifndef VN_KERNELS_X86_FINISH_S16_AVX512_H
#define VN_KERNELS_X86_FINISH_S16_AVX512_H

#include "kernels/x86/finish_avx512.h"

/* Two neighbours to all lanes. */
static inline __m512i pair_of(const int16_t *x)
{
    int32_t two;
    memcpy(&two, x, sizeof two);
    return _mm512_set1_epi32(two);
}

/* 16 pairs: one of a, one of b. */
static inline __m512i column_of(const int16_t *a, const int16_t *b)
{
    const __m512i from_a = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i from_b = _mm512_slli_epi32(_mm512_add_epi32(from_a, _mm512_set1_epi32(32)), 16);
    return _mm512_permutex2var_epi16(_mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)a)),
                                     _mm512_or_si512(from_a, from_b),
                                     _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)b)));
}

/* high * 65536 + low, rounded once; both have at most 24 bits. */
static inline __m512 join(__m512i high, __m512i low)
{
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(high), _mm512_set1_ps(65536.0f), _mm512_cvtepi32_ps(low));
}

#endif
