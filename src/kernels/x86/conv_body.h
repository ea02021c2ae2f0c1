/* kernels/x86/conv_body.h - direct convolution, included once per element type and instruction set.
 *
 * A tile is `np` output pixels, in memory order and across row ends, times `nv` vectors of output channels,
 * all in registers. There are two ways to the inputs:
 * - a list has the offset of each pixel and of each step of the sum, so that a tile is one loop. Where
 * windows reach into the padding, a patch of the input is copied with its padding first;
 * - where the list would be too long (many channels), each tap has a pointer per pixel: to its channels, or
 * to `pad`.
 *
 * The includer defines
 *   ELEM, PARAMS     element type, parameter struct
 *   VECTOR, VECS     vector of accumulators; vectors per block of VN_OCB channels
 *   LANES            of it: VN_OCB / VECS
 *   STEP             input channels per multiply instruction
 *   LOAD_W, LOAD_X   weight vector from memory; STEP input channels to all lanes
 *   MAC(acc, x, w)
 *   START(p, i)      first value of the accumulators whose place in bias is i
 *   FINISH_TILE(np, nv, form, acc, out, o, first, count, p)   write `count` pixels from `first` on
 *   ENDING, ENDING_OF(p, nv, i), FORM(o)   optional: o->end for FINISH_TILE, and which of four forms that
 * takes: without branches in its epilogue, a tile keeps everything in registers
 *   PAD(p)           the byte that padding consists of
 *   NP2, NP1, and with one vector per block NP4 and NP3: pixels per tile for 2, 1, 4 and 3 vectors
 */
#define CHUNK 1024 /* channels per pass over a tap; the length of the padding line */
#define MAX_NP 8
#define MAX_NV 4
#define MOST_STEPS 512
#define MOST_PIXELS 512
#ifdef ENDING
#define FORMS 4
#else
#define ENDING_OF(p, nv, i) 0
#define FORM(o) 0
#define FORMS 1
#endif
#include "kernels/x86/conv_lists_body.h"

/* DO with `form` as a constant, 0 to 3 */
#define BY_FORM(form, DO, ...) \
    switch (form) { \
    case 0: DO(0, ##__VA_ARGS__); break; \
    case 1: DO(1, ##__VA_ARGS__); break; \
    case 2: DO(2, ##__VA_ARGS__); break; \
    default: DO(3, ##__VA_ARGS__); \
    }

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
            EACH(i, np)
            {
                const int real = inside || tap_is_real(&t[i], ky * g->dh, kx * g->dw, g);
                x[i] = real ? job->x + (t[i].at + tap) : job->pad;
                step[i] = real ? CHUNK : 0;
            }
            for (int c0 = 0; c0 < channels; c0 += CHUNK) {
                const int count = min_int(CHUNK, channels - c0);
                for (int c = 0; c < count; c += STEP, w += STEP * VN_OCB) {
                    VECTOR wv[MAX_NV];
                    EACH(v, nv)
                    wv[v] = LOAD_W(w + (size_t)(v / VECS) * block + v % VECS * LANES);
                    EACH(i, np)
                    {
                        const VECTOR xv = LOAD_X(x[i] + c);
                        EACH(v, nv)
                        acc[i][v] = MAC(acc[i][v], xv, wv[v]);
                    }
                }
                EACH(i, np)
                x[i] += step[i];
            }
        }
}

static ALWAYS_INLINE void tile(const int np, const int nv, const struct job *job, const struct outputs *o,
                               struct walk *walk)
{
    const PARAMS *const p = job->p;
    const int first = walk->at, count = min_int(np, walk->last - first);
    struct pixel t[MAX_NP];
    const int inside = next_pixels(t, np, walk, &p->g, o->channel);

    VECTOR acc[MAX_NP][MAX_NV];
    EACH(i, np)
    EACH(v, nv)
    acc[i][v] = o->start[v];
    if (inside)
        sum_taps(acc, np, nv, 1, job, t, o->kb);
    else
        sum_taps(acc, np, nv, 0, job, t, o->kb);
#define END_TILE(form) FINISH_TILE(np, nv, form, acc, job->out, o, (size_t)first, count, p)
    BY_FORM(FORM(o), END_TILE)
#undef END_TILE
}

/* Has all sums in registers at this point. Without it, gcc keeps some of them in memory throughout the loop
 * in front, because constants of the epilogue take their registers. */
static ALWAYS_INLINE void settle(VECTOR acc[MAX_NP][MAX_NV], const int np, const int nv)
{
    EACH(i, np)
    EACH(v, nv)
    __asm__("" : "+v"(acc[i][v]));
}

/* The same by a list, from its pixel `at` on. */
static ALWAYS_INLINE void listed_tile(const int np, const int nv, const int form, const struct job *job,
                                      const struct outputs *o, const struct list *l, int at)
{
    (void)form; /* where the element type has one */
    const size_t block = job->block_elems;
    const ELEM *w = job->p->weight + (size_t)o->kb * block, *x[MAX_NP];
    VECTOR acc[MAX_NP][MAX_NV];
    EACH(i, np)
    {
        x[i] = l->x + l->pixel[at + i];
        EACH(v, nv)
        acc[i][v] = o->start[v];
    }
    for (int s = 0; s < l->steps; s++, w += STEP * VN_OCB) {
        const ptrdiff_t step = l->step[s];
        VECTOR wv[MAX_NV];
        EACH(v, nv)
        wv[v] = LOAD_W(w + (size_t)(v / VECS) * block + v % VECS * LANES);
        EACH(i, np)
        {
            const VECTOR xv = LOAD_X(x[i] + step);
            EACH(v, nv)
            acc[i][v] = MAC(acc[i][v], xv, wv[v]);
        }
    }
    if (nv > 2 && FORMS > 1)
        settle(acc, np, nv);
    FINISH_TILE(np, nv, form, acc, job->out, o, l->first + at, min_int(np, l->pixels - at), job->p);
}

#define LISTED(form, np, nv) listed_tiles(np, nv, form, job, o, l)
static ALWAYS_INLINE void listed_tiles(const int np, const int nv, const int form, const struct job *job,
                                       const struct outputs *o, const struct list *l)
{
    int at = 0;
    for (; l->pixels - at > np / 2; at += np)
        listed_tile(np, nv, form, job, o, l, at);
    for (; at < l->pixels; at++)
        listed_tile(1, nv, form, job, o, l, at);
}

/* All pixels for nv vectors of output channels: whole tiles, then a filled-up one or single pixels. */
#define TILES(nv, np) \
    static __attribute__((noinline)) void tile_##nv(const struct job *job, const struct outputs *o, \
                                                    struct walk *w) \
    { \
        tile(np, nv, job, o, w); \
    } \
    static __attribute__((noinline)) void pixel_##nv(const struct job *job, const struct outputs *o, \
                                                     struct walk *w) \
    { \
        tile(1, nv, job, o, w); \
    } \
    static void pixels_##nv(const struct job *job, const struct outputs *o, struct walk w) \
    { \
        int left = w.last - w.at; \
        for (; left > np / 2; left -= np) \
            tile_##nv(job, o, &w); \
        for (; left > 0; left--) \
            pixel_##nv(job, o, &w); \
    } \
    static __attribute__((noinline)) void listed_##nv(const struct job *job, const struct outputs *o, \
                                                      const struct list *l) \
    { \
        BY_FORM(FORM(o), LISTED, np, nv) \
    }
TILES(2, NP2)
TILES(1, NP1)
#if VECS == 1
TILES(4, NP4)
TILES(3, NP3)
#endif

static int outputs_of(const struct job *job, struct outputs *o, int most, const struct list *l,
                      struct walk walk)
{
#if VECS == 1
    static void (*const listed[])(const struct job *, const struct outputs *,
                                  const struct list *) = { 0, listed_1, listed_2, listed_3, listed_4 };
    static void (*const walked[])(const struct job *, const struct outputs *,
                                  struct walk) = { 0, pixels_1, pixels_2, pixels_3, pixels_4 };
    const int blocks = most >= 7 || most == 4 ? 4 : min_int(most, 3), vectors = blocks;
#else
    static void (*const listed[])(const struct job *, const struct outputs *,
                                  const struct list *) = { 0, listed_1, listed_2 };
    static void (*const walked[])(const struct job *, const struct outputs *, struct walk) = { 0, pixels_1,
                                                                                               pixels_2 };
    const int blocks = min_int(most, 1), vectors = o->left <= LANES ? 1 : 2;
#endif
    for (int v = 0; v < vectors; v++)
        o->start[v] = START(job->p, (size_t)o->kb * VN_OCB + v * LANES);
    o->end = ENDING_OF(job->p, vectors, (size_t)o->kb * VN_OCB);
    if (l)
        listed[vectors](job, o, l);
    else
        walked[vectors](job, o, walk);
    return blocks;
}

static void run(const struct job *job, int row0, int row1, int kb0, int kb1)
{
    const struct vn_window2d *const g = &job->p->g;
    struct list l;
    if (row0 < row1 && plan_list(&l, g)) {
        (l.patched ? run_patched : run_listed)(&l, job, row0, row1, kb0, kb1);
        return;
    }
    const int per = blocks_per_group(g);
    for (int kb = kb0; kb < kb1;) { /* a tile stays within a group */
        struct outputs o = outputs_at(g, kb);
        kb += outputs_of(job, &o, min_int(kb1 - kb, per - kb % per), NULL, walk_rows(g, row0, row1));
    }
}
