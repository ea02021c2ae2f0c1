/* kernels/x86/elementwise_avx2.c - spans of elements, 8 at a time; the C kernels do what is left over. */
#include "kernels/x86/finish_avx2.h"

static inline __m256 load8(const float *x, int step)
{
    return step ? _mm256_loadu_ps(x) : _mm256_broadcast_ss(x);
}

static inline __m256 prelu8(__m256 x, __m256 slope)
{
    return _mm256_blendv_ps(x, _mm256_mul_ps(x, slope), _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_LT_OQ));
}

#define SPAN(op) \
    for (; i + 8 <= n; i += 8) \
        _mm256_storeu_ps(out + i, op(load8(a + i * step_a, step_a), load8(b + i * step_b, step_b))); \
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
