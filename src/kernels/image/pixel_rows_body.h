/* kernels/image/pixel_rows_body.h - channels and normalisation; NAME(x) is the name of x for one level of
 * the CPU. */
#include "kernels/image/image_kernels.h"

/* Constants: the compiler makes shuffles of it. */
static void swap_bytes(uint8_t *restrict out, const uint8_t *restrict in, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++) {
        out[3 * i] = in[3 * i + 2];
        out[3 * i + 1] = in[3 * i + 1];
        out[3 * i + 2] = in[3 * i];
    }
}

static void normalise_block(float *restrict out, const float *restrict in, size_t n,
                            const struct vn_normalise_row *p)
{
    const float scale = p->scale, *mean = p->mean, *std = p->std;
    if (p->divide)
        for (size_t i = 0; i < n; i++)
            out[i] = in[i] / scale - mean[i];
    else
        for (size_t i = 0; i < n; i++)
            out[i] = in[i] * scale - mean[i];
    if (p->multiply)
        for (size_t i = 0; i < n; i++)
            out[i] *= std[i];
    else
        for (size_t i = 0; i < n; i++)
            out[i] /= std[i];
}

static void normalise(float *out, const float *in, size_t n, const struct vn_normalise_row *p)
{
    const size_t block = VN_NORMALISE_BLOCK;
    for (size_t i = 0; i < n; i += block)
        normalise_block(out + i, in + i, n - i < block ? n - i : block, p);
}

const struct vn_pixel_rows NAME(pixel_rows) = { swap_bytes, normalise };
