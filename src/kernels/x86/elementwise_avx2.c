/* kernels/x86/elementwise_avx2.c - spans of elements, 8 at a time; the C kernels do what is left over. */
#include "kernels/x86/finish_avx2.h"

/* (float)(q - z) of 8 elements, or of one for all lanes */
static inline __m256 centred8(const int8_t *q, int step, int32_t z)
{
    const __m256i v = step ? widen8(q) : _mm256_set1_epi32(*q);
    return _mm256_cvtepi32_ps(_mm256_sub_epi32(v, _mm256_set1_epi32(z)));
}

void vn_binary_s8_avx2(int8_t *out, const int8_t *a, const int8_t *b, size_t n, int step_a, int step_b,
                       const struct vn_binary_s8 *p)
{
    if (p->op != VN_BIN_ADD && p->op != VN_BIN_MUL) {
        vn_binary_s8_c(out, a, b, n, step_a, step_b, p);
        return;
    }
    const __m256 ra = _mm256_set1_ps(p->ra), rb = _mm256_set1_ps(p->rb), fixed = _mm256_set1_ps(p->fixed);
    const int mul = p->op == VN_BIN_MUL;
    const int32_t za = mul ? p->za : 0, zb = mul ? p->zb : 0, zy = mul ? p->zy : 0; /* a sum has them in `fixed` */
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m256 u = centred8(a + i * step_a, step_a, za), v = centred8(b + i * step_b, step_b, zb);
        /* a product of two centred values has 17 bits: exact in a float, like the integer product */
        const __m256 t = mul ? _mm256_mul_ps(_mm256_mul_ps(u, v), ra) : _mm256_fmadd_ps(u, ra, _mm256_fmadd_ps(v, rb, fixed));
        const int64_t q = narrow8(_mm256_add_epi32(round8(t, zy, p->lo, p->hi), _mm256_set1_epi32(zy)));
        memcpy(out + i, &q, sizeof q);
    }
    vn_binary_s8_c(out + i, a + i * step_a, b + i * step_b, n - i, step_a, step_b, p);
}

static inline __m256 load8(const float *x, int step) { return step ? _mm256_loadu_ps(x) : _mm256_broadcast_ss(x); }

static inline __m256 prelu8(__m256 x, __m256 slope)
{
    return _mm256_blendv_ps(x, _mm256_mul_ps(x, slope), _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_LT_OQ));
}

#define SPAN(op)                                                                                         \
    for (; i + 8 <= n; i += 8)                                                                           \
        _mm256_storeu_ps(out + i, op(load8(a + i * step_a, step_a), load8(b + i * step_b, step_b)));     \
    break

void vn_binary_f32_avx2(float *out, const float *a, const float *b, size_t n, int step_a, int step_b,
                        enum vn_binary op)
{
    size_t i = 0;
    switch (op) {
    case VN_BIN_ADD: SPAN(_mm256_add_ps);
    case VN_BIN_SUB: SPAN(_mm256_sub_ps);
    case VN_BIN_MUL: SPAN(_mm256_mul_ps);
    case VN_BIN_DIV: SPAN(_mm256_div_ps);
    case VN_BIN_MAX: SPAN(_mm256_max_ps);
    case VN_BIN_MIN: SPAN(_mm256_min_ps);
    case VN_BIN_PRELU: SPAN(prelu8);
    }
    vn_binary_f32_c(out + i, a + i * step_a, b + i * step_b, n - i, step_a, step_b, op);
}

void vn_quantize_s8_avx2(int8_t *out, const float *x, size_t n, float scale, int32_t zero)
{
    const __m256 s = _mm256_set1_ps(scale);
    const __m256i z = _mm256_set1_epi32(zero);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m256 t = _mm256_div_ps(_mm256_loadu_ps(x + i), s);
        const int64_t q = narrow8(_mm256_add_epi32(round8(t, zero, -128, 127), z));
        memcpy(out + i, &q, sizeof q);
    }
    vn_quantize_s8_c(out + i, x + i, n - i, scale, zero);
}

void vn_dequantize_s8_avx2(float *out, const int8_t *x, size_t n, float scale, int32_t zero)
{
    const __m256 s = _mm256_set1_ps(scale);
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(out + i, _mm256_mul_ps(centred8(x + i, 1, zero), s));
    vn_dequantize_s8_c(out + i, x + i, n - i, scale, zero);
}
