/* kernels/x86/dwconv_s8_avx512.c */
#include "kernels/x86/finish_avx512.h"

/* Lane l of lo has the channels 8l..8l+3, of hi the next four. */
static inline void finish32(void *out, size_t pixel, __m512i lo, __m512i hi, const int32_t *start, int c,
                            int count, const struct vn_conv_s8 *p)
{
    const __m512i first = _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
    const __m512i second = _mm512_add_epi32(first, _mm512_set1_epi32(8));
    const __m512i a = _mm512_add_epi32(_mm512_permutex2var_epi32(lo, first, hi), _mm512_loadu_si512(start));
    finish16_s8(out, pixel, c, a, (size_t)c, low_lanes(min_int(16, count)), p);
    if (count > 16) {
        const __m512i b =
            _mm512_add_epi32(_mm512_permutex2var_epi32(lo, second, hi), _mm512_loadu_si512(start + 16));
        finish16_s8(out, pixel, c + 16, b, (size_t)c + 16, low_lanes(count - 16), p);
    }
}

#define VECTOR __m512i
#define CHANNELS 32
#define WIDEN(p) _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(p)))
#define UNPACK_LO _mm512_unpacklo_epi16
#define UNPACK_HI _mm512_unpackhi_epi16
#define MADD _mm512_madd_epi16
#define ADD _mm512_add_epi32
#define LOAD(p) _mm512_loadu_si512(p)
#define STORE(p, v) _mm512_storeu_si512(p, v)
#define ZERO _mm512_setzero_si512()
#define FINISH finish32
#include "kernels/x86/dwconv_s8_body.h"

VN_DWCONV_S8(vn_dwconv_s8_avx512)
{
    if (p->wide || p->g.kh * p->g.kw > MAX_TAPS)
        vn_dwconv_s8_c(out, x, p, row0, row1, kb0, kb1);
    else
        run(out, x, p, row0, row1, kb0, kb1);
}
