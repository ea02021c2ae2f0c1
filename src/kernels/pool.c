/* kernels/pool.c - pooling of floats: the C references. */
#include "kernels/pool_window.h"

#include <math.h>

/* Every output position of the rows. */
#define FOR_EACH_PIXEL(g) \
    for (int row = row0; row < row1; row++) \
        for (int ox = 0; ox < (g)->ow; ox++)

void vn_maxpool_f32_c(float *out, const float *x, const struct vn_pool *p, int row0, int row1)
{
    const struct vn_window2d *const g = &p->g;
    FOR_EACH_PIXEL (g) {
        const struct pool_window t = window_at(g, row % g->oh, ox);
        float *const y = out + ((size_t)row * g->ow + ox) * g->yp;
        for (int c = 0; c < g->c; c++)
            y[c] = -INFINITY;
        for (int ky = t.y0; ky < t.y1; ky++)
            for (int kx = t.x0; kx < t.x1; kx++) {
                const float *const xt = x + tap_pixel(g, row / g->oh, &t, ky, kx);
                for (int c = 0; c < g->c; c++)
                    y[c] = xt[c] > y[c] ? xt[c] : y[c];
            }
    }
}

void vn_avgpool_f32_c(float *out, const float *x, const struct vn_pool *p, int row0, int row1)
{
    const struct vn_window2d *const g = &p->g;
    FOR_EACH_PIXEL (g) {
        const struct pool_window t = window_at(g, row % g->oh, ox);
        float *const y = out + ((size_t)row * g->ow + ox) * g->yp;
        for (int c = 0; c < g->c; c++) {
            float part[16] = { 0 };
            int tap = 0;
            for (int ky = t.y0; ky < t.y1; ky++)
                for (int kx = t.x0; kx < t.x1; kx++, tap++)
                    part[tap % 16] += x[tap_pixel(g, row / g->oh, &t, ky, kx) + c];
            for (int step = 8; step; step /= 2)
                for (int i = 0; i < step; i++)
                    part[i] += part[i + step];
            y[c] = part[0] / (float)pool_divisor(p, &t);
        }
    }
}
