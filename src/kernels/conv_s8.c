/* kernels/conv_s8.c - int8 convolution, dense and grouped: packing and the C reference. */
#include "kernels/conv.h"

#define MAX_RUN 32768 /* channels whose sum cannot pass 2^31: 32768 * 255 * 128 */

int vn_conv_blocks(const struct vn_window2d *g) { return g->groups * blocks_per_group(g); }

static size_t quads(const struct vn_window2d *g) { return ((size_t)(g->c / g->groups) + 3) / 4; }

size_t vn_conv_s8_packed_bytes(const struct vn_window2d *g)
{
    return (size_t)vn_conv_blocks(g) * g->kh * g->kw * quads(g) * 4 * VN_OCB;
}

void vn_conv_s8_pack(int8_t *packed, const int8_t *w, const struct vn_window2d *g)
{
    const size_t cg = (size_t)(g->c / g->groups), taps = (size_t)g->kh * g->kw;
    for (int kb = 0; kb < vn_conv_blocks(g); kb++) {
        const struct block b = block_at(g, kb);
        for (size_t tap = 0; tap < taps; tap++)
            for (size_t c4 = 0; c4 < quads(g) * 4; c4 += 4)
                for (int j = 0; j < VN_OCB; j++)
                    for (size_t c = c4; c < c4 + 4; c++)
                        *packed++ = j < b.count && c < cg ? w[((size_t)(b.oc + j) * cg + c) * taps + tap] : 0;
    }
}

/* Both pack functions for per-channel numbers are this loop. */
#define PACK_CHANNELS(out, v, g) \
    for (int kb = 0; kb < vn_conv_blocks(g); kb++) { \
        const struct block b = block_at(g, kb); \
        for (int j = 0; j < VN_OCB; j++) \
            (out)[(size_t)kb * VN_OCB + j] = j < b.count ? (v)[b.oc + j] : 0; \
    }

void vn_conv_pack_i32(int32_t *out, const int32_t *v, const struct vn_window2d *g)
{
    PACK_CHANNELS(out, v, g)
}
void vn_conv_pack_f32(float *out, const float *v, const struct vn_window2d *g) { PACK_CHANNELS(out, v, g) }

/* One tap: sums of a block over the group's channels. */
static void add_tap(int64_t acc[VN_OCB], const int8_t *x, const int8_t *w, int channels, int32_t zx)
{
    for (int c0 = 0; c0 < channels; c0 += MAX_RUN) {
        const int c1 = min_int(channels, c0 + MAX_RUN);
        int32_t sum[VN_OCB] = { 0 };
        for (int c = c0; c < c1; c++) {
            const int32_t v = x[c] - zx;
            const int8_t *const wc = w + (size_t)(c / 4) * 4 * VN_OCB + c % 4;
            for (int j = 0; j < VN_OCB; j++)
                sum[j] += v * wc[j * 4];
        }
        for (int j = 0; j < VN_OCB; j++)
            acc[j] += sum[j];
    }
}

static void one_block(void *out, const int8_t *x, const struct vn_conv_s8 *p, int row, int ox, int kb)
{
    const struct vn_window2d *const g = &p->g;
    const struct block b = block_at(g, kb);
    const int n = row / g->oh, oy = row % g->oh, cg = g->c / g->groups;
    const size_t tap_bytes = quads(g) * 4 * VN_OCB;
    const int8_t *w = p->weight + (size_t)kb * g->kh * g->kw * tap_bytes;
    int64_t acc[VN_OCB];
    for (int j = 0; j < VN_OCB; j++)
        acc[j] = p->bias[(size_t)kb * VN_OCB + j];
    for (int ky = 0; ky < g->kh; ky++)
        for (int kx = 0; kx < g->kw; kx++, w += tap_bytes) {
            const int iy = tap_at(oy, g->sh, g->ph, ky, g->dh), ix = tap_at(ox, g->sw, g->pw, kx, g->dw);
            if (is_inside(iy, g->h) && is_inside(ix, g->w))
                add_tap(acc, x + (((size_t)n * g->h + iy) * g->w + ix) * g->xp + (size_t)b.group * cg, w, cg,
                        p->zx);
        }
    const size_t pixel = (size_t)row * g->ow + ox;
    for (int j = 0; j < b.count; j++)
        finish_s8(out, pixel, b.oc + j, acc[j], (size_t)kb * VN_OCB + j, p);
}

VN_CONV_S8(vn_conv_s8_c)
{
    for (int row = row0; row < row1; row++)
        for (int kb = kb0; kb < kb1; kb++)
            for (int ox = 0; ox < p->g.ow; ox++)
                one_block(out, x, p, row, ox, kb);
}
