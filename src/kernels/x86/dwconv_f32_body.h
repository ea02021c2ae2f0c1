/* kernels/x86/dwconv_f32_body.h - float32 depthwise convolution, lanes are channels. Included once per instruction set.
 *
 * The includer defines VECTOR, LANES, LOAD(p), LOAD_LOW(p, count), FMA(x, w, acc),
 * FINISH(out, pixel, k, acc, count, p), WIDE: the vectors of the widest tile, a multiple of one block; NP:
 * its pixels. */
#include "kernels/x86/pixels.h"

#define BLOCK_VECS (VN_OCB / LANES)

static const float pad[WIDE * LANES];

static ALWAYS_INLINE VECTOR load_some(const float *p, const int whole, int count)
{
    return whole ? LOAD(p) : LOAD_LOW(p, count);
}

static ALWAYS_INLINE void sum_taps(VECTOR acc[NP][WIDE], const int nv, const int whole, const int inside,
                                   const float *x, const struct vn_conv_f32 *p, const struct pixel *t, int c,
                                   int count)
{
    const struct vn_window2d *const g = &p->g;
    const float *w = p->weight + c;
    for (int ky = 0; ky < g->kh; ky++)
        for (int kx = 0; kx < g->kw; kx++, w += g->c) {
            const ptrdiff_t tap = ((ptrdiff_t)ky * g->dh * g->w + kx * g->dw) * g->xp;
            VECTOR wv[WIDE];
            EACH (v, nv)
                wv[v] = load_some(w + v * LANES, whole, count - v * LANES);
            EACH (i, NP) {
                const int real = inside || tap_is_real(&t[i], ky * g->dh, kx * g->dw, g);
                const float *const xt = real ? x + (t[i].at + tap) : pad;
                EACH (v, nv)
                    acc[i][v] = FMA(LOAD(xt + v * LANES), wv[v], acc[i][v]);
            }
        }
}

/* Channels [c, c + count), count <= nv * LANES; `whole` says that they are equal. Only x is read beyond them. */
static ALWAYS_INLINE void tile(const int nv, const int whole, float *out, const float *x,
                               const struct vn_conv_f32 *p, int c, int count, struct walk *walk)
{
    const int first = walk->at, pixels = min_int(NP, walk->last - first);
    struct pixel t[NP];
    const int inside = next_pixels(t, NP, walk, &p->g, c);
    VECTOR acc[NP][WIDE];
    EACH (v, nv) {
        const VECTOR bias = load_some(p->bias + c + v * LANES, whole, count - v * LANES);
        EACH (i, NP)
            acc[i][v] = bias;
    }
    if (inside)
        sum_taps(acc, nv, whole, 1, x, p, t, c, count);
    else
        sum_taps(acc, nv, whole, 0, x, p, t, c, count);
    EACH (i, NP)
        EACH (v, nv)
            if (i < pixels && (whole || count > v * LANES))
                FINISH(out, (size_t)(first + i), c + v * LANES, acc[i][v], min_int(LANES, count - v * LANES),
                       p);
}

static void run(float *out, const float *x, const struct vn_conv_f32 *p, int row0, int row1, int kb0, int kb1)
{
    const int end = min_int(p->g.c, kb1 * VN_OCB);
    for (int c = kb0 * VN_OCB, done; c < end; c += done) {
        struct walk walk = walk_rows(&p->g, row0, row1);
        const int whole = end - c >= WIDE * LANES;
        done = whole ? WIDE * LANES : VN_OCB;
        for (int left = walk.last - walk.at; left > 0; left -= NP) {
            if (whole)
                tile(WIDE, 1, out, x, p, c, WIDE * LANES, &walk);
            else
                tile(BLOCK_VECS, 0, out, x, p, c, min_int(VN_OCB, end - c), &walk);
        }
    }
}
