/* kernels/x86/table_avx2.c - 256 bytes in 16 rows of 16: each row gives the results whose index lies in it,
 * zero elsewhere. */
#include "kernels/kernels.h"

#include <immintrin.h>
#include <string.h>

static inline __m256i look_up(__m256i x, const int8_t *table)
{
    const __m256i at = _mm256_xor_si256(x, _mm256_set1_epi8(-128));
    __m256i y = _mm256_setzero_si256();
    _Pragma("GCC unroll 16") for (int row = 0; row < 16; row++)
    {
        const __m256i entries =
            _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(table + row * 16)));
        const __m256i from = _mm256_sub_epi8(at, _mm256_set1_epi8((char)(row * 16)));
        /* 0x70 more: the sign bit, which gives zero, is set for all from 16 on */
        y = _mm256_or_si256(y, _mm256_shuffle_epi8(entries, _mm256_adds_epu8(from, _mm256_set1_epi8(0x70))));
    }
    return y;
}

void vn_table_s8_avx2(int8_t *out, const int8_t *x, size_t n, const int8_t table[256])
{
    size_t i = 0;
    for (; i + 32 <= n; i += 32)
        _mm256_storeu_si256((__m256i *)(out + i),
                            look_up(_mm256_loadu_si256((const __m256i *)(x + i)), table));
    vn_table_s8_c(out + i, x + i, n - i, table);
}
