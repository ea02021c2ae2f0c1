/* kernels/elementwise.c - spans of elements: the C references. */
#include "kernels/kernels.h"
#include "num/num.h"

#define SPAN(op) \
    for (size_t i = 0; i < n; i++, a += step_a, b += step_b) \
        out[i] = *a op * b; \
    break

#define CHOICE(value) \
    for (size_t i = 0; i < n; i++, a += step_a, b += step_b) \
        out[i] = value; \
    break

void vn_binary_f32_c(float *out, const float *a, const float *b, size_t n, int step_a, int step_b,
                     enum vn_binary op)
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

#define NAME(x) vn_##x##_c
#include "kernels/spans_body.h"
