/* kernels/x86/dwconv_s8_avx2.c */
#include "kernels/x86/finish_avx2.h"

/* Lane l of lo has the channels 8l..8l+3, of hi the next four. */
static inline void finish16(void *out, size_t pixel, __m256i lo, __m256i hi, const int32_t *start, int c,
                            int count, const struct vn_conv_s8 *p)
{
    const __m256i start0 = _mm256_loadu_si256((const __m256i *)start),
                  start1 = _mm256_loadu_si256((const __m256i *)(start + 8));
    const __m256i a = _mm256_add_epi32(_mm256_permute2x128_si256(lo, hi, 0x20), start0);
    const __m256i b = _mm256_add_epi32(_mm256_permute2x128_si256(lo, hi, 0x31), start1);
    finish8_s8(out, pixel, c, a, (size_t)c, count, p);
    if (count > 8)
        finish8_s8(out, pixel, c + 8, b, (size_t)c + 8, count - 8, p);
}

#define VECTOR __m256i
#define CHANNELS 16
#define WIDEN(p) _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(p)))
#define UNPACK_LO _mm256_unpacklo_epi16
#define UNPACK_HI _mm256_unpackhi_epi16
#define MADD _mm256_madd_epi16
#define ADD _mm256_add_epi32
#define LOAD(p) _mm256_loadu_si256((const __m256i *)(p))
#define STORE(p, v) _mm256_storeu_si256((__m256i *)(p), v)
#define ZERO _mm256_setzero_si256()
#define FINISH finish16
#include "kernels/x86/dwconv_s8_body.h"

VN_DWCONV_S8(vn_dwconv_s8_avx2)
{
    if (p->wide || p->g.kh * p->g.kw > MAX_TAPS)
        vn_dwconv_s8_c(out, x, p, row0, row1, kb0, kb1);
    else
        run(out, x, p, row0, row1, kb0, kb1);
}
