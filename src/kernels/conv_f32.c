/* kernels/conv_f32.c - float32 convolution, dense and grouped: packing and the C reference. */
#include "kernels/conv.h"

size_t vn_conv_f32_packed_bytes(const struct vn_window2d *g)
{
    return (size_t)vn_conv_blocks(g) * g->kh * g->kw * (g->c / g->groups) * VN_OCB * sizeof(float);
}

void vn_conv_f32_pack(float *packed, const float *w, const struct vn_window2d *g)
{
    const size_t cg = (size_t)(g->c / g->groups), taps = (size_t)g->kh * g->kw;
    for (int kb = 0; kb < vn_conv_blocks(g); kb++) {
        const struct block b = block_at(g, kb);
        for (size_t tap = 0; tap < taps; tap++)
            for (size_t c = 0; c < cg; c++)
                for (int j = 0; j < VN_OCB; j++)
                    *packed++ = j < b.count ? w[((size_t)(b.oc + j) * cg + c) * taps + tap] : 0.0f;
    }
}

static void one_block(float *out, const float *x, const struct vn_conv_f32 *p, int row, int ox, int kb)
{
    const struct vn_window2d *const g = &p->g;
    const struct block b = block_at(g, kb);
    const int n = row / g->oh, oy = row % g->oh, cg = g->c / g->groups;
    const float *w = p->weight + (size_t)kb * g->kh * g->kw * cg * VN_OCB;
    float acc[VN_OCB];
    for (int j = 0; j < VN_OCB; j++)
        acc[j] = p->bias[(size_t)kb * VN_OCB + j];
    for (int ky = 0; ky < g->kh; ky++)
        for (int kx = 0; kx < g->kw; kx++) {
            const int iy = tap_at(oy, g->sh, g->ph, ky, g->dh), ix = tap_at(ox, g->sw, g->pw, kx, g->dw);
            const int inside = is_inside(iy, g->h) && is_inside(ix, g->w);
            const size_t from = (((size_t)n * g->h + iy) * g->w + ix) * g->xp + (size_t)b.group * cg;
            const float *const xt = inside ? x + from : NULL;
            for (int c = 0; c < cg; c++, w += VN_OCB) {
                const float v = xt ? xt[c] : 0.0f;
                for (int j = 0; j < VN_OCB; j++)
                    acc[j] = vn_fma(v, w[j], acc[j]);
            }
        }
    const size_t pixel = (size_t)row * g->ow + ox;
    for (int j = 0; j < b.count; j++)
        finish_f32(out, pixel, b.oc + j, acc[j], p);
}

VN_CONV_F32(vn_conv_f32_c)
{
    for (int row = row0; row < row1; row++)
        for (int kb = kb0; kb < kb1; kb++)
            for (int ox = 0; ox < p->g.ow; ox++)
                one_block(out, x, p, row, ox, kb);
}
