/* kernels/conv_s16.c - int16 convolution by int8 or int16 weights: packing and the C references. Sums are 64
 * bits wide. */
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

/* ---- sums of |weights| ---- */

#define LANES (2 * VN_OCB)

/* Of each lane the largest sums, the sum of all last; those of two and of four pairs before. */
struct lane_sums {
    int32_t most[VN_RUNS][LANES], pair[LANES], two[2][LANES], four[4][LANES];
};

static int32_t weight_at(const struct vn_conv_s16 *p, size_t at)
{
    return p->wide_weights ? ((const int16_t *)p->weight)[at] : ((const int8_t *)p->weight)[at];
}

/* Pair number n of every lane. */
static void add_pairs(struct lane_sums *s, const int16_t w[2 * LANES], int n)
{
    for (int i = 0; i < LANES; i++) {
        const int32_t one = abs(w[2 * i]) + abs(w[2 * i + 1]), two = one + s->pair[i];
        const int32_t four = two + s->two[n % 2][i], eight = four + s->four[n % 4][i];
        s->pair[i] = one;
        s->two[n % 2][i] = two;
        s->four[n % 4][i] = four;
        s->most[0][i] = max_int(s->most[0][i], one);
        s->most[1][i] = max_int(s->most[1][i], two);
        s->most[2][i] = max_int(s->most[2][i], four);
        s->most[3][i] = max_int(s->most[3][i], eight);
        s->most[4][i] = min_int(s->most[4][i] + one, VN_SUM_MOST);
    }
}

/* A block of `n` weights: all groups of four values. */
static void add_block(struct lane_sums *s, const struct vn_conv_s16 *p, size_t from, size_t n)
{
    for (size_t at = 0; at < n; at += 2 * LANES) {
        int16_t w[2 * LANES];
        if (p->wide_weights)
            memcpy(w, (const int16_t *)p->weight + from + at, sizeof w);
        for (size_t i = 0; i < 2 * LANES && !p->wide_weights; i++)
            w[i] = ((const int8_t *)p->weight)[from + at + i];
        add_pairs(s, w, (int)(at / (2 * LANES)));
    }
}

static void add_columns(struct lane_sums *s, const struct vn_conv_s16 *p, int c, int count)
{
    const int taps = p->g.kh * p->g.kw;
    for (int tap = 0; tap < taps; tap += 2) {
        int16_t w[2 * LANES] = { 0 };
        for (int i = 0; i < count; i++)
            for (int j = 0; j < 2 && tap + j < taps; j++)
                w[2 * i + j] = (int16_t)weight_at(p, (size_t)(tap + j) * p->g.c + c + i);
        add_pairs(s, w, tap / 2);
    }
}

void vn_conv_s16_sums(struct vn_conv_s16 *p, int depthwise)
{
    const struct vn_window2d *const g = &p->g;
    const int blocks = depthwise ? (g->c + VN_OCB - 1) / VN_OCB : vn_conv_blocks(g);
    const size_t block = depthwise ? 0 : vn_conv_s8_packed_bytes(g) / (size_t)blocks;
    memset(p->sums, 0, sizeof p->sums);
    p->most_bias = 0;
    for (int i = 0; i < (depthwise ? g->c : blocks * VN_OCB); i++)
        p->most_bias = llabs(p->bias[i]) > p->most_bias ? llabs(p->bias[i]) : p->most_bias;
    for (int kb = 0; kb < blocks; kb++) {
        struct lane_sums s = { 0 };
        if (depthwise)
            add_columns(&s, p, kb * VN_OCB, min_int(VN_OCB, g->c - kb * VN_OCB));
        else
            add_block(&s, p, (size_t)kb * block, block);
        int32_t *const sums = p->sums[(int64_t)kb * VN_RUN_PARTS / blocks];
        for (int run = 0; run < VN_RUNS; run++)
            for (int i = 0; i < LANES; i++)
                sums[run] = max_int(sums[run], s.most[run][i]);
    }
}

/* One tap of a block over the group's channels, for either type of weights. */
#define ADD_TAP(name, type) \
    static void name(int64_t acc[VN_OCB], const int16_t *x, const type *w, int channels) \
    { \
        for (int c = 0; c < channels; c++) { \
            const type *const wc = w + (size_t)(c / 4) * 4 * VN_OCB + c % 4; \
            for (int j = 0; j < VN_OCB; j++) \
                acc[j] += (int64_t)x[c] * wc[j * 4]; \
        } \
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
                        acc[j] += (int64_t)xt[j] * (p->wide_weights ? ((const int16_t *)p->weight)[w + j]
                                                                    : ((const int8_t *)p->weight)[w + j]);
                }
                for (int j = 0; j < count; j++)
                    finish_s16(out, (size_t)row * g->ow + ox, cb + j, acc[j], (size_t)cb + j, p);
            }
}
