/* kernels/preprocess.c - colour conversion, mean and scale of image pixels as one small matrix. */
#define NAME(width) vn_preprocess_##width##_c
#include "kernels/preprocess_body.h"

void vn_preprocess_f32_c(float *out, const float *x, int c, const float *a, const float *b, size_t p0,
                         size_t p1)
{
    for (size_t i = p0; i < p1; i++)
        for (int j = 0; j < c; j++) {
            float y = b[j];
            for (int k = 0; k < c; k++)
                y = vn_fma(a[j * c + k], x[i * c + k], y);
            out[i * c + j] = y;
        }
}
