/* kernels/x86/conv_s16_avx2.c - int16 convolution with vpmaddwd. */
#include "kernels/x86/finish_s16_avx2.h"
#include "kernels/x86/ending_s16.h"

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

static inline __m256 many_runs8(__m256i high, __m256i rest, __m256i bias)
{
    double sum[8];
    _mm256_storeu_pd(sum, doubles4(_mm256_castsi256_si128(high), _mm256_castsi256_si128(rest),
                                   _mm256_castsi256_si128(bias)));
    _mm256_storeu_pd(sum + 4, doubles4(_mm256_extracti128_si256(high, 1), _mm256_extracti128_si256(rest, 1),
                                       _mm256_extracti128_si256(bias, 1)));
    return floats8(sum);
}

/* The same where `high` and `rest` have 24 bits: both are exact as float32, and the sum is rounded once. */
static inline __m256 few_runs8(__m256i high, __m256i rest, __m256i bias)
{
    const __m256i h = _mm256_add_epi32(high, _mm256_srai_epi32(bias, 16));
    const __m256i r = _mm256_add_epi32(rest, _mm256_and_si256(bias, _mm256_set1_epi32(0xffff)));
    return _mm256_fmadd_ps(_mm256_cvtepi32_ps(h), _mm256_set1_ps(65536.0f), _mm256_cvtepi32_ps(r));
}

static inline __m256i rest_of(__m256i low, __m256i high)
{
    return _mm256_sub_epi32(low, _mm256_slli_epi32(high, 16));
}

/* The two sums of each of 8 channels, added. */
static inline __m256i joined(const __m256i sum[2])
{
    return _mm256_permute4x64_epi64(_mm256_hadd_epi32(sum[0], sum[1]), 0xd8);
}

static inline __m256 sum8(const __m256i low[2], const __m256i high[2], __m256i bias, enum ending ending)
{
    if (ending == IN_32_BITS)
        return _mm256_cvtepi32_ps(_mm256_add_epi32(joined(low), bias));
    const __m256i h = joined(high), rest = rest_of(joined(low), h);
    return ending == FEW_RUNS ? few_runs8(h, rest, bias) : many_runs8(h, rest, bias);
}

/* What ends a sum, the same for all pixels: 8 channels, of which `count` exist. */
struct tail {
    __m256 mult, lo, hi;
    __m256i bias, zero;
    int count, out_f32;
};

static inline struct tail tail_of(const struct vn_conv_s16 *p, size_t lane, int count)
{
    const __m256i m = low_lanes(count);
    return (struct tail){ .mult = _mm256_maskload_ps(p->mult + lane, m),
                          .lo = _mm256_set1_ps((float)(p->lo - p->zy)),
                          .hi = _mm256_set1_ps((float)(p->hi - p->zy)),
                          .bias = _mm256_maskload_epi32(p->bias + lane, m),
                          .zero = _mm256_set1_epi32(p->zy),
                          .count = count,
                          .out_f32 = p->out_f32 };
}

static inline void store8_sums(void *out, size_t at, __m256 sum, const struct tail *e)
{
    const __m256 t = _mm256_mul_ps(sum, e->mult);
    if (e->out_f32) {
        store8_f32((float *)out + at, t, e->count);
        return;
    }
    const __m256i q = _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(t, e->lo), e->hi));
    store8_s16((int16_t *)out + at, _mm256_add_epi32(q, e->zero), e->count);
}

static inline void finish_pixels(void *out, size_t at, size_t pitch, int n, const __m256i (*low)[2],
                                 const __m256i (*high)[2], const struct tail *tail, enum ending ending)
{
    const struct tail e = *tail;
    for (int i = 0; i < n; i++, at += pitch)
        store8_sums(out, at, sum8(low[i], high[i], e.bias, ending), &e);
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
#define DW_LANES 8
#define DW_LOAD(a, b) pairs8(a, b)
#define DW_FINISH(out, at, low, high, tail) \
    store8_sums(out, at, few_runs8(high, rest_of(low, high), (tail)->bias), tail)
#include "kernels/x86/conv_s16_body.h"

VN_CONV_S16(vn_conv_s16_avx2)
{
    const struct job job = job_of(out, x, p);
    dense(&job, row0, row1, kb0, kb1);
}

VN_CONV_S16(vn_dwconv_s16_avx2) { depthwise(out, x, p, row0, row1, kb0, kb1); }
