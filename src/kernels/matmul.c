/* kernels/matmul.c - product of two float activations: the C reference. */
#include "kernels/kernels.h"
#include "num/num.h"

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
