/* kernels/x86/conv_s16_avx512vnni.c - int16 convolution with vpdpwssd. */
#include "kernels/x86/finish_avx512.h"
#include "kernels/x86/ending_s16.h"

static inline __m512i four_values(const int16_t *x)
{
    int64_t four;
    memcpy(&four, x, sizeof four);
    return _mm512_set1_epi64(four);
}

/* 8 exact sums: high * 2^16 + rest + bias. */
static inline __m256 floats8(__m256i high, __m256i rest, __m256i bias)
{
    const __m512d b = _mm512_add_pd(_mm512_cvtepi32_pd(rest), _mm512_cvtepi32_pd(bias));
    return _mm512_cvtpd_ps(_mm512_fmadd_pd(_mm512_cvtepi32_pd(high), _mm512_set1_pd(65536.0), b));
}

static inline __m512 floats16(__m512i high, __m512i rest, __m512i bias)
{
    const __m256 lo =
        floats8(_mm512_castsi512_si256(high), _mm512_castsi512_si256(rest), _mm512_castsi512_si256(bias));
    const __m256 hi = floats8(_mm512_extracti64x4_epi64(high, 1), _mm512_extracti64x4_epi64(rest, 1),
                              _mm512_extracti64x4_epi64(bias, 1));
    return _mm512_insertf32x8(_mm512_castps256_ps512(lo), hi, 1);
}

static inline void store16_s16(int16_t *out, __m256i q, int count)
{
    if (count >= 16)
        _mm256_storeu_si256((__m256i *)out, q);
    else if (count == 8)
        _mm_storeu_si128((__m128i *)out, _mm256_castsi256_si128(q));
    else
        memcpy(out, &q, (size_t)count * sizeof *out);
}

/* The same where `high` and `rest` have 24 bits: both are exact as float32, and the sum is rounded once. */
static inline __m512 few_runs16(__m512i high, __m512i rest, __m512i bias)
{
    const __m512i h = _mm512_add_epi32(high, _mm512_srai_epi32(bias, 16));
    const __m512i r = _mm512_add_epi32(rest, _mm512_and_si512(bias, _mm512_set1_epi32(0xffff)));
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(h), _mm512_set1_ps(65536.0f), _mm512_cvtepi32_ps(r));
}

static inline __m512i rest_of(__m512i low, __m512i high)
{
    return _mm512_sub_epi32(low, _mm512_slli_epi32(high, 16));
}

/* The two sums of each of 16 channels, added. */
static inline __m512i joined(const __m512i sum[2])
{
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    return _mm512_add_epi32(_mm512_permutex2var_epi32(sum[0], even, sum[1]),
                            _mm512_permutex2var_epi32(sum[0], odd, sum[1]));
}

static inline __m512 sum16(const __m512i low[2], const __m512i high[2], __m512i bias, enum ending ending)
{
    if (ending == IN_32_BITS)
        return _mm512_cvtepi32_ps(_mm512_add_epi32(joined(low), bias));
    const __m512i h = joined(high), rest = rest_of(joined(low), h);
    return ending == FEW_RUNS ? few_runs16(h, rest, bias) : floats16(h, rest, bias);
}

/* What ends a sum, the same for all pixels: 16 channels, of which `count` exist. */
struct tail {
    __m512 mult, lo, hi;
    __m512i bias, zero;
    int count, out_f32;
};

static inline struct tail tail_of(const struct vn_conv_s16 *p, size_t lane, int count)
{
    const __mmask16 m = low_lanes(min_int(count, 16));
    return (struct tail){ .mult = _mm512_maskz_loadu_ps(m, p->mult + lane),
                          .lo = _mm512_set1_ps((float)(p->lo - p->zy)),
                          .hi = _mm512_set1_ps((float)(p->hi - p->zy)),
                          .bias = _mm512_maskz_loadu_epi32(m, p->bias + lane),
                          .zero = _mm512_set1_epi32(p->zy),
                          .count = min_int(count, 16),
                          .out_f32 = p->out_f32 };
}

static inline void store16_sums(void *out, size_t at, __m512 sum, const struct tail *e)
{
    const __m512 t = _mm512_mul_ps(sum, e->mult);
    if (e->out_f32) {
        store16_f32((float *)out + at, t, low_lanes(e->count));
        return;
    }
    const __m512i q = _mm512_cvtps_epi32(_mm512_min_ps(_mm512_max_ps(t, e->lo), e->hi));
    const __m256i y = _mm512_cvtepi32_epi16(_mm512_add_epi32(q, e->zero));
    int16_t *const to = (int16_t *)out + at;
    if (e->count == 16)
        _mm256_storeu_si256((__m256i *)to, y);
    else if (e->count == 8)
        _mm_storeu_si128((__m128i *)to, _mm256_castsi256_si128(y));
    else
        memcpy(to, &y, (size_t)e->count * sizeof *to);
}

static inline void finish_pixels(void *out, size_t at, size_t pitch, int n, const __m512i (*low)[2],
                                 const __m512i (*high)[2], const struct tail *tail, enum ending ending)
{
    const struct tail e = *tail;
    for (int i = 0; i < n; i++, at += pitch)
        store16_sums(out, at, sum16(low[i], high[i], e.bias, ending), &e);
}

/* 16 pairs: one of a, one of b. */
static inline __m512i pairs16(const int16_t *a, const int16_t *b)
{
    const __m512i from_a = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i from_b = _mm512_slli_epi32(_mm512_add_epi32(from_a, _mm512_set1_epi32(32)), 16);
    return _mm512_permutex2var_epi16(_mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)a)),
                                     _mm512_or_si512(from_a, from_b),
                                     _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)b)));
}

#define VECTOR __m512i
#define CHANNELS 16
#define NP 4
#define FOUR(x) four_values(x)
#define WIDE(w) _mm512_loadu_si512(w)
#define NARROW(w) _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(w)))
#define PRODUCTS_OF(x, w) _mm512_madd_epi16(x, w)
#define ADD_PRODUCTS(acc, x, w) _mm512_dpwssd_epi32(acc, x, w)
#define ADD(a, b) _mm512_add_epi32(a, b)
#define UPPER(a) _mm512_srai_epi32(a, 16)
#define ZERO _mm512_setzero_si512()
#define DW_LANES 16
#define DW_LOAD(a, b) pairs16(a, b)
#define DW_FINISH(out, at, low, high, tail) \
    store16_sums(out, at, few_runs16(high, rest_of(low, high), (tail)->bias), tail)
#include "kernels/x86/conv_s16_body.h"

VN_CONV_S16(vn_conv_s16_avx512vnni)
{
    const struct job job = job_of(out, x, p);
    dense(&job, row0, row1, kb0, kb1);
}

VN_CONV_S16(vn_dwconv_s16_avx512vnni) { depthwise(out, x, p, row0, row1, kb0, kb1); }
