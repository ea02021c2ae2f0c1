/* kernels/x86/finish_s16_avx2.h - the end of int16 kernels, 8 results at a time. */
#ifndef VN_KERNELS_X86_FINISH_S16_AVX2_H
#define VN_KERNELS_X86_FINISH_S16_AVX2_H

#include "kernels/x86/finish_avx2.h"

/* 8 exact sums, rounded to float32 once. */
static inline __m256 floats8(const double *sum)
{
    return _mm256_set_m128(_mm256_cvtpd_ps(_mm256_loadu_pd(sum + 4)), _mm256_cvtpd_ps(_mm256_loadu_pd(sum)));
}

/* From 8 sums; `mult` is at the first. 1 <= count; more than 8 counts as 8. */
static inline void finish8_s16(void *out, size_t pixel, int k, __m256 sum, const float *mult, int count,
                               const struct vn_conv_s16 *p)
{
    const size_t at = out_at(&p->g, pixel, k);
    const __m256 t = _mm256_mul_ps(sum, _mm256_maskload_ps(mult, low_lanes(count)));
    if (p->out_f32) {
        store8_f32((float *)out + at, t, count);
        return;
    }
    const __m256i q = _mm256_add_epi32(round8(t, p->zy, p->lo, p->hi), _mm256_set1_epi32(p->zy));
    store8_s16((int16_t *)out + at, q, count);
}

#endif
