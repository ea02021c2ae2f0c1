/* kernels/image/skimage_rows_body.h - weighted sums of rows in float64; NAME(x) is the name of x for one
 * level of the CPU. */
#include "kernels/image/image_kernels.h"

static void add(double *restrict out, const double *restrict in, double w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] += in[i] * w;
}

static void add_pair(double *restrict out, const double *in, const double *in2, double w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] += (in[i] + in2[i]) * w;
}

const struct vn_skimage_rows NAME(skimage_rows) = { add, add_pair };
