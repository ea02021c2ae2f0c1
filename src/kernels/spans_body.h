/* kernels/spans_body.h - spans of elements with one result each. Included once per instruction set; the
 * compiler makes the vectors. NAME(x) is the function vn_x with the set. */
#include "kernels/kernels.h"
#include "num/functions64.h"

/* An operand may be the result: the same elements, so nothing is carried from one to the next. */
#define EACH_ELEMENT(n) _Pragma("GCC ivdep") for (size_t i = 0; i < (n); i++)

void NAME(clamp_s8)(int8_t *out, const int8_t *x, size_t n, int lo, int hi)
{
    const int8_t least = (int8_t)lo, most = (int8_t)hi;
    EACH_ELEMENT(n)
    {
        const int8_t v = x[i] > least ? x[i] : least;
        out[i] = v < most ? v : most;
    }
}

void NAME(clamp_f32)(float *out, const float *x, size_t n, float lo, float hi)
{
    EACH_ELEMENT(n)
    {
        const float v = x[i] > lo ? x[i] : lo;
        out[i] = v < hi ? v : hi;
    }
}

#define RESCALE(name, to, from) \
    void NAME(name)(to * out, const from *x, size_t n, const struct vn_rescale *p) \
    { \
        const struct vn_rescale r = *p; \
        EACH_ELEMENT(n) \
        out[i] = (to)vn_rescale(x[i], r.zx, r.ratio, r.zy, r.lo, r.hi); \
    }
RESCALE(rescale_s8_s16, int16_t, int8_t)
RESCALE(rescale_s16_s8, int8_t, int16_t)
RESCALE(rescale_s16, int16_t, int16_t)
RESCALE(rescale_s8, int8_t, int8_t)

static inline float unit(float x)
{
    const float t = x > 0.0f ? x : 0.0f;
    return t < 1.0f ? t : 1.0f;
}

/* Both are computed. */
static inline float chosen(int first, float a, float b) { return first ? a : b; }

static inline __attribute__((always_inline)) float unary_one(float x, enum vn_unary op, float alpha,
                                                             float beta)
{
    switch (op) {
    case VN_UN_EXP: return exp_f32(x);
    case VN_UN_SIGMOID: return sigmoid_f32(x);
    case VN_UN_TANH: return tanh_f32(x);
    case VN_UN_LEAKYRELU: return x < 0.0f ? alpha * x : x;
    case VN_UN_ABS: return x < 0.0f ? -x : x;
    case VN_UN_NEG: return -x;
    case VN_UN_CEIL: return vn_ceilf(x);
    case VN_UN_FLOOR: return vn_floorf(x);
    case VN_UN_ROUND: return vn_rintf(x);
    case VN_UN_SIGN: return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x;
    case VN_UN_SQRT: return __builtin_sqrtf(x);
    case VN_UN_RECIPROCAL: return 1.0f / x;
    case VN_UN_ERF: return erf_f32(x);
    case VN_UN_LOG: return log_f32(x);
    case VN_UN_HARDSIGMOID: return unit(alpha * x + beta);
    case VN_UN_HARDSWISH: return x * unit(alpha * x + beta);
    case VN_UN_ELU: return chosen(x < 0.0f, alpha * expm1_f32(x * beta), x);
    case VN_UN_SELU: return chosen(x > 0.0f, beta * x, alpha * expm1_f32(x));
    case VN_UN_SOFTPLUS: return softplus_f32(x);
    case VN_UN_SOFTSIGN: return x / (1.0f + (x < 0.0f ? -x : x));
    case VN_UN_GELU: return 0.5f * x * (1.0f + erf_f32(0.707106781f * x));
    case VN_UN_GELU_TANH: return gelu_tanh_f32(x);
    case VN_UN_MISH: return mish_f32(x);
    case VN_UN_SWISH: return x * sigmoid_f32(alpha * x);
    case VN_UN_POWER: return vn_powif(x, (int)alpha);
    case VN_UN_SHRINK: return x < -alpha ? x + beta : x > alpha ? x - beta : 0.0f;
    case VN_UN_THRESHOLD: return x > alpha ? x : 0.0f;
    case VN_UN_COUNT: break;
    }
    return 0.0f;
}

/* A vector, where the CPU has them: no loop for what is left over. */
#ifdef __AVX512F__
#define BLOCK 16
#else
#define BLOCK 8
#endif
#define CASE(op) \
    case op: \
        for (; blocks; blocks--, x += BLOCK, y += BLOCK) \
            EACH_ELEMENT(BLOCK) \
        y[i] = unary_one(x[i], op, alpha, beta); \
        break;
#define CASES(a, b, c, d) CASE(VN_UN_##a) CASE(VN_UN_##b) CASE(VN_UN_##c) CASE(VN_UN_##d)

static void unary_blocks(float *y, const float *x, size_t blocks, enum vn_unary op, float alpha, float beta)
{
    switch (op) {
        CASES(EXP, SIGMOID, TANH, LEAKYRELU)
        CASES(ABS, NEG, CEIL, FLOOR)
        CASES(ROUND, SQRT, RECIPROCAL, ERF)
        CASES(LOG, HARDSIGMOID, HARDSWISH, ELU)
        CASES(SELU, SOFTPLUS, SOFTSIGN, GELU)
        CASES(GELU_TANH, MISH, SWISH, SIGN)
        CASES(POWER, SHRINK, THRESHOLD, COUNT)
    }
}

void NAME(unary_f32)(float *out, const float *x, size_t n, enum vn_unary op, float alpha, float beta)
{
    const size_t left = n % BLOCK, whole = n - left;
    unary_blocks(out, x, n / BLOCK, op, alpha, beta);
    if (!left)
        return;
    float rest[BLOCK] = { 0 };
    memcpy(rest, x + whole, left * sizeof *x);
    unary_blocks(rest, rest, 1, op, alpha, beta);
    memcpy(out + whole, rest, left * sizeof *x);
}

void NAME(squash_f64)(double *x, size_t n, int is_tanh)
{
    if (is_tanh) {
        EACH_ELEMENT(n)
        x[i] = tanh_f64(x[i]);
    } else {
        EACH_ELEMENT(n)
        x[i] = sigmoid_f64(x[i]);
    }
}
