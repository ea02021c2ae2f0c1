/* kernels/x86/conv_body.h - direct convolution, included once per element type and instruction set.
 *
 * A tile is `np` output pixels, in memory order and across row ends, times `nv` vectors of output channels,
 * all in registers. A list (conv_lists_body.h) has the offset of each pixel and of each step of the sum, so
 * that a tile is one loop.
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
 *   MOST_STEPS, PATCH   conv_lists_body.h
 *   NP2, NP1, and with one vector per block NP4 and NP3: pixels per tile for 2, 1, 4 and 3 vectors
 */
#define MAX_NP 8
#define MAX_NV 4
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

/* Has all sums in registers at this point. Without it, gcc keeps some of them in memory throughout the loop
 * in front, because constants of the epilogue take their registers. */
static ALWAYS_INLINE void settle(VECTOR acc[MAX_NP][MAX_NV], const int np, const int nv)
{
    EACH(i, np)
    EACH(v, nv)
    __asm__("" : "+v"(acc[i][v]));
}

/* np pixels from the list's pixel `at` on. */
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

static int outputs_of(const struct job *job, struct outputs *o, int most, const struct list *l)
{
#if VECS == 1
    static void (*const listed[])(const struct job *, const struct outputs *,
                                  const struct list *) = { 0, listed_1, listed_2, listed_3, listed_4 };
    const int blocks = most >= 7 || most == 4 ? 4 : min_int(most, 3), vectors = blocks;
#else
    static void (*const listed[])(const struct job *, const struct outputs *,
                                  const struct list *) = { 0, listed_1, listed_2 };
    const int blocks = min_int(most, 1), vectors = o->left <= LANES ? 1 : 2;
#endif
    for (int v = 0; v < vectors; v++)
        o->start[v] = START(job->p, (size_t)o->kb * VN_OCB + v * LANES);
    o->end = ENDING_OF(job->p, vectors, (size_t)o->kb * VN_OCB);
    listed[vectors](job, o, l);
    return blocks;
}
