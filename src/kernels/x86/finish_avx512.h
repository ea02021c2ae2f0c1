/* kernels/x86/finish_avx512.h - epilogues for 16 output channels; finish_s8 and finish_f32 of kernels/conv.h in vectors.
 *
 * max_ps(t, lo) is `t > lo ? t : lo` with C's answer for NaN; cvtps_epi32 rounds half to even as vn_rne does. */
#ifndef VN_KERNELS_X86_FINISH_AVX512_H
#define VN_KERNELS_X86_FINISH_AVX512_H

#include "kernels/conv.h"

#include <immintrin.h>

static inline __mmask16 low_lanes(int count) { return (__mmask16)((1u << count) - 1); }

/* rne(t) in [lo - z, hi - z]: sat without its last addition */
static inline __m512i round16(__m512 t, int32_t z, int32_t lo, int32_t hi)
{
    t = _mm512_max_ps(t, _mm512_set1_ps((float)(lo - z)));
    t = _mm512_min_ps(t, _mm512_set1_ps((float)(hi - z)));
    return _mm512_cvtps_epi32(t);
}

/* Whether every sum of 32 bits times its `mult` stays within 2^30: such a product converts to an integer without a clamp. */
static inline int is_bounded(__m512 mult)
{
    return _mm512_cmp_ps_mask(_mm512_abs_ps(mult), _mm512_set1_ps(0.5f), _CMP_LT_OQ) == 0xffff;
}

static inline __m512i scaled(__m512i acc, __m512 mult)
{
    return _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_cvtepi32_ps(acc), mult));
}

/* The end of a requantization without a float clamp: rne(t) saturates to int16, + z saturates, then to int8. */
struct narrow {
    __m512i zero, lo, hi;
};

static inline struct narrow narrow_of(int32_t z, int32_t lo, int32_t hi)
{
    return (struct narrow){ _mm512_set1_epi16((int16_t)z), _mm512_set1_epi8((char)lo), _mm512_set1_epi8((char)hi) };
}

/* 64 bytes: in each of the four 128-bit parts, four of a, of b, of c, of d. */
static inline __m512i narrow4(__m512i a, __m512i b, __m512i c, __m512i d, const struct narrow *n)
{
    const __m512i ab = _mm512_adds_epi16(_mm512_packs_epi32(a, b), n->zero);
    const __m512i cd = _mm512_adds_epi16(_mm512_packs_epi32(c, d), n->zero);
    return _mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(ab, cd), n->lo), n->hi);
}

static inline void finish16_s8(void *out, size_t pixel, int k, __m512i acc, size_t i, __mmask16 m,
                               const struct vn_conv_s8 *p)
{
    const size_t at = out_at(&p->g, pixel, k);
    __m512 t = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), _mm512_maskz_loadu_ps(m, p->mult + i));
    if (p->out_f32) {
        _mm512_mask_storeu_ps((float *)out + at, m, t);
        return;
    }
    if (p->residual) {
        const __m512i mid = round16(t, p->z_mid, -128, 127);
        const __m512i res =
            _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(m, p->residual + residual_at(&p->g, pixel, k)));
        const __m512 a = _mm512_add_ps(_mm512_cvtepi32_ps(mid), _mm512_set1_ps((float)p->z_mid)), b = _mm512_cvtepi32_ps(res);
        const __m512 ra = _mm512_set1_ps(p->r_mid), rb = _mm512_set1_ps(p->r_res), fixed = _mm512_set1_ps(p->fixed);
        t = p->residual_first ? _mm512_fmadd_ps(b, rb, _mm512_fmadd_ps(a, ra, fixed)) : _mm512_fmadd_ps(a, ra, _mm512_fmadd_ps(b, rb, fixed));
    }
    const int32_t zero = p->residual ? 0 : p->zy; /* the sum has it already */
    const __m512i q = _mm512_add_epi32(round16(t, zero, p->lo, p->hi), _mm512_set1_epi32(zero));
    if (p->out_s16) {
        _mm256_mask_storeu_epi16((int16_t *)out + at, m, _mm512_cvtepi32_epi16(q));
        return;
    }
    int8_t *const y = (int8_t *)out + at;
    if (m == 0xffff)
        _mm_storeu_si128((__m128i *)y, _mm512_cvtepi32_epi8(q));
    else
        _mm_mask_storeu_epi8(y, m, _mm512_cvtepi32_epi8(q));
}

static inline void finish16_f32(float *out, size_t pixel, int k, __m512 y, __mmask16 m,
                                const struct vn_conv_f32 *p)
{
    const size_t at = out_at(&p->g, pixel, k);
    if (p->residual)
        y = _mm512_add_ps(y, _mm512_maskz_loadu_ps(m, p->residual + residual_at(&p->g, pixel, k)));
    y = _mm512_max_ps(y, _mm512_set1_ps(p->lo));
    y = _mm512_min_ps(y, _mm512_set1_ps(p->hi));
    if (m == 0xffff)
        _mm512_storeu_ps(out + at, y);
    else
        _mm512_mask_storeu_ps(out + at, m, y);
}

#endif
