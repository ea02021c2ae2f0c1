/* kernels/resize.c - resize by precomputed source indices and weights, channels-last. */
#include "kernels/kernels.h"
#include "num/num.h"

void vn_resize_nearest_c(void *out, const void *x, const struct vn_resize2d *p, int elem_bytes, int row0,
                         int row1)
{
    const size_t pixel = (size_t)p->c * elem_bytes;
    for (int row = row0; row < row1; row++) {
        const size_t line = (size_t)(row / p->oh) * p->h + p->iy[row % p->oh];
        for (int ox = 0; ox < p->ow; ox++)
            memcpy((char *)out + ((size_t)row * p->ow + ox) * pixel,
                   (const char *)x + (line * p->w + p->ix[ox]) * pixel, pixel);
    }
}

void vn_resize_linear_f32_c(float *out, const float *x, const struct vn_resize2d *p, int row0, int row1)
{
    const size_t line = (size_t)p->w * p->c;
    for (int row = row0; row < row1; row++) {
        const int oy = row % p->oh;
        const float *const image = x + (size_t)(row / p->oh) * p->h * line;
        const float *const top = image + p->iy[2 * oy] * line, *const bottom =
                                                                   image + p->iy[2 * oy + 1] * line;
        const float wt = p->wy[2 * oy], wb = p->wy[2 * oy + 1];
        for (int ox = 0; ox < p->ow; ox++) {
            const size_t l = (size_t)p->ix[2 * ox] * p->c, r = (size_t)p->ix[2 * ox + 1] * p->c;
            const float wl = p->wx[2 * ox], wr = p->wx[2 * ox + 1];
            float *const y = out + ((size_t)row * p->ow + ox) * p->c;
            for (int c = 0; c < p->c; c++) {
                const float t = top[l + c] * wl + top[r + c] * wr;
                const float b = bottom[l + c] * wl + bottom[r + c] * wr;
                y[c] = t * wt + b * wb;
            }
        }
    }
}
