/* kernels/x86/conv_s16_avx512vnni.c - int16 convolution with vpdpwssd. */
#include "kernels/x86/finish_s16_avx512.h"

/* A step has four weights of each of 16 channels. */
static ALWAYS_INLINE void load_pairs(__m512i w[2], const void *weights, size_t at, const int wide)
{
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_or_si512(even, _mm512_set1_epi32(1));
    __m512i a, b;
    if (wide) {
        a = _mm512_loadu_si512((const int16_t *)weights + at);
        b = _mm512_loadu_si512((const int16_t *)weights + at + 32);
    } else {
        const __m256i *const bytes = (const __m256i *)((const int8_t *)weights + at);
        a = _mm512_cvtepi8_epi16(_mm256_loadu_si256(bytes));
        b = _mm512_cvtepi8_epi16(_mm256_loadu_si256(bytes + 1));
    }
    w[0] = _mm512_permutex2var_epi32(a, even, b);
    w[1] = _mm512_permutex2var_epi32(a, odd, b);
}

static inline __m256 many8(__m256i high, __m256i low)
{
    return _mm512_cvtpd_ps(
        _mm512_fmadd_pd(_mm512_cvtepi32_pd(high), _mm512_set1_pd(65536.0), _mm512_cvtepi32_pd(low)));
}

static inline __m512 many(__m512i high, __m512i low)
{
    const __m256 a = many8(_mm512_castsi512_si256(high), _mm512_castsi512_si256(low));
    const __m256 b = many8(_mm512_extracti64x4_epi64(high, 1), _mm512_extracti64x4_epi64(low, 1));
    return _mm512_insertf32x8(_mm512_castps256_ps512(a), b, 1);
}

static inline __m512i pack_by(__m512i a, __m512i b, __m512i order)
{
    return _mm512_permutexvar_epi64(order, _mm512_packs_epi32(a, b));
}

/* Four pixels of 8 channels: 8 pairs of the first two, then of the others. */
static inline __m512i few_column(const int16_t *x)
{
    const __m512i first = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
    const __m512i second = _mm512_slli_epi32(_mm512_add_epi32(first, _mm512_set1_epi32(8)), 16);
    return _mm512_permutexvar_epi16(_mm512_or_si512(first, second), _mm512_loadu_si512(x));
}

static inline __m512i order_of(int few, int places)
{
    return few && places == 2 ? _mm512_setr_epi64(0, 2, 1, 3, 4, 6, 5, 7)
                              : _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
}

static inline int bounded_by(__m512 mult, float most)
{
    const __m512 t = _mm512_mul_ps(_mm512_abs_ps(mult), _mm512_set1_ps(most));
    return _mm512_cmp_ps_mask(t, _mm512_set1_ps(1e9f), _CMP_LT_OQ) == 0xffff;
}

#define VECTOR __m512i
#define FLOATS __m512
#define LANES 16
#define NP2 6
#define NP1 8
#define PAIR(x) pair_of(x)
#define LOAD_PAIRS(w, weights, at, wide) load_pairs(w, weights, at, wide)
#define START(from) _mm512_loadu_si512(from)
#define START_FLOATS(from) _mm512_loadu_ps(from)
#define ADD_PRODUCTS(acc, x, w) _mm512_dpwssd_epi32(acc, x, w)
#define ADD(a, b) _mm512_add_epi32(a, b)
#define UPPER(a) _mm512_srai_epi32(a, 16)
#define LOWER(a) _mm512_and_si512(a, _mm512_set1_epi32(0xffff))
#define FLOAT(a) _mm512_cvtepi32_ps(a)
#define JOIN(high, low) join(high, low)
#define MANY(high, low) many(high, low)
#define SCALE(a, mult) _mm512_mul_ps(a, mult)
#define ROUND(a) _mm512_cvtps_epi32(a)
#define PACK(a, b) pack_by(a, b, order_of(0, 1))
#define PACK_BY(a, b, order) pack_by(a, b, order)
#define ORDER(few, places) order_of(few, places)
#define SET16(q) _mm512_set1_epi16((int16_t)(q))
#define SUB16(a, b) _mm512_sub_epi16(a, b)
#define CLAMP(q, lo, hi) _mm512_min_epi16(_mm512_max_epi16(q, lo), hi)
#define STORE(y, q) _mm512_storeu_si512(y, q)
#define STORE_LOW(y, q) _mm256_storeu_si256((__m256i *)(y), _mm512_castsi512_si256(q))
#define STORE_HIGH(y, q) _mm256_storeu_si256((__m256i *)(y), _mm512_extracti64x4_epi64(q, 1))
#define UNPACK(floats, f) _mm512_storeu_ps(floats, f)
#define IS_BOUNDED(mult, most) bounded_by(mult, most)
#define COLUMN(a, b) column_of(a, b)
#define FEW 1
#define FEW_COLUMN(x) few_column(x)
#include "kernels/x86/conv_s16_body.h"
#include "kernels/x86/dwconv_s16_body.h"

VN_CONV_S16(vn_conv_s16_avx512vnni)
{
    if (p->g.k / p->g.groups <= VN_OCB / 2) /* half a vector */
        vn_conv_s16_avx2(out, x, p, row0, row1, kb0, kb1);
    else
        dense(out, x, p, row0, row1, kb0, kb1);
}

VN_CONV_S16(vn_dwconv_s16_avx512vnni) { depthwise(out, x, p, row0, row1, kb0, kb1); }
