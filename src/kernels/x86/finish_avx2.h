/* kernels/x86/finish_avx2.h - epilogues for 8 output channels; finish_s8 and finish_f32 of kernels/conv.h in
 * vectors.
 *
 * max_ps(t, lo) is `t > lo ? t : lo` with C's answer for NaN; cvtps_epi32 rounds half to even as vn_rne does.
 */
#ifndef VN_KERNELS_X86_FINISH_AVX2_H
#define VN_KERNELS_X86_FINISH_AVX2_H

#include "kernels/conv.h"

#include <immintrin.h>

static inline __m256i low_lanes(int count)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* rne(t) in [lo - z, hi - z]: sat without its last addition */
static inline __m256i round8(__m256 t, int32_t z, int32_t lo, int32_t hi)
{
    t = _mm256_max_ps(t, _mm256_set1_ps((float)(lo - z)));
    t = _mm256_min_ps(t, _mm256_set1_ps((float)(hi - z)));
    return _mm256_cvtps_epi32(t);
}

/* Low bytes of 8 integers that fit in int8. */
static inline int64_t narrow8(__m256i q)
{
    const __m128i h = _mm_packs_epi32(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1));
    return _mm_cvtsi128_si64(_mm_packs_epi16(h, h));
}

static inline __m256i widen8(const int8_t *x)
{
    return _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)x));
}

static inline void store8_s8(int8_t *out, __m256i q, int count)
{
    const int64_t bytes = narrow8(q);
    if (count >= 8)
        memcpy(out, &bytes, 8);
    else
        memcpy(out, &bytes, (size_t)count);
}

/* 1 <= count; more than 8 counts as 8. */
static inline void store8_s16(int16_t *out, __m256i q, int count)
{
    const __m128i v = _mm_packs_epi32(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1));
    if (count >= 8)
        _mm_storeu_si128((__m128i *)out, v);
    else
        memcpy(out, &v, (size_t)count * sizeof *out);
}

/* The first `count` of 8, nothing for count <= 0. A masked store is slow on some CPUs. */
static inline void store8_f32(float *out, __m256 y, int count)
{
    if (count >= 8)
        _mm256_storeu_ps(out, y);
    else
        _mm256_maskstore_ps(out, low_lanes(count), y);
}

static inline __m256 res8(const struct vn_conv_s8 *p, size_t pixel, int k)
{
    return _mm256_cvtepi32_ps(widen8(p->residual + residual_at(&p->g, pixel, k)));
}

/* 1 <= count; more than 8 counts as 8. Reads 8 elements of the residual. */
static inline void finish8_s8(void *out, size_t pixel, int k, __m256i acc, size_t i, int count,
                              const struct vn_conv_s8 *p)
{
    const size_t at = out_at(&p->g, pixel, k);
    const __m256i m = low_lanes(count);
    __m256 t = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), _mm256_maskload_ps(p->mult + i, m));
    if (p->out_f32) {
        store8_f32((float *)out + at, t, count);
        return;
    }
    if (p->residual) {
        const __m256i mid = round8(t, p->z_mid, -128, 127);
        const __m256 a = _mm256_add_ps(_mm256_cvtepi32_ps(mid), _mm256_set1_ps((float)p->z_mid)),
                     b = res8(p, pixel, k);
        const __m256 ra = _mm256_set1_ps(p->r_mid), rb = _mm256_set1_ps(p->r_res),
                     fixed = _mm256_set1_ps(p->fixed);
        t = p->residual_first ? _mm256_fmadd_ps(b, rb, _mm256_fmadd_ps(a, ra, fixed))
                              : _mm256_fmadd_ps(a, ra, _mm256_fmadd_ps(b, rb, fixed));
    }
    const int32_t zero = p->residual ? 0 : p->zy; /* the sum has it already */
    const __m256i q = _mm256_add_epi32(round8(t, zero, p->lo, p->hi), _mm256_set1_epi32(zero));
    if (p->out_s16)
        store8_s16((int16_t *)out + at, q, count);
    else
        store8_s8((int8_t *)out + at, q, count);
}

static inline void finish8_f32(float *out, size_t pixel, int k, __m256 y, int count,
                               const struct vn_conv_f32 *p)
{
    const size_t at = out_at(&p->g, pixel, k);
    if (p->residual)
        y = _mm256_add_ps(y,
                          _mm256_maskload_ps(p->residual + residual_at(&p->g, pixel, k), low_lanes(count)));
    y = _mm256_max_ps(y, _mm256_set1_ps(p->lo));
    y = _mm256_min_ps(y, _mm256_set1_ps(p->hi));
    store8_f32(out + at, y, count);
}

#endif
