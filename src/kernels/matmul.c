/* kernels/matmul.c - product of two activations: the C references. */
#include "kernels/kernels.h"
#include "num/num.h"

void vn_matmul_s8_c(void *c, const int8_t *a, const int8_t *b, const struct vn_matmul *p, int row0, int row1)
{
    for (int i = row0; i < row1; i++)
        for (int j = 0; j < p->n; j++) {
            const size_t at = (size_t)i * p->n + j;
            int64_t acc = 0;
            for (int k = 0; k < p->k; k++)
                acc += (a[(size_t)i * p->k + k] - p->za) * (b[(size_t)k * p->n + j] - p->zb);
            if (p->out_f32)
                ((float *)c)[at] = (float)acc * p->mult;
            else
                ((int8_t *)c)[at] = (int8_t)vn_requantize(acc, p->mult, p->zy, p->lo, p->hi);
        }
}

void vn_matmul_f32_c(float *c, const float *a, const float *b, const struct vn_matmul *p, int row0, int row1)
{
    for (int i = row0; i < row1; i++)
        for (int j = 0; j < p->n; j++) {
            float acc = 0.0f;
            for (int k = 0; k < p->k; k++)
                acc = vn_fma(a[(size_t)i * p->k + k], b[(size_t)k * p->n + j], acc);
            c[(size_t)i * p->n + j] = acc;
        }
}
