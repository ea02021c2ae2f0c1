/* kernels/x86/conv_s16_avx2.c - int16 convolution with vpmaddwd. */
#include "kernels/x86/finish_s16_avx2.h"

static inline __m256i four_values(const int16_t *x)
{
    int64_t four;
    memcpy(&four, x, sizeof four);
    return _mm256_set1_epi64x(four);
}

/* 4 exact sums: high * 2^16 + rest + bias. */
static inline __m256d doubles4(__m128i high, __m128i rest, __m128i bias)
{
    const __m256d b = _mm256_add_pd(_mm256_cvtepi32_pd(rest), _mm256_cvtepi32_pd(bias));
    return _mm256_fmadd_pd(_mm256_cvtepi32_pd(high), _mm256_set1_pd(65536.0), b);
}

static inline __m256i bias8(const struct vn_conv_s16 *p, size_t lane, int count)
{
    return _mm256_maskload_epi32(p->bias + lane, low_lanes(count));
}

static inline void finish_lanes(void *out, size_t pixel, int k, __m256i high, __m256i rest, size_t lane,
                                int count, const struct vn_conv_s16 *p)
{
    const __m256i bias = bias8(p, lane, count);
    double sum[8];
    _mm256_storeu_pd(sum, doubles4(_mm256_castsi256_si128(high), _mm256_castsi256_si128(rest),
                                   _mm256_castsi256_si128(bias)));
    _mm256_storeu_pd(sum + 4, doubles4(_mm256_extracti128_si256(high, 1), _mm256_extracti128_si256(rest, 1),
                                       _mm256_extracti128_si256(bias, 1)));
    finish8_s16(out, pixel, k, floats8(sum), p->mult + lane, count, p);
}

static inline __m256i rest_of(__m256i low, __m256i high)
{
    return _mm256_sub_epi32(low, _mm256_slli_epi32(high, 16));
}

/* The two sums of each of 8 channels, added. */
static inline __m256i joined(__m256i a, __m256i b)
{
    return _mm256_permute4x64_epi64(_mm256_hadd_epi32(a, b), 0xd8);
}

static inline void finish_tile(void *out, size_t pixel, int k, const __m256i low[2], const __m256i high[2],
                               size_t lane, int count, const struct vn_conv_s16 *p, int fits)
{
    if (fits) {
        const __m256i sum = _mm256_add_epi32(joined(low[0], low[1]), bias8(p, lane, count));
        finish8_s16(out, pixel, k, _mm256_cvtepi32_ps(sum), p->mult + lane, count, p);
        return;
    }
    const __m256i rest = joined(rest_of(low[0], high[0]), rest_of(low[1], high[1]));
    finish_lanes(out, pixel, k, joined(high[0], high[1]), rest, lane, count, p);
}

/* 8 pairs: one of a, one of b. */
static inline __m256i pairs8(const int16_t *a, const int16_t *b)
{
    const __m128i va = _mm_loadu_si128((const __m128i *)a), vb = _mm_loadu_si128((const __m128i *)b);
    return _mm256_set_m128i(_mm_unpackhi_epi16(va, vb), _mm_unpacklo_epi16(va, vb));
}

#define VECTOR __m256i
#define CHANNELS 8
#define NP 2
#define FOUR(x) four_values(x)
#define WIDE(w) _mm256_loadu_si256((const __m256i *)(w))
#define NARROW(w) _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(w)))
#define PRODUCTS_OF(x, w) _mm256_madd_epi16(x, w)
#define ADD_PRODUCTS(acc, x, w) _mm256_add_epi32(acc, _mm256_madd_epi16(x, w))
#define ADD(a, b) _mm256_add_epi32(a, b)
#define UPPER(a) _mm256_srai_epi32(a, 16)
#define ZERO _mm256_setzero_si256()
#define FINISH(out, pixel, k, low, high, lane, count, p, fits) \
    finish_tile(out, pixel, k, low, high, lane, count, p, fits)
#define DW_LANES 8
#define DW_LOAD(a, b) pairs8(a, b)
#define DW_FINISH(out, pixel, k, low, high, lane, count, p) \
    finish_lanes(out, pixel, k, high, rest_of(low, high), lane, count, p)
#include "kernels/x86/conv_s16_body.h"

VN_CONV_S16(vn_conv_s16_avx2)
{
    const struct job job = job_of(out, x, p);
    dense(&job, row0, row1, kb0, kb1);
}

VN_CONV_S16(vn_dwconv_s16_avx2) { depthwise(out, x, p, row0, row1, kb0, kb1); }
