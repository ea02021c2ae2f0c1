/* kernels/x86/conv_body.h - direct convolution, included once per element type and instruction set.
 *
 * A tile is `np` output pixels, in memory order and across row ends, times `nv` vectors of output channels, all in registers.
 * Per tap each pixel has a pointer to its input channels, or to `pad` where the tap is padding, so the inner loop has no checks.
 *
 * The includer defines
 *   ELEM, PARAMS     element type, parameter struct
 *   VECTOR, VECS        vector of accumulators; vectors per block of VN_OCB channels
 *   STEP             input channels per multiply instruction
 *   LOAD_W, LOAD_X   weight vector from memory; STEP input channels to all lanes
 *   MAC(acc, x, w)
 *   START(p, i)      first value of the accumulators whose place in bias is i
 *   FINISH(out, pixel, k, acc, i, count, p)   write `count` outputs of a pixel from channel `k` on
 *   NP2, and with one vector per block NP4 and NP1: pixels per tile for 2, 4 and 1 vectors
 */
#include "kernels/x86/pixels.h"

#define CHUNK 1024 /* channels per pass over a tap; the length of the padding line */
#define MAX_NP 8
#define MAX_NV 4
#define LANES (VN_OCB / VECS)

struct job {
    void *out;
    const ELEM *x;
    const ELEM *pad; /* CHUNK elements that count as zero */
    const PARAMS *p;
    size_t block_elems; /* of packed weights */
};

/* One or more blocks of one group. */
struct outputs {
    int kb;
    int channel; /* first input channel of the group */
    int oc, left; /* first output channel; how many the group has from there on */
};

static ALWAYS_INLINE void sum_taps(VECTOR acc[MAX_NP][MAX_NV], const int np, const int nv, const int inside,
                                   const struct job *job, const struct pixel *t, int kb)
{
    const struct vn_window2d *const g = &job->p->g;
    const size_t block = job->block_elems;
    const int channels = (g->c / g->groups + STEP - 1) / STEP * STEP;
    const ELEM *w = job->p->weight + (size_t)kb * block;
    for (int ky = 0; ky < g->kh; ky++)
        for (int kx = 0; kx < g->kw; kx++) {
            const ptrdiff_t tap = ((ptrdiff_t)ky * g->dh * g->w + kx * g->dw) * g->xp;
            const ELEM *x[MAX_NP];
            ptrdiff_t step[MAX_NP];
            EACH (i, np) {
                const int real = inside || tap_is_real(&t[i], ky * g->dh, kx * g->dw, g);
                x[i] = real ? job->x + (t[i].at + tap) : job->pad;
                step[i] = real ? CHUNK : 0;
            }
            for (int c0 = 0; c0 < channels; c0 += CHUNK) {
                const int count = min_int(CHUNK, channels - c0);
                for (int c = 0; c < count; c += STEP, w += STEP * VN_OCB) {
                    VECTOR wv[MAX_NV];
                    EACH (v, nv)
                        wv[v] = LOAD_W(w + (size_t)(v / VECS) * block + v % VECS * LANES);
                    EACH (i, np) {
                        const VECTOR xv = LOAD_X(x[i] + c);
                        EACH (v, nv)
                            acc[i][v] = MAC(acc[i][v], xv, wv[v]);
                    }
                }
                EACH (i, np)
                    x[i] += step[i];
            }
        }
}

static ALWAYS_INLINE void tile(const int np, const int nv, const struct job *job, const struct outputs *o,
                               struct walk *walk)
{
    const PARAMS *const p = job->p;
    const int first = walk->at, count = min_int(np, walk->last - first);
    const size_t lane0 = (size_t)o->kb * VN_OCB;
    struct pixel t[MAX_NP];
    const int inside = next_pixels(t, np, walk, &p->g, o->channel);

    VECTOR acc[MAX_NP][MAX_NV];
    EACH (v, nv) {
        const VECTOR start = START(p, lane0 + v * LANES);
        EACH (i, np)
            acc[i][v] = start;
    }
    if (inside)
        sum_taps(acc, np, nv, 1, job, t, o->kb);
    else
        sum_taps(acc, np, nv, 0, job, t, o->kb);
    EACH (v, nv) {
        const int lane = v * LANES, lanes = min_int(LANES, o->left - lane);
        EACH (i, np)
            if (i < count && lanes > 0)
                FINISH(job->out, (size_t)(first + i), o->oc + lane, acc[i][v], lane0 + lane, lanes, p);
    }
}

/* All pixels for nv vectors of output channels: whole tiles, then a filled-up one or single pixels. */
#define TILES(nv, np)                                                                                             \
    static __attribute__((noinline)) void tile_##nv(const struct job *job, const struct outputs *o, struct walk *w)  \
    {                                                                                                             \
        tile(np, nv, job, o, w);                                                                                  \
    }                                                                                                             \
    static __attribute__((noinline)) void pixel_##nv(const struct job *job, const struct outputs *o, struct walk *w) \
    {                                                                                                             \
        tile(1, nv, job, o, w);                                                                                   \
    }                                                                                                             \
    static void pixels_##nv(const struct job *job, const struct outputs *o, struct walk w)                        \
    {                                                                                                             \
        int left = w.last - w.at;                                                                                 \
        for (; left > np / 2; left -= np)                                                                         \
            tile_##nv(job, o, &w);                                                                                \
        for (; left > 0; left--)                                                                                  \
            pixel_##nv(job, o, &w);                                                                               \
    }
TILES(2, NP2)
#if VECS == 1
TILES(4, NP4)
TILES(1, NP1)
#endif

static void run(const struct job *job, int row0, int row1, int kb0, int kb1)
{
    const struct vn_window2d *const g = &job->p->g;
    const struct walk walk = walk_rows(g, row0, row1);
    const int kg = g->k / g->groups;
    for (int kb = kb0, done; kb < kb1; kb += done) {
        const struct block b = block_at(g, kb);
        const struct outputs o = { kb, b.group * (g->c / g->groups), b.oc, (b.group + 1) * kg - b.oc };
#if VECS == 1
        const int per = blocks_per_group(g), left = min_int(kb1 - kb,
            per - kb % per); /* a tile stays within a group */
        done = left >= 4 ? 4 : left >= 2 ? 2 : 1;
        (done == 4 ? pixels_4 : done == 2 ? pixels_2 : pixels_1)(job, &o, walk);
#else
        done = 1;
        pixels_2(job, &o, walk);
#endif
    }
}
