/* kernels/x86/conv_lists_body.h - where the inputs of a direct convolution are, included once per element
 * type and instruction set.
 *
 * A list has the offset of each pixel and of each step of the sum, so that a tile is one loop. Where windows
 * reach into the padding, a patch of the input is copied with its padding first; where such a patch would be
 * too large, each window is copied.
 *
 * The includer defines
 *   ELEM, PARAMS     element type, parameter struct
 *   VECTOR           vector of accumulators
 *   STEP             input channels per step
 *   PAD(p)           the byte that padding consists of
 *   MAX_NP, MAX_NV   pixels and vectors of a tile, at most
 *   MOST_STEPS, MOST_PIXELS   of a list
 *   PATCH            bytes of a patch
 *   outputs_of       declared below
 *   SURVEY(l, job)   optional: called on each list before outputs_of
 *   ENDING           optional: what the epilogues of some output channels share */
#include "kernels/x86/pixels.h"

#ifndef SURVEY
#define SURVEY(l, job)
#endif
#ifndef ENDING
#define ENDING char
#endif

struct job {
    void *out;
    const ELEM *x;
    const PARAMS *p;
    size_t block_elems; /* of packed weights */
};

/* One or more blocks of one group. */
struct outputs {
    int kb;
    int channel; /* first input channel of the group */
    int oc, left; /* first output channel; how many the group has from there on */
    VECTOR start[MAX_NV];
    ENDING end;
};

/* Of integers: 0 is among them. */
struct span {
    int least, most;
};

struct list {
    const ELEM *x;
    size_t first; /* output pixel */
    int pixels, steps;
    int patched;
    int down, across, width; /* of a patch: output rows and columns, input columns */
    int64_t filled; /* elements of the patch */
    struct span inputs; /* for SURVEY */
    int32_t step[MOST_STEPS];
    ptrdiff_t pixel[MOST_PIXELS + MAX_NP]; /* the last one is repeated */
    ELEM patch[PATCH / sizeof(ELEM) + STEP];
};

/* All pixels of a list for the blocks of one group from o->kb on, at most `most`; returns how many blocks. */
static int outputs_of(const struct job *job, struct outputs *o, int most, const struct list *l);

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
                l->step[l->steps++] = (int32_t)(ky * g->dh * row + kx * g->dw * pixel + c);
}

/* Returns 0 where a patch would be too large. */
static int plan_list(struct list *l, const struct vn_window2d *g)
{
    const int channels = g->c / g->groups, high = (g->kh - 1) * g->dh + 1, wide = (g->kw - 1) * g->dw + 1;
    if ((int64_t)high * g->w * g->xp > INT32_MAX)
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
    l->filled = to - l->patch;
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
        if (kb == kb0 || kb % per == 0) {
            if (l->patched)
                fill_patch(l, job, row, rows, ox, o.channel);
            else
                l->x = job->x + o.channel;
            SURVEY(l, job);
        }
        kb += outputs_of(job, &o, min_int(kb1 - kb, per - kb % per), l);
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

/* ---- windows one by one ---- */

/* Of a window, each tap's channels filled up to whole steps. */
static int64_t gathered_values(const struct vn_window2d *g)
{
    return (int64_t)g->kh * g->kw * ((g->c / g->groups + STEP - 1) / STEP * STEP);
}

static void gather(ELEM *to, const struct job *job, const struct pixel *t)
{
    const struct vn_window2d *const g = &job->p->g;
    const int channels = g->c / g->groups, n = (channels + STEP - 1) / STEP * STEP;
    memset(to, PAD(job->p), (size_t)gathered_values(g) * sizeof *to);
    for (int ky = 0; ky < g->kh; ky++)
        for (int kx = 0; kx < g->kw; kx++, to += n)
            if (tap_is_real(t, ky * g->dh, kx * g->dw, g))
                memcpy(to, job->x + t->at + ((ptrdiff_t)ky * g->dh * g->w + kx * g->dw) * g->xp,
                       (size_t)channels * sizeof *to);
}

/* The next pixels of a walk for the blocks [kb0, kb1) of one group. */
static void run_gathered(struct list *l, const struct job *job, struct walk walk, int kb0, int kb1)
{
    const struct vn_window2d *const g = &job->p->g;
    const int n = (int)gathered_values(g), room = PATCH / (int)sizeof *l->patch / n;
    l->patched = 1;
    l->x = l->patch;
    for (l->steps = 0; l->steps < n / STEP; l->steps++)
        l->step[l->steps] = STEP * l->steps;
    for (int left = walk.last - walk.at; left > 0; left -= l->pixels) {
        l->first = (size_t)(walk.last - left);
        l->pixels = min_int(left, min_int(room, MOST_PIXELS));
        l->filled = (int64_t)l->pixels * n;
        for (int i = 0; i < l->pixels; i++) {
            struct pixel t[1];
            next_pixels(t, 1, &walk, g, outputs_at(g, kb0).channel);
            l->pixel[i] = (ptrdiff_t)i * n;
            gather(l->patch + l->pixel[i], job, t);
        }
        repeat_last(l);
        SURVEY(l, job);
        for (int kb = kb0; kb < kb1;) {
            struct outputs o = outputs_at(g, kb);
            kb += outputs_of(job, &o, kb1 - kb, l);
        }
    }
}

/* Whether run can do without more steps or a larger patch; the C kernel needs neither. */
static int fits_list(const struct vn_window2d *g)
{
    const int64_t n = gathered_values(g);
    return n <= (int64_t)STEP * MOST_STEPS && n <= PATCH / (int64_t)sizeof(ELEM);
}

static void run(const struct job *job, int row0, int row1, int kb0, int kb1)
{
    const struct vn_window2d *const g = &job->p->g;
    const int per = blocks_per_group(g);
    struct list l;
    if (row0 >= row1)
        return;
    if (plan_list(&l, g)) {
        (l.patched ? run_patched : run_listed)(&l, job, row0, row1, kb0, kb1);
        return;
    }
    for (int kb = kb0, next; kb < kb1; kb = next) {
        next = min_int(kb1, (kb / per + 1) * per);
        run_gathered(&l, job, walk_rows(g, row0, row1), kb, next);
    }
}
