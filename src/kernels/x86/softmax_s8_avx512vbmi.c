/* kernels/x86/softmax_s8_avx512vbmi.c - softmax of int8 lines: the table's 256 entries are four tables of
 * bytes, looked up by permutations; sums of bytes are exact. */
#include "kernels/x86/finish_avx512.h"
#include "kernels/x86/softmax_shares.h"

#define CHUNKS (MOST_ENTRIES / 64)

struct planes {
    __m512i v[4][4]; /* [byte of an entry][64 entries] */
};

static void split(struct planes *t, const uint32_t *table)
{
    for (int i = 0; i < 256; i += 16) {
        const __m512i entries = _mm512_loadu_si512(table + i);
        for (int b = 0; b < 4; b++) {
            const __m512i low = _mm512_srl_epi32(entries, _mm_cvtsi32_si128(8 * b));
            _mm_storeu_si128((__m128i *)((char *)t->v[b] + i), _mm512_cvtepi32_epi8(low));
        }
    }
}

static inline __m512i look_up(const __m512i t[4], __m512i d, __mmask64 lanes)
{
    const __m512i low = _mm512_permutex2var_epi8(t[0], d, t[1]),
                  high = _mm512_permutex2var_epi8(t[2], d, t[3]);
    return _mm512_maskz_mov_epi8(lanes, _mm512_mask_blend_epi8(_mm512_movepi8_mask(d), low, high));
}

static inline __mmask64 first_lanes(int count)
{
    return count >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << count) - 1;
}

static inline int8_t most_of(const int8_t *x, int n)
{
    __m512i m = _mm512_set1_epi8(-128);
    for (int i = 0; i < n; i += 64)
        m = _mm512_max_epi8(m, _mm512_mask_loadu_epi8(m, first_lanes(n - i), x + i));
    const __m256i half = _mm256_max_epi8(_mm512_castsi512_si256(m), _mm512_extracti64x4_epi64(m, 1));
    __m128i v = _mm_max_epi8(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
    v = _mm_xor_si128(v, _mm_set1_epi8(127)); /* the largest becomes the smallest unsigned one */
    v = _mm_min_epu8(v, _mm_srli_epi16(v, 8));
    return (int8_t)(_mm_cvtsi128_si32(_mm_minpos_epu16(v)) ^ 127);
}

static inline __m256 shares8(__m256i entries, __m512d sum, __m512d part)
{
    const __m512d e = _mm512_cvtepu32_pd(entries), q = _mm512_mul_pd(e, part);
    return _mm512_cvtpd_ps(_mm512_fmadd_pd(_mm512_fnmadd_pd(q, sum, e), part, q));
}

static inline __m512i finish(__m512i entries, const struct shares *s, const struct vn_softmax *p)
{
    const __m512d sum = _mm512_set1_pd(s->sum), part = _mm512_set1_pd(s->part);
    const __m256 lo = shares8(_mm512_castsi512_si256(entries), sum, part);
    const __m256 hi = shares8(_mm512_extracti64x4_epi64(entries, 1), sum, part);
    const __m512 t =
        _mm512_mul_ps(_mm512_insertf32x8(_mm512_castps256_ps512(lo), hi, 1), _mm512_set1_ps(p->inv));
    return _mm512_add_epi32(round16(t, p->zy, -128, 127), _mm512_set1_epi32(p->zy));
}

/* From the four bytes of 64 entries; what is unpacked within lanes is packed within them again. */
static inline __m512i finish64(const __m512i b[4], const struct shares *s, const struct vn_softmax *p)
{
    const __m512i low[2] = { _mm512_unpacklo_epi8(b[0], b[1]), _mm512_unpackhi_epi8(b[0], b[1]) };
    const __m512i high[2] = { _mm512_unpacklo_epi8(b[2], b[3]), _mm512_unpackhi_epi8(b[2], b[3]) };
    __m512i y[2];
    for (int i = 0; i < 2; i++)
        y[i] = _mm512_packs_epi32(finish(_mm512_unpacklo_epi16(low[i], high[i]), s, p),
                                  finish(_mm512_unpackhi_epi16(low[i], high[i]), s, p));
    return _mm512_packs_epi16(y[0], y[1]);
}

static void line(int8_t *y, const int8_t *x, const struct vn_softmax *p, const struct planes *t)
{
    const __m512i max = _mm512_set1_epi8(most_of(x, p->n));
    __m512i bytes[CHUNKS][4], sums[4] = { _mm512_setzero_si512() };
    for (int b = 1; b < 4; b++)
        sums[b] = sums[0];
    for (int i = 0, k = 0; i < p->n; i += 64, k++) {
        const __mmask64 lanes = first_lanes(p->n - i);
        const __m512i d = _mm512_sub_epi8(max, _mm512_maskz_loadu_epi8(lanes, x + i));
        for (int b = 0; b < 4; b++) {
            bytes[k][b] = look_up(t->v[b], d, lanes);
            sums[b] = _mm512_add_epi64(sums[b], _mm512_sad_epu8(bytes[k][b], _mm512_setzero_si512()));
        }
    }
    __m512i sum = sums[3];
    for (int b = 2; b >= 0; b--)
        sum = _mm512_add_epi64(_mm512_slli_epi64(sum, 8), sums[b]);
    const struct shares s = shares_of((uint64_t)_mm512_reduce_add_epi64(sum));
    for (int i = 0, k = 0; i < p->n; i += 64, k++) {
        const __m512i q = finish64(bytes[k], &s, p);
        if (p->n - i >= 64)
            _mm512_storeu_si512(y + i, q);
        else
            _mm512_mask_storeu_epi8(y + i, first_lanes(p->n - i), q);
    }
}

void vn_softmax_s8_avx512vbmi(int8_t *out, const int8_t *x, const struct vn_softmax *p, int o0, int o1)
{
    if (p->inner != 1 || p->n > MOST_ENTRIES) {
        vn_softmax_s8_avx512(out, x, p, o0, o1);
        return;
    }
    struct planes t;
    split(&t, p->table);
    for (int o = o0; o < o1; o++)
        line(out + (size_t)o * p->n, x + (size_t)o * p->n, p, &t);
}
