/* kernels/conv_s16.c - int16 convolution by int8 or int16 weights: packing and the C references. Sums are 64 bits wide. */
#include "kernels/conv.h"

#include <stdlib.h>
#include <string.h>

void vn_conv_s16_pack(int16_t *packed, const int16_t *w, const struct vn_window2d *g)
{
    const size_t cg = (size_t)(g->c / g->groups), taps = (size_t)g->kh * g->kw, quads = (cg + 3) / 4 * 4;
    for (int kb = 0; kb < vn_conv_blocks(g); kb++) {
        const struct block b = block_at(g, kb);
        for (size_t tap = 0; tap < taps; tap++)
            for (size_t c4 = 0; c4 < quads; c4 += 4)
                for (int j = 0; j < VN_OCB; j++)
                    for (size_t c = c4; c < c4 + 4; c++)
                        *packed++ = j < b.count && c < cg ? w[((size_t)(b.oc + j) * cg + c) * taps + tap] : 0;
    }
}

void vn_dwconv_s16_pack(int16_t *packed, const int16_t *w, const struct vn_window2d *g)
{
    const size_t taps = (size_t)g->kh * g->kw;
    for (size_t tap = 0; tap < taps; tap++)
        for (int c = 0; c < g->c; c++)
            *packed++ = w[(size_t)c * taps + tap];
}

/* ---- runs: |weights| that meet in a 32-bit sum ---- */

#define MOST_SUM 65535 /* times 32768, it fits 31 bits */
#define SUMS (2 * VN_OCB)

/* Of each sum the most that 1, 2 and 4 pairs in a row make, and all; the pairs before, latest first. */
struct extents {
    int32_t one[SUMS], two[SUMS], four[SUMS], all[SUMS], last[3][SUMS];
};

static int32_t larger(int32_t a, int32_t b) { return a > b ? a : b; }

static void add_pairs(struct extents *e, const int16_t w[2 * SUMS])
{
    for (int i = 0; i < SUMS; i++) {
        const int32_t pair = abs(w[2 * i]) + abs(w[2 * i + 1]), two = pair + e->last[0][i];
        e->one[i] = larger(e->one[i], pair);
        e->two[i] = larger(e->two[i], two);
        e->four[i] = larger(e->four[i], two + e->last[1][i] + e->last[2][i]);
        e->all[i] = min_int(e->all[i] + pair, MOST_SUM + 1);
        e->last[2][i] = e->last[1][i];
        e->last[1][i] = e->last[0][i];
        e->last[0][i] = pair;
    }
}

static uint8_t run_of(const struct extents *e)
{
    const int32_t *const sums[] = { e->all, e->four, e->two, e->one };
    static const uint8_t runs[] = { VN_RUN_MOST, 4, 2, 1 };
    for (int i = 0; i < 4; i++) {
        int32_t most = 0;
        for (int j = 0; j < SUMS; j++)
            most = larger(most, sums[i][j]);
        if (most <= MOST_SUM)
            return runs[i];
    }
    return 0;
}

static uint8_t dense_run(const int16_t *w, size_t n)
{
    struct extents e = { 0 };
    for (; n > 0; n -= 2 * SUMS, w += 2 * SUMS)
        add_pairs(&e, w);
    return run_of(&e);
}

static uint8_t depthwise_run(const int16_t *w, const struct vn_window2d *g, int count)
{
    struct extents e = { 0 };
    const int taps = g->kh * g->kw;
    for (int tap = 0; tap < taps; tap += 2, w += 2 * (size_t)g->c) {
        int16_t pairs[2 * SUMS] = { 0 };
        for (int i = 0; i < count; i++) {
            pairs[2 * i] = w[i];
            pairs[2 * i + 1] = tap + 1 < taps ? w[i + (size_t)g->c] : 0;
        }
        add_pairs(&e, pairs);
    }
    return run_of(&e);
}

void vn_conv_s16_runs(struct vn_conv_s16 *p, int depthwise)
{
    const struct vn_window2d *const g = &p->g;
    const int blocks = depthwise ? (g->c + VN_OCB - 1) / VN_OCB : vn_conv_blocks(g);
    const size_t block = depthwise ? VN_OCB : vn_conv_s8_packed_bytes(g) / (size_t)blocks;
    memset(p->runs, VN_RUN_MOST, sizeof p->runs); /* so many pairs of int8 always fit */
    for (int kb = 0; kb < blocks && p->wide_weights; kb++) {
        const int16_t *const w = (const int16_t *)p->weight + (size_t)kb * block;
        const uint8_t run =
            depthwise ? depthwise_run(w, g, min_int(VN_OCB, g->c - kb * VN_OCB)) : dense_run(w, block);
        uint8_t *const at = &p->runs[(int64_t)kb * VN_RUNS / blocks];
        *at = run < *at ? run : *at;
    }
}

/* One tap of a block over the group's channels, for either type of weights. */
#define ADD_TAP(name, type)                                                                         \
    static void name(int64_t acc[VN_OCB], const int16_t *x, const type *w, int channels)            \
    {                                                                                               \
        for (int c = 0; c < channels; c++) {                                                        \
            const type *const wc = w + (size_t)(c / 4) * 4 * VN_OCB + c % 4;                        \
            for (int j = 0; j < VN_OCB; j++)                                                        \
                acc[j] += (int64_t)x[c] * wc[j * 4];                                                \
        }                                                                                           \
    }
ADD_TAP(add_tap8, int8_t)
ADD_TAP(add_tap16, int16_t)

static void one_block(void *out, const int16_t *x, const struct vn_conv_s16 *p, int row, int ox, int kb)
{
    const struct vn_window2d *const g = &p->g;
    const struct block b = block_at(g, kb);
    const int n = row / g->oh, oy = row % g->oh, cg = g->c / g->groups;
    const size_t tap_weights = ((size_t)cg + 3) / 4 * 4 * VN_OCB;
    size_t w = (size_t)kb * g->kh * g->kw * tap_weights;
    int64_t acc[VN_OCB];
    for (int j = 0; j < VN_OCB; j++)
        acc[j] = p->bias[(size_t)kb * VN_OCB + j];
    for (int ky = 0; ky < g->kh; ky++)
        for (int kx = 0; kx < g->kw; kx++, w += tap_weights) {
            const int iy = tap_at(oy, g->sh, g->ph, ky, g->dh), ix = tap_at(ox, g->sw, g->pw, kx, g->dw);
            if (!is_inside(iy, g->h) || !is_inside(ix, g->w))
                continue;
            const int16_t *const xt =
                x + (((size_t)n * g->h + iy) * g->w + ix) * g->xp + (size_t)b.group * cg;
            if (p->wide_weights)
                add_tap16(acc, xt, (const int16_t *)p->weight + w, cg);
            else
                add_tap8(acc, xt, (const int8_t *)p->weight + w, cg);
        }
    const size_t pixel = (size_t)row * g->ow + ox;
    for (int j = 0; j < b.count; j++)
        finish_s16(out, pixel, b.oc + j, acc[j], (size_t)kb * VN_OCB + j, p);
}

VN_CONV_S16(vn_conv_s16_c)
{
    for (int row = row0; row < row1; row++)
        for (int kb = kb0; kb < kb1; kb++)
            for (int ox = 0; ox < p->g.ow; ox++)
                one_block(out, x, p, row, ox, kb);
}

VN_CONV_S16(vn_dwconv_s16_c)
{
    const struct vn_window2d *const g = &p->g;
    const int c0 = kb0 * VN_OCB, c1 = min_int(g->c, kb1 * VN_OCB);
    for (int row = row0; row < row1; row++)
        for (int ox = 0; ox < g->ow; ox++)
            for (int cb = c0; cb < c1; cb += VN_OCB) {
                const int n = row / g->oh, oy = row % g->oh, count = min_int(VN_OCB, c1 - cb);
                int64_t acc[VN_OCB];
                for (int j = 0; j < count; j++)
                    acc[j] = p->bias[cb + j];
                for (int tap = 0; tap < g->kh * g->kw; tap++) {
                    const int iy = tap_at(oy, g->sh, g->ph, tap / g->kw, g->dh);
                    const int ix = tap_at(ox, g->sw, g->pw, tap % g->kw, g->dw);
                    if (!is_inside(iy, g->h) || !is_inside(ix, g->w))
                        continue;
                    const int16_t *const xt = x + (((size_t)n * g->h + iy) * g->w + ix) * g->xp + cb;
                    const size_t w = (size_t)tap * g->c + cb;
                    for (int j = 0; j < count; j++)
                        acc[j] += (int64_t)xt[j] * (p->wide_weights ? ((const int16_t *)p->weight)[w + j] : ((const int8_t *)p->weight)[w + j]);
                }
                for (int j = 0; j < count; j++)
                    finish_s16(out, (size_t)row * g->ow + ox, cb + j, acc[j], (size_t)cb + j, p);
            }
}
