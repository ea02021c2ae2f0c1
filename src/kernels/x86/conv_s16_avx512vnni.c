/* kernels/x86/conv_s16_avx512vnni.c - int16 convolution with vpdpwssd. */
#include "kernels/x86/finish_avx512.h"

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

static inline __m512i bias16(const struct vn_conv_s16 *p, size_t lane, int count)
{
    return _mm512_maskz_loadu_epi32(low_lanes(min_int(count, 16)), p->bias + lane);
}

/* Channels [k, k + count) of a pixel, 16 at most, from their sums with the bias; mult is at `lane`. */
static inline void store_sums(void *out, size_t pixel, int k, __m512 sum, size_t lane, int count,
                              const struct vn_conv_s16 *p)
{
    const __mmask16 m = low_lanes(min_int(count, 16));
    const __m512 t = _mm512_mul_ps(sum, _mm512_maskz_loadu_ps(m, p->mult + lane));
    const size_t at = out_at(&p->g, pixel, k);
    if (p->out_f32) {
        store16_f32((float *)out + at, t, m);
        return;
    }
    const __m512i q = _mm512_add_epi32(round16(t, p->zy, p->lo, p->hi), _mm512_set1_epi32(p->zy));
    store16_s16((int16_t *)out + at, _mm512_cvtepi32_epi16(q), count);
}

static inline void finish16_s16(void *out, size_t pixel, int k, __m512i high, __m512i rest, size_t lane,
                                int count, const struct vn_conv_s16 *p)
{
    store_sums(out, pixel, k, floats16(high, rest, bias16(p, lane, count)), lane, count, p);
}

static inline __m512i rest_of(__m512i low, __m512i high)
{
    return _mm512_sub_epi32(low, _mm512_slli_epi32(high, 16));
}

/* The two sums of each of 16 channels, added. */
static inline __m512i joined(__m512i a, __m512i b)
{
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    return _mm512_add_epi32(_mm512_permutex2var_epi32(a, even, b), _mm512_permutex2var_epi32(a, odd, b));
}

static inline void finish_tile(void *out, size_t pixel, int k, const __m512i low[2], const __m512i high[2],
                               size_t lane, int count, const struct vn_conv_s16 *p, int fits)
{
    if (fits) {
        const __m512i sum = _mm512_add_epi32(joined(low[0], low[1]), bias16(p, lane, count));
        store_sums(out, pixel, k, _mm512_cvtepi32_ps(sum), lane, count, p);
        return;
    }
    const __m512i rest = joined(rest_of(low[0], high[0]), rest_of(low[1], high[1]));
    finish16_s16(out, pixel, k, joined(high[0], high[1]), rest, lane, count, p);
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
#define FINISH(out, pixel, k, low, high, lane, count, p, fits) \
    finish_tile(out, pixel, k, low, high, lane, count, p, fits)
#define DW_LANES 16
#define DW_LOAD(a, b) pairs16(a, b)
#define DW_FINISH(out, pixel, k, low, high, lane, count, p) \
    finish16_s16(out, pixel, k, high, rest_of(low, high), lane, count, p)
#include "kernels/x86/conv_s16_body.h"

VN_CONV_S16(vn_conv_s16_avx512vnni)
{
    const struct job job = job_of(out, x, p);
    dense(&job, row0, row1, kb0, kb1);
}

VN_CONV_S16(vn_dwconv_s16_avx512vnni) { depthwise(out, x, p, row0, row1, kb0, kb1); }
