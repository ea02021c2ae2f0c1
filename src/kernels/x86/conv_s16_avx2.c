/* kernels/x86/conv_s16_avx2.c - int16 convolution with vpmaddwd. */
#include "kernels/x86/finish_avx2.h"
#include "kernels/x86/pixels.h"

static inline __m256i pair_of(const int16_t *x)
{
    int32_t two;
    memcpy(&two, x, sizeof two);
    return _mm256_set1_epi32(two);
}

/* A step has four weights of each of 8 channels: lanes are channels 0 1 4 5, 2 3 6 7. */
static ALWAYS_INLINE void load_pairs(__m256i w[2], const void *weights, size_t at, const int wide)
{
    __m256i a, b;
    if (wide) {
        const __m256i *const words = (const __m256i *)((const int16_t *)weights + at);
        a = _mm256_loadu_si256(words);
        b = _mm256_loadu_si256(words + 1);
    } else {
        const __m128i *const bytes = (const __m128i *)((const int8_t *)weights + at);
        a = _mm256_cvtepi8_epi16(_mm_loadu_si128(bytes));
        b = _mm256_cvtepi8_epi16(_mm_loadu_si128(bytes + 1));
    }
    const __m256 fa = _mm256_castsi256_ps(a), fb = _mm256_castsi256_ps(b);
    w[0] = _mm256_castps_si256(_mm256_shuffle_ps(fa, fb, 0x88));
    w[1] = _mm256_castps_si256(_mm256_shuffle_ps(fa, fb, 0xdd));
}

/* Between the order of channels and that of the lanes of load_pairs. */
static inline __m256i reordered(__m256i v) { return _mm256_permute4x64_epi64(v, 0xd8); }
static inline __m256 reordered_floats(__m256 v)
{
    return _mm256_castsi256_ps(reordered(_mm256_castps_si256(v)));
}

static inline __m256 join(__m256i high, __m256i low)
{
    return _mm256_fmadd_ps(_mm256_cvtepi32_ps(high), _mm256_set1_ps(65536.0f), _mm256_cvtepi32_ps(low));
}

static inline __m128 many4(__m128i high, __m128i low)
{
    return _mm256_cvtpd_ps(
        _mm256_fmadd_pd(_mm256_cvtepi32_pd(high), _mm256_set1_pd(65536.0), _mm256_cvtepi32_pd(low)));
}

static inline __m256 many(__m256i high, __m256i low)
{
    const __m128 a = many4(_mm256_castsi256_si128(high), _mm256_castsi256_si128(low));
    const __m128 b = many4(_mm256_extracti128_si256(high, 1), _mm256_extracti128_si256(low, 1));
    return _mm256_set_m128(b, a);
}

static inline __m256i pack(__m256i a, __m256i b)
{
    return _mm256_permutevar8x32_epi32(_mm256_packs_epi32(a, b), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

/* 8 pairs: one of a, one of b. */
static inline __m256i column_of(const int16_t *a, const int16_t *b)
{
    const __m128i va = _mm_loadu_si128((const __m128i *)a), vb = _mm_loadu_si128((const __m128i *)b);
    return _mm256_set_m128i(_mm_unpackhi_epi16(va, vb), _mm_unpacklo_epi16(va, vb));
}

static inline int bounded_by(__m256 mult, float most)
{
    const __m256 t = _mm256_mul_ps(_mm256_andnot_ps(_mm256_set1_ps(-0.0f), mult), _mm256_set1_ps(most));
    return _mm256_movemask_ps(_mm256_cmp_ps(t, _mm256_set1_ps(1e9f), _CMP_LT_OQ)) == 0xff;
}

#define VECTOR __m256i
#define FLOATS __m256
#define LANES 8
#define NP2 2
#define NP1 4
#define PAIR(x) pair_of(x)
#define LOAD_PAIRS(w, weights, at, wide) load_pairs(w, weights, at, wide)
#define START(from) reordered(_mm256_loadu_si256((const __m256i *)(from)))
#define START_FLOATS(from) reordered_floats(_mm256_loadu_ps(from))
#define ADD_PRODUCTS(acc, x, w) _mm256_add_epi32(acc, _mm256_madd_epi16(x, w))
#define ADD(a, b) _mm256_add_epi32(a, b)
#define UPPER(a) _mm256_srai_epi32(a, 16)
#define LOWER(a) _mm256_and_si256(a, _mm256_set1_epi32(0xffff))
#define FLOAT(a) _mm256_cvtepi32_ps(a)
#define JOIN(high, low) join(high, low)
#define MANY(high, low) many(high, low)
#define SCALE(a, mult) _mm256_mul_ps(a, mult)
#define ROUND(a) _mm256_cvtps_epi32(a)
#define PACK(a, b) pack(a, b)
#define PACK_BY(a, b, order) ((void)(order), _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xd8))
#define ORDER(few, places) _mm256_setzero_si256()
#define SET16(q) _mm256_set1_epi16((int16_t)(q))
#define SUB16(a, b) _mm256_sub_epi16(a, b)
#define CLAMP(q, lo, hi) _mm256_min_epi16(_mm256_max_epi16(q, lo), hi)
#define STORE(y, q) _mm256_storeu_si256((__m256i *)(y), q)
#define STORE_LOW(y, q) _mm_storeu_si128((__m128i *)(y), _mm256_castsi256_si128(q))
#define STORE_HIGH(y, q) _mm_storeu_si128((__m128i *)(y), _mm256_extracti128_si256(q, 1))
#define UNPACK(floats, f) _mm256_storeu_ps(floats, reordered_floats(f))
#define IS_BOUNDED(mult, most) bounded_by(mult, most)
#define COLUMN(a, b) column_of(a, b)
#define FEW 0
#include "kernels/x86/conv_s16_body.h"
#include "kernels/x86/dwconv_s16_body.h"

VN_CONV_S16(vn_conv_s16_avx2) { dense(out, x, p, row0, row1, kb0, kb1); }

VN_CONV_S16(vn_dwconv_s16_avx2) { depthwise(out, x, p, row0, row1, kb0, kb1); }
