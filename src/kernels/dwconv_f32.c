/* kernels/dwconv_f32.c - float32 depthwise convolution: packing and the C reference. */
#include "kernels/conv.h"

void vn_dwconv_f32_pack(float *packed, const float *w, const struct vn_window2d *g)
{
    const size_t taps = (size_t)g->kh * g->kw;
    for (size_t tap = 0; tap < taps; tap++)
        for (int c = 0; c < g->c; c++)
            *packed++ = w[(size_t)c * taps + tap];
}

VN_CONV_F32(vn_dwconv_f32_c)
{
    const struct vn_window2d *const g = &p->g;
    const int c0 = kb0 * VN_OCB, c1 = min_int(g->c, kb1 * VN_OCB);
    for (int row = row0; row < row1; row++)
        for (int ox = 0; ox < g->ow; ox++)
            for (int cb = c0; cb < c1; cb += VN_OCB) {
                const int n = row / g->oh, oy = row % g->oh, count = min_int(VN_OCB, c1 - cb);
                float acc[VN_OCB];
                for (int j = 0; j < count; j++)
                    acc[j] = p->bias[cb + j];
                for (int tap = 0; tap < g->kh * g->kw; tap++) {
                    const int iy = tap_at(oy, g->sh, g->ph, tap / g->kw, g->dh);
                    const int ix = tap_at(ox, g->sw, g->pw, tap % g->kw, g->dw);
                    const int inside = is_inside(iy, g->h) && is_inside(ix, g->w);
                    const float *const xt =
                        inside ? x + (((size_t)n * g->h + iy) * g->w + ix) * g->xp + cb : NULL;
                    const float *const w = p->weight + (size_t)tap * g->c + cb;
                    for (int j = 0; j < count; j++)
                        acc[j] = vn_fma(xt ? xt[j] : 0.0f, w[j], acc[j]);
                }
                for (int j = 0; j < count; j++)
                    finish_f32(out, (size_t)row * g->ow + ox, cb + j, acc[j], p);
            }
}
