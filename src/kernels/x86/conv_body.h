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
 *   FINISH_TILE(np, nv, acc, out, o, first, count, p)   write `count` pixels from `first` on
 *   PAD(p)           the byte that padding consists of
 *   NP2, NP1, and with one vector per block NP4 and NP3: pixels per tile for 2, 1, 4 and 3 vectors
 */
#include "kernels/x86/pixels.h"

#define CHUNK 1024 /* channels per pass over a tap; the length of the padding line */
#define MAX_NP 8
#define MAX_NV 4
#define MOST_STEPS 512
#define MOST_PIXELS 512
#define PATCH 65536 /* bytes */

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
    VECTOR start[MAX_NV];
};

struct list {
    const ELEM *x;
    size_t first; /* output pixel */
    int pixels, steps;
    int patched;
    int down, across, width; /* of a patch: output rows and columns, input columns */
    ptrdiff_t step[MOST_STEPS];
    ptrdiff_t pixel[MOST_PIXELS + MAX_NP]; /* the last one is repeated */
    ELEM patch[PATCH / sizeof(ELEM) + STEP];
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
    FINISH_TILE(np, nv, acc, job->out, o, (size_t)first, count, p);
}

/* The same by a list, from its pixel `at` on. */
static ALWAYS_INLINE void listed_tile(const int np, const int nv, const struct job *job,
                                      const struct outputs *o, const struct list *l, int at)
{
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
    FINISH_TILE(np, nv, acc, job->out, o, l->first + at, min_int(np, l->pixels - at), job->p);
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
        int at = 0; \
        for (; l->pixels - at > np / 2; at += np) \
            listed_tile(np, nv, job, o, l, at); \
        for (; at < l->pixels; at++) \
            listed_tile(1, nv, job, o, l, at); \
    }
TILES(2, NP2)
TILES(1, NP1)
#if VECS == 1
TILES(4, NP4)
TILES(3, NP3)
#endif

/* All pixels of a list, or of a walk without one, for the blocks of one group from o->kb on, at most `most`;
 * returns how many blocks. */
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
    if (l)
        listed[vectors](job, o, l);
    else
        walked[vectors](job, o, walk);
    return blocks;
}

static struct outputs outputs_at(const struct vn_window2d *g, int kb)
{
    const struct block b = block_at(g, kb);
    return (struct outputs){ .kb = kb,
                             .channel = b.group * (g->c / g->groups),
                             .oc = b.oc,
                             .left = (b.group + 1) * (g->k / g->groups) - b.oc };
}

/* ---- lists ---- */

/* Offsets of the steps of a sum, in the order of the packed weights. */
static void list_steps(struct list *l, const struct vn_window2d *g, ptrdiff_t row, ptrdiff_t pixel)
{
    l->steps = 0;
    for (int ky = 0; ky < g->kh; ky++)
        for (int kx = 0; kx < g->kw; kx++)
            for (int c = 0; c < g->c / g->groups; c += STEP)
                l->step[l->steps++] = ky * g->dh * row + kx * g->dw * pixel + c;
}

/* Returns 0 where a list would be too long or a patch too large. */
static int plan_list(struct list *l, const struct vn_window2d *g)
{
    const int channels = g->c / g->groups, high = (g->kh - 1) * g->dh + 1, wide = (g->kw - 1) * g->dw + 1;
    if ((int64_t)g->kh * g->kw * ((channels + STEP - 1) / STEP) > MOST_STEPS)
        return 0;
    l->patched = g->ph || g->pw || (g->oh - 1) * g->sh + high > g->h || (g->ow - 1) * g->sw + wide > g->w;
    if (!l->patched) {
        list_steps(l, g, (ptrdiff_t)g->w * g->xp, g->xp);
        return 1;
    }
    const int room = PATCH / (int)sizeof(ELEM) / channels, row_room = room / high;
    if (row_room < wide)
        return 0;
    l->across = min_int(min_int(g->ow, MOST_PIXELS), (row_room - wide) / g->sw + 1);
    l->width = (l->across - 1) * g->sw + wide;
    l->down = l->across < g->ow ? 1 : min_int(MOST_PIXELS / g->ow, (room / l->width - high) / g->sh + 1);
    list_steps(l, g, (ptrdiff_t)l->width * channels, channels);
    return l->across >= min_int(g->ow, MAX_NP);
}

/* Input pixels [first, end) of a row; those outside are padding. */
static ELEM *copy_row(ELEM *to, const ELEM *row, int first, int end, int channels, const struct job *job)
{
    const struct vn_window2d *const g = &job->p->g;
    const int from = min_int(max_int(first, 0), end), last = row ? max_int(min_int(end, g->w), from) : from;
    memset(to, PAD(job->p), (size_t)(from - first) * channels * sizeof *to);
    to += (ptrdiff_t)(from - first) * channels;
    if (g->xp == channels && last > from)
        memcpy(to, row + (ptrdiff_t)from * channels, (size_t)(last - from) * channels * sizeof *to);
    for (int i = from; i < last && g->xp != channels; i++)
        memcpy(to + (ptrdiff_t)(i - from) * channels, row + (ptrdiff_t)i * g->xp, channels * sizeof *to);
    to += (ptrdiff_t)(last - from) * channels;
    memset(to, PAD(job->p), (size_t)(end - last) * channels * sizeof *to);
    return to + (ptrdiff_t)(end - last) * channels;
}

/* The input of output rows [row, row + rows) of one image from column ox on. */
static void fill_patch(struct list *l, const struct job *job, int row, int rows, int ox, int channel)
{
    const struct vn_window2d *const g = &job->p->g;
    const int top = row % g->oh * g->sh - g->ph, high = (rows - 1) * g->sh + (g->kh - 1) * g->dh + 1;
    const int left = ox * g->sw - g->pw;
    const ELEM *const image = job->x + (ptrdiff_t)(row / g->oh) * g->h * g->w * g->xp + channel;
    ELEM *to = l->patch;
    for (int iy = top; iy < top + high; iy++)
        to = copy_row(to, is_inside(iy, g->h) ? image + (ptrdiff_t)iy * g->w * g->xp : NULL, left,
                      left + l->width, g->c / g->groups, job);
}

static void repeat_last(struct list *l)
{
    for (int i = 0; i < MAX_NP; i++)
        l->pixel[l->pixels + i] = l->pixel[l->pixels - 1];
}

/* Blocks [kb0, kb1) for the listed pixels; row, rows and ox as for a patch. */
static void listed_outputs(struct list *l, const struct job *job, int row, int rows, int ox, int kb0, int kb1)
{
    const struct vn_window2d *const g = &job->p->g;
    const int per = blocks_per_group(g);
    repeat_last(l);
    for (int kb = kb0; kb < kb1;) {
        struct outputs o = outputs_at(g, kb);
        if (!l->patched)
            l->x = job->x + o.channel;
        else if (kb == kb0 || kb % per == 0)
            fill_patch(l, job, row, rows, ox, o.channel);
        kb += outputs_of(job, &o, min_int(kb1 - kb, per - kb % per), l, (struct walk){ 0 });
    }
}

static void run_patched(struct list *l, const struct job *job, int row0, int row1, int kb0, int kb1)
{
    const struct vn_window2d *const g = &job->p->g;
    const ptrdiff_t channels = g->c / g->groups;
    l->x = l->patch;
    for (int row = row0, rows; row < row1; row += rows) {
        rows = min_int(min_int(l->down, row1 - row), g->oh - row % g->oh);
        for (int ox = 0; ox < g->ow; ox += l->across) {
            const int across = min_int(l->across, g->ow - ox);
            l->first = (size_t)row * g->ow + ox;
            l->pixels = 0;
            for (int i = 0; i < rows; i++)
                for (int j = 0; j < across; j++)
                    l->pixel[l->pixels++] = ((ptrdiff_t)i * g->sh * l->width + j * g->sw) * channels;
            listed_outputs(l, job, row, rows, ox, kb0, kb1);
        }
    }
}

/* Output pixels [first, end), none of whose windows reaches into the padding. */
static void list_pixels(struct list *l, const struct vn_window2d *g, int first, int end)
{
    const ptrdiff_t across = (ptrdiff_t)g->sw * g->xp;
    l->first = (size_t)first;
    l->pixels = 0;
    for (int at = first, next; at < end; at = next) {
        const int row = at / g->ow, ox = at % g->ow;
        const ptrdiff_t y = (ptrdiff_t)(row / g->oh) * g->h + (ptrdiff_t)(row % g->oh) * g->sh;
        const ptrdiff_t from = y * g->w * g->xp + ox * across;
        next = at + min_int(end - at, g->ow - ox);
        for (int i = 0; i < next - at; i++)
            l->pixel[l->pixels + i] = from + i * across;
        l->pixels += next - at;
    }
}

static void run_listed(struct list *l, const struct job *job, int row0, int row1, int kb0, int kb1)
{
    const struct vn_window2d *const g = &job->p->g;
    const int end = row1 * g->ow;
    for (int at = row0 * g->ow; at < end; at += l->pixels) {
        list_pixels(l, g, at, at + min_int(MOST_PIXELS, end - at));
        listed_outputs(l, job, 0, 0, 0, kb0, kb1);
    }
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
