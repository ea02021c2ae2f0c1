/* kernels/reduce.c - reductions along the middle axis of [outer][n][inner]. */
#include "kernels/kernels.h"
#include "num/num.h"

#include <math.h>

/* What an element adds to its partial result; `max` as LogSumExp needs it. */
static inline float joined(enum vn_reduce op, float part, float x, float max)
{
    switch (op) {
    case VN_RED_MAX: return x > part ? x : part;
    case VN_RED_MIN: return x < part ? x : part;
    case VN_RED_PROD: return part * x;
    case VN_RED_L1: return part + (x < 0.0f ? -x : x);
    case VN_RED_L2:
    case VN_RED_SUM_SQUARE: return part + x * x;
    case VN_RED_LOG_SUM_EXP: return part + vn_expf(x - max);
    default: return part + x;
    }
}

/* Two partial results. */
static inline float merged(enum vn_reduce op, float a, float b)
{
    switch (op) {
    case VN_RED_MAX: return b > a ? b : a;
    case VN_RED_MIN: return b < a ? b : a;
    case VN_RED_PROD: return a * b;
    default: return a + b;
    }
}

static float finished(enum vn_reduce op, float y, int n, float max)
{
    switch (op) {
    case VN_RED_MEAN: return y / (float)n;
    case VN_RED_L2: return __builtin_sqrtf(y);
    case VN_RED_LOG_SUM: return vn_logf(y);
    case VN_RED_LOG_SUM_EXP: return vn_logf(y) + max;
    default: return y;
    }
}

static float line(const float *x, size_t step, int n, enum vn_reduce op, float max)
{
    const float start = op == VN_RED_MAX    ? -INFINITY
                        : op == VN_RED_MIN  ? INFINITY
                        : op == VN_RED_PROD ? 1.0f
                                            : 0.0f;
    float part[16];
    for (int i = 0; i < 16; i++)
        part[i] = start;
    for (int i = 0; i < n; i++)
        part[i % 16] = joined(op, part[i % 16], x[(size_t)i * step], max);
    for (int half = 8; half; half /= 2)
        for (int i = 0; i < half; i++)
            part[i] = merged(op, part[i], part[i + half]);
    return part[0];
}

static float slice(const float *x, size_t step, int n, enum vn_reduce op)
{
    float max = 0.0f;
    if (op == VN_RED_LOG_SUM_EXP) {
        max = line(x, step, n, VN_RED_MAX, 0);
        if (!(max > -INFINITY && max < INFINITY))
            return max;
    }
    switch (op) { /* the operation is known inside the loops that matter */
    case VN_RED_MEAN: return finished(op, line(x, step, n, VN_RED_SUM, 0), n, 0);
    case VN_RED_MAX: return line(x, step, n, VN_RED_MAX, 0);
    case VN_RED_SUM: return line(x, step, n, VN_RED_SUM, 0);
    default: return finished(op, line(x, step, n, op, max), n, max);
    }
}

void vn_reduce_f32_c(float *out, const float *x, enum vn_reduce op, int n, int inner, int o0, int o1)
{
    for (int o = o0; o < o1; o++)
        for (int i = 0; i < inner; i++)
            out[(size_t)o * inner + i] = slice(x + (size_t)o * n * inner + i, (size_t)inner, n, op);
}
