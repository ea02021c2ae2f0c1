/* kernels/normalize.c - rows of float32 to mean 0 and variance 1: the C reference. */
#include "kernels/kernels.h"

static float mean(const float part[16], int n)
{
    float sum[16];
    for (int i = 0; i < 16; i++)
        sum[i] = part[i];
    for (int half = 8; half; half /= 2)
        for (int i = 0; i < half; i++)
            sum[i] += sum[i + half];
    return sum[0] / (float)n;
}

static void normalize_row(float *y, const float *x, const struct vn_normalize *p)
{
    float sum[16] = { 0 }, squares[16] = { 0 };
    for (int i = 0; i < p->n && p->centre; i++)
        sum[i % 16] += x[i];
    const float middle = p->centre ? mean(sum, p->n) : 0.0f;
    for (int i = 0; i < p->n; i++) {
        const float d = x[i] - middle;
        squares[i % 16] += d * d;
    }
    const float root = __builtin_sqrtf(mean(squares, p->n) + (float)p->epsilon);
    for (int i = 0; i < p->n; i++)
        y[i] = (x[i] - middle) / root * p->scale[i] + p->bias[i];
}

void vn_normalize_f32_c(float *out, const float *x, const struct vn_normalize *p, int row0, int row1)
{
    for (int r = row0; r < row1; r++, x += p->n, out += p->n)
        normalize_row(out, x, p);
}
