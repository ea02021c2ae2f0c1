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

/* ---- sums of weights ---- */

/* Of each output channel of a block, weights above 0 and those below apart: sums of the latest pair, of two
 * and four pairs before it, of all so far; and the largest sums. */
struct lane_sums {
    int32_t pair[2][VN_OCB], two[2][2][VN_OCB], four[4][2][VN_OCB], all[2][VN_OCB];
    int32_t most[VN_RUNS][2][VN_OCB];
};

static int32_t weight_at(const struct vn_conv_s16 *p, size_t at)
{
    return p->wide_weights ? ((const int16_t *)p->weight)[at] : ((const int8_t *)p->weight)[at];
}

static void note_sums(int32_t most[2][VN_OCB], int32_t sum[2][VN_OCB])
{
    for (int i = 0; i < VN_OCB; i++) {
        most[VN_ANY_SIGN][i] = max_int(most[VN_ANY_SIGN][i], sum[0][i] + sum[1][i]);
        most[VN_ONE_SIGN][i] = max_int(most[VN_ONE_SIGN][i], max_int(sum[0][i], sum[1][i]));
    }
}

/* sum = more + before; before = more, which is of the pairs that follow it */
static void add_sums(int32_t sum[2][VN_OCB], int32_t before[2][VN_OCB], int32_t more[2][VN_OCB])
{
    for (int sign = 0; sign < 2; sign++)
        for (int i = 0; i < VN_OCB; i++) {
            sum[sign][i] = more[sign][i] + before[sign][i];
            before[sign][i] = more[sign][i];
        }
}

/* Pair number n of every channel: w[i][0] and w[i][1]. */
static void add_pair(struct lane_sums *s, int32_t w[VN_OCB][2], int n)
{
    int32_t one[2][VN_OCB], two[2][VN_OCB], four[2][VN_OCB], eight[2][VN_OCB];
    for (int i = 0; i < VN_OCB; i++) {
        one[0][i] = max_int(w[i][0], 0) + max_int(w[i][1], 0);
        one[1][i] = max_int(-w[i][0], 0) + max_int(-w[i][1], 0);
        for (int sign = 0; sign < 2; sign++)
            s->all[sign][i] = min_int(s->all[sign][i] + one[sign][i], VN_SUM_MOST);
    }
    add_sums(two, s->pair, one);
    add_sums(four, s->two[n % 2], two);
    add_sums(eight, s->four[n % 4], four);
    note_sums(s->most[0], one);
    note_sums(s->most[1], two);
    note_sums(s->most[2], four);
    note_sums(s->most[3], eight);
}

/* The block of `n` weights from `from` on. */
static void add_block(struct lane_sums *s, const struct vn_conv_s16 *p, size_t from, size_t n)
{
    for (size_t at = 0; at < n; at += 2 * VN_OCB) { /* every other one begins in the middle of a four */
        int32_t w[VN_OCB][2];
        const size_t first = from + at / (4 * VN_OCB) * 4 * VN_OCB + at % (4 * VN_OCB) / VN_OCB;
        for (int i = 0; i < VN_OCB; i++)
            for (int j = 0; j < 2; j++)
                w[i][j] = weight_at(p, first + 4 * (size_t)i + (size_t)j);
        add_pair(s, w, (int)(at / (2 * VN_OCB)));
    }
    note_sums(s->most[VN_RUNS - 1], s->all);
}

/* Depthwise: `count` channels from c on. */
static void add_columns(struct lane_sums *s, const struct vn_conv_s16 *p, int c, int count)
{
    const struct vn_window2d *const g = &p->g;
    for (int ky = 0; ky < g->kh; ky++) {
        int32_t row[2][VN_OCB] = { { 0 } }, pair[2][VN_OCB], tap[2][VN_OCB] = { { 0 } },
                before[2][VN_OCB] = { { 0 } };
        for (int kx = 0; kx < g->kw; kx++) {
            for (int i = 0; i < count; i++) {
                const int32_t w = weight_at(p, (size_t)(ky * g->kw + kx) * g->c + c + i);
                tap[0][i] = max_int(w, 0);
                tap[1][i] = max_int(-w, 0);
                for (int sign = 0; sign < 2; sign++) {
                    row[sign][i] = min_int(row[sign][i] + tap[sign][i], VN_SUM_MOST);
                    s->all[sign][i] = min_int(s->all[sign][i] + tap[sign][i], VN_SUM_MOST);
                }
            }
            add_sums(pair, before, tap);
            note_sums(s->most[0], pair);
        }
        note_sums(s->most[VN_ROW_RUN], row);
    }
    note_sums(s->most[VN_RUNS - 1], s->all);
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
        int32_t(*const sums)[2] = p->sums[(int64_t)kb * VN_RUN_PARTS / blocks];
        for (int run = 0; run < VN_RUNS; run++)
            for (int sign = 0; sign < 2; sign++)
                for (int i = 0; i < VN_OCB; i++)
                    sums[run][sign] = max_int(sums[run][sign], s.most[run][sign][i]);
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
