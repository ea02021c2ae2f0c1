/* kernels/elementwise.c - spans of elements: the C references. */
#include "kernels/kernels.h"
#include "num/num.h"

void vn_binary_s8_c(int8_t *out, const int8_t *a, const int8_t *b, size_t n, int step_a, int step_b,
                    const struct vn_binary_s8 *p)
{
    for (size_t i = 0; i < n; i++, a += step_a, b += step_b) {
        if (p->op == VN_BIN_MUL)
            out[i] = (int8_t)vn_mul(*a, p->za, *b, p->zb, p->ra, p->zy, p->lo, p->hi);
        else
            out[i] = (int8_t)vn_add(*a, p->ra, *b, p->rb, p->fixed, p->lo, p->hi);
    }
}

#define SPAN(op)                                                  \
    for (size_t i = 0; i < n; i++, a += step_a, b += step_b)      \
        out[i] = *a op *b;                                        \
    break

void vn_binary_f32_c(float *out, const float *a, const float *b, size_t n, int step_a, int step_b, enum vn_binary op)
{
    switch (op) {
    case VN_BIN_ADD: SPAN(+);
    case VN_BIN_SUB: SPAN(-);
    case VN_BIN_MUL: SPAN(*);
    case VN_BIN_DIV: SPAN(/);
    }
}

void vn_clamp_s8_c(int8_t *out, const int8_t *x, size_t n, int lo, int hi)
{
    for (size_t i = 0; i < n; i++) {
        const int v = x[i] > lo ? x[i] : lo;
        out[i] = (int8_t)(v < hi ? v : hi);
    }
}

void vn_clamp_f32_c(float *out, const float *x, size_t n, float lo, float hi)
{
    for (size_t i = 0; i < n; i++) {
        const float v = x[i] > lo ? x[i] : lo;
        out[i] = v < hi ? v : hi;
    }
}

void vn_table_s8_c(int8_t *out, const int8_t *x, size_t n, const int8_t table[256])
{
    for (size_t i = 0; i < n; i++)
        out[i] = table[x[i] + 128];
}

void vn_quantize_s8_c(int8_t *out, const float *x, size_t n, float scale, int32_t zero)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (int8_t)vn_quantize(x[i], scale, zero, -128, 127);
}

void vn_dequantize_s8_c(float *out, const int8_t *x, size_t n, float scale, int32_t zero)
{
    for (size_t i = 0; i < n; i++)
        out[i] = vn_dequantize(x[i], scale, zero);
}

void vn_unary_f32_c(float *out, const float *x, size_t n, enum vn_unary op, float alpha)
{
    for (size_t i = 0; i < n; i++)
        switch (op) {
        case VN_UN_EXP: out[i] = vn_expf(x[i]); break;
        case VN_UN_SIGMOID: out[i] = vn_sigmoidf(x[i]); break;
        case VN_UN_TANH: out[i] = vn_tanhf(x[i]); break;
        case VN_UN_LEAKYRELU: out[i] = x[i] < 0.0f ? alpha * x[i] : x[i]; break;
        }
}
