/* kernels/dots.c - sums of products in float64 by float32 weights: the C reference. */
#include "kernels/kernels.h"

void vn_dots_f64_c(double *y, const double *x, const float *w, size_t rows, size_t n, size_t pitch)
{
    for (size_t k = 0; k < n; k++, w += pitch)
        for (size_t r = 0; r < rows; r++)
            y[r] += x[k] * (double)w[r];
}
