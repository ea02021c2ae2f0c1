/* kernels/x86/dwconv_s8_body.h - int8 depthwise convolution, lanes are channels. Included once per
 * instruction set.
 *
 * Two taps at a time: bytes widened to int16 and interleaved, so that vpmaddwd adds both products of a
 * channel. Padding reads a line of zx; the zero point is taken off at the end: bias - zx * wsum.
 *
 * The includer defines VECTOR, CHANNELS (int16 lanes of VECTOR), WIDEN(p), UNPACK_LO, UNPACK_HI, MADD, ADD,
 * LOAD(p), STORE(p, v), ZERO and FINISH(out, pixel, lo, hi, start, c, count, p): lo and hi are sums in the
 * interleaved order, start is in channel order. */
#include "kernels/x86/pixels.h"

#define MAX_TAPS 128
#define NP 4

struct plan {
    int pairs;
    struct tap {
        int dy, dx;
        ptrdiff_t at;
    } tap[MAX_TAPS + 1];
    int8_t pad[64];
    int32_t start[CHANNELS]; /* bias - zx * wsum of the current channels */
    int16_t weight[(MAX_TAPS + 1) / 2][2]
                  [CHANNELS]; /* of the current channels, interleaved like the inputs */
};

/* An odd tap is paired with itself, at weight 0. */
static void plan_taps(struct plan *s, const struct vn_window2d *g, int32_t zx)
{
    const int taps = g->kh * g->kw;
    memset(s->pad, zx, sizeof s->pad);
    s->pairs = (taps + 1) / 2;
    for (int i = 0; i < 2 * s->pairs; i++) {
        const int tap = min_int(i, taps - 1), dy = tap / g->kw * g->dh, dx = tap % g->kw * g->dw;
        s->tap[i] = (struct tap){ dy, dx, ((ptrdiff_t)dy * g->w + dx) * g->xp };
    }
}

static void plan_channels(struct plan *s, const struct vn_conv_s8 *p, int c, int count)
{
    const struct vn_window2d *const g = &p->g;
    memset(s->start, 0, sizeof s->start);
    for (int j = 0; j < count; j++) /* may wrap on the way to a sum that fits */
        s->start[j] = (int32_t)((uint32_t)p->bias[c + j] - (uint32_t)p->zx * (uint32_t)p->wsum[c + j]);
    for (int q = 0; q < s->pairs; q++) {
        int16_t w[2][CHANNELS] = { { 0 } };
        for (int tap = 2 * q; tap < min_int(2 * q + 2, g->kh * g->kw); tap++)
            for (int j = 0; j < count; j++)
                w[tap - 2 * q][j] = p->weight[(size_t)tap * g->c + c + j];
        const VECTOR a = LOAD(w[0]), b = LOAD(w[1]);
        STORE(s->weight[q][0], UNPACK_LO(a, b));
        STORE(s->weight[q][1], UNPACK_HI(a, b));
    }
}

static ALWAYS_INLINE const int8_t *tap_input(const int8_t *x, const struct plan *s, const struct pixel *t,
                                             int i, int inside, const struct vn_window2d *g)
{
    const struct tap *const tap = &s->tap[i];
    const int real = inside || tap_is_real(t, tap->dy, tap->dx, g);
    return real ? x + (t->at + tap->at) : s->pad;
}

static ALWAYS_INLINE void sum_taps(VECTOR lo[NP], VECTOR hi[NP], const int8_t *x, const struct plan *s,
                                   const struct pixel *t, const int inside, const int pairs,
                                   const struct vn_window2d *g)
{
    EACH(i, NP)
    lo[i] = hi[i] = ZERO;
    for (int q = 0; q < pairs; q++) {
        const VECTOR w0 = LOAD(s->weight[q][0]), w1 = LOAD(s->weight[q][1]);
        EACH(i, NP)
        {
            const VECTOR a = WIDEN(tap_input(x, s, &t[i], 2 * q, inside, g));
            const VECTOR b = WIDEN(tap_input(x, s, &t[i], 2 * q + 1, inside, g));
            lo[i] = ADD(lo[i], MADD(UNPACK_LO(a, b), w0));
            hi[i] = ADD(hi[i], MADD(UNPACK_HI(a, b), w1));
        }
    }
}

static void run(void *out, const int8_t *x, const struct vn_conv_s8 *p, int row0, int row1, int kb0, int kb1)
{
    const struct vn_window2d *const g = &p->g;
    const int end = min_int(g->c, kb1 * VN_OCB);
    struct plan s;
    plan_taps(&s, g, p->zx);
    for (int c = kb0 * VN_OCB; c < end; c += CHANNELS) {
        const int count = min_int(CHANNELS, end - c);
        struct walk walk = walk_rows(g, row0, row1);
        plan_channels(&s, p, c, count);
        for (int first = walk.at; first < walk.last; first += NP) {
            struct pixel t[NP];
            VECTOR lo[NP], hi[NP];
            const int inside = next_pixels(t, NP, &walk, g, c);
            if (inside && s.pairs == 5)
                sum_taps(lo, hi, x, &s, t, 1, 5, g);
            else if (inside)
                sum_taps(lo, hi, x, &s, t, 1, s.pairs, g);
            else
                sum_taps(lo, hi, x, &s, t, 0, s.pairs, g);
            EACH(i, NP)
            if (first + i < walk.last)
                FINISH(out, (size_t)(first + i), lo[i], hi[i], s.start, c, count, p);
        }
    }
}
