/* kernels/x86/table_avx512vbmi.c - a permutation by index has 128 entries: one for each sign. */
#include "kernels/kernels.h"

#include <immintrin.h>

struct halves {
    __m512i negative[2], positive[2];
};

static inline __m512i look_up(__m512i x, const struct halves *t)
{
    const __m512i negative = _mm512_permutex2var_epi8(t->negative[0], x, t->negative[1]);
    const __m512i positive = _mm512_permutex2var_epi8(t->positive[0], x, t->positive[1]);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(x), positive, negative);
}

void vn_table_s8_avx512vbmi(int8_t *out, const int8_t *x, size_t n, const int8_t table[256])
{
    const struct halves t = { { _mm512_loadu_si512(table), _mm512_loadu_si512(table + 64) },
                              { _mm512_loadu_si512(table + 128), _mm512_loadu_si512(table + 192) } };
    size_t i = 0;
    for (; i + 64 <= n; i += 64)
        _mm512_storeu_si512(out + i, look_up(_mm512_loadu_si512(x + i), &t));
    const __mmask64 rest = ((__mmask64)1 << (n - i)) - 1;
    _mm512_mask_storeu_epi8(out + i, rest, look_up(_mm512_maskz_loadu_epi8(rest, x + i), &t));
}
