/* kernels/preprocess.c - colour conversion, mean and scale of image pixels as one small matrix. */
#include "kernels/kernels.h"
#include "num/num.h"

void vn_preprocess_s8_c(int8_t *out, const int8_t *x, const struct vn_preprocess_s8 *p, size_t p0, size_t p1)
{
    for (size_t i = p0; i < p1; i++)
        for (int c = 0; c < p->c; c++) {
            int32_t acc = p->bias[c];
            for (int k = 0; k < p->c; k++)
                acc += p->weight[c * p->c + k] * x[i * p->c + k];
            out[i * p->c + c] = (int8_t)vn_requantize(acc, p->mult[c], p->zy, -128, 127);
        }
}

void vn_preprocess_f32_c(float *out, const float *x, int c, const float *a, const float *b, size_t p0, size_t p1)
{
    for (size_t i = p0; i < p1; i++)
        for (int j = 0; j < c; j++) {
            float y = b[j];
            for (int k = 0; k < c; k++)
                y = vn_fma(a[j * c + k], x[i * c + k], y);
            out[i * c + j] = y;
        }
}
