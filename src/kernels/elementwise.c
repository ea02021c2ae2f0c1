/* kernels/elementwise.c - spans of elements: the C references. */
#include "kernels/kernels.h"
#include "num/num.h"

#define SPAN(op)                                                  \
    for (size_t i = 0; i < n; i++, a += step_a, b += step_b)      \
        out[i] = *a op *b;                                        \
    break

#define CHOICE(value)                                             \
    for (size_t i = 0; i < n; i++, a += step_a, b += step_b)      \
        out[i] = value;                                           \
    break

void vn_binary_f32_c(float *out, const float *a, const float *b, size_t n, int step_a, int step_b, enum vn_binary op)
{
    switch (op) {
    case VN_BIN_ADD: SPAN(+);
    case VN_BIN_SUB: SPAN(-);
    case VN_BIN_MUL: SPAN(*);
    case VN_BIN_DIV: SPAN(/);
    case VN_BIN_MAX: CHOICE(*a > *b ? *a : *b);
    case VN_BIN_MIN: CHOICE(*a < *b ? *a : *b);
    case VN_BIN_PRELU: CHOICE(*a < 0.0f ? *a * *b : *a);
    }
}

void vn_clamp_f32_c(float *out, const float *x, size_t n, float lo, float hi)
{
    for (size_t i = 0; i < n; i++) {
        const float v = x[i] > lo ? x[i] : lo;
        out[i] = v < hi ? v : hi;
    }
}

static inline float unary_one(float x, enum vn_unary op, float alpha, float beta)
{
    float t;
    switch (op) {
    case VN_UN_EXP: return vn_expf(x);
    case VN_UN_SIGMOID: return vn_sigmoidf(x);
    case VN_UN_TANH: return vn_tanhf(x);
    case VN_UN_LEAKYRELU: return x < 0.0f ? alpha * x : x;
    case VN_UN_ABS: return x < 0.0f ? -x : x;
    case VN_UN_NEG: return -x;
    case VN_UN_CEIL: return vn_ceilf(x);
    case VN_UN_FLOOR: return vn_floorf(x);
    case VN_UN_ROUND: return vn_rintf(x);
    case VN_UN_SIGN: return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x;
    case VN_UN_SQRT: return __builtin_sqrtf(x);
    case VN_UN_RECIPROCAL: return 1.0f / x;
    case VN_UN_ERF: return vn_erff(x);
    case VN_UN_LOG: return vn_logf(x);
    case VN_UN_HARDSIGMOID:
    case VN_UN_HARDSWISH:
        t = alpha * x + beta;
        t = t > 0.0f ? t : 0.0f;
        t = t < 1.0f ? t : 1.0f;
        return op == VN_UN_HARDSWISH ? x * t : t;
    case VN_UN_ELU: return x < 0.0f ? alpha * vn_expm1f(x * beta) : x;
    case VN_UN_SELU: return x > 0.0f ? beta * x : alpha * vn_expm1f(x);
    case VN_UN_SOFTPLUS: return vn_softplusf(x);
    case VN_UN_SOFTSIGN: return x / (1.0f + (x < 0.0f ? -x : x));
    case VN_UN_GELU: return 0.5f * x * (1.0f + vn_erff(0.707106781f * x));
    case VN_UN_GELU_TANH: return vn_gelu_tanhf(x);
    case VN_UN_MISH: return vn_mishf(x);
    case VN_UN_SWISH: return x * vn_sigmoidf(alpha * x);
    case VN_UN_POWER: return vn_powif(x, (int)alpha);
    case VN_UN_SHRINK: return x < -alpha ? x + beta : x > alpha ? x - beta : 0.0f;
    case VN_UN_THRESHOLD: return x > alpha ? x : 0.0f;
    case VN_UN_COUNT: break;
    }
    return 0.0f;
}

#define CASE(op) \
    case op: \
        for (size_t i = 0; i < n; i++) \
            out[i] = unary_one(x[i], op, alpha, beta); \
        break;

void vn_unary_f32_c(float *out, const float *x, size_t n, enum vn_unary op, float alpha, float beta)
{
    switch (op) {
        CASE(VN_UN_ABS)
        CASE(VN_UN_NEG) CASE(VN_UN_CEIL) CASE(VN_UN_FLOOR) CASE(VN_UN_ROUND) CASE(VN_UN_SQRT)
            CASE(VN_UN_RECIPROCAL) CASE(VN_UN_HARDSIGMOID) CASE(VN_UN_HARDSWISH) CASE(VN_UN_SOFTSIGN)
                CASE(VN_UN_LEAKYRELU) default : for (size_t i = 0; i < n; i++) out[i] =
                                                    unary_one(x[i], op, alpha, beta);
    }
}
