/* kernels/x86/conv_s16_body.h - int16 convolution, included once per instruction set.
 *
 * Two products at a time are summed in 32 bits, vpmaddwd. How many such pairs fit 32 bits together follows
 * from the sums of the weights, vn_conv_s16_sums, and the largest input of the tile. The sum of every run
 * of pairs is added to `low`, which wraps, and its upper half, rounded down, to `high`. What `high` leaves
 * of the whole sum is below 2^16 for each run, so the difference of `low` and high * 2^16 does not wrap,
 * and both together are exact.
 *
 * The inputs of a few pixels are gathered into lines in the order of the packed weights; those of 1 x 1
 * windows are used where they are.
 *
 * The includer defines
 *   VECTOR            16-bit lanes of inputs and weights, 32-bit lanes of sums; a tile has two of them
 *   CHANNELS          output channels of a tile; NP: its pixels
 *   FOUR(x)           four values to all places
 *   WIDE(w), NARROW(w)   weights of half a tile from int16, from int8
 *   PRODUCTS_OF(x, w), ADD_PRODUCTS(acc, x, w)   sums of two products, and acc + them
 *   ADD(a, b), UPPER(a)   32-bit lanes: a + b, a >> 16
 *   ZERO
 *   tail_of, finish_pixels   what ends sums; pixels from their sums
 *   DW_LANES, DW_LOAD(a, b), DW_FINISH   depthwise: channels at a time, pairs of two taps, a pixel's end
 */
#include "kernels/x86/pixels.h"

#define LINE 4608
struct lines {
    int16_t v[NP][LINE + 16]; /* copies are whole vectors */
};

struct sums {
    VECTOR low[NP][2], high[NP][2];
};

/* Each lane: the larger one of `most` and |x|. */
static inline __m256i raised(__m256i most, __m256i x) { return _mm256_max_epu16(most, _mm256_abs_epi16(x)); }

static inline __m256i raised_by(__m256i most, const int16_t *x, int n)
{
    for (int i = 0; i < n; i += 16)
        most = raised(most, _mm256_loadu_si256((const __m256i *)(x + i)));
    return most;
}

static inline int largest(__m256i most)
{
    /* vpminposuw finds the smallest */
    const __m128i eight = _mm_max_epu16(_mm256_castsi256_si128(most), _mm256_extracti128_si256(most, 1));
    return 0xffff ^ _mm_extract_epi16(_mm_minpos_epu16(_mm_xor_si128(eight, _mm_set1_epi16(-1))), 0);
}

/* Those that copy return `most` raised by what they read: n values, perhaps some behind them. Stores are not
 * read again so soon, for wide loads of several stores wait. */
static inline __m256i copy_values(int16_t *to, const int16_t *from, int n, __m256i most)
{
    if (n == 4) {
        const __m128i four = _mm_loadl_epi64((const __m128i *)from);
        _mm_storel_epi64((__m128i *)to, four);
        return raised(most, _mm256_zextsi128_si256(four));
    }
    for (int i = 0; i < n; i += 16) {
        const __m256i v = _mm256_loadu_si256((const __m256i *)(from + i));
        _mm256_storeu_si256((__m256i *)(to + i), v);
        most = raised(most, v);
    }
    return most;
}

/* Up to three channels of neighbouring pixels to four places each; the weights of the other places are 0. */
static inline __m256i spread_values(int16_t *to, const int16_t *from, int pixels, int channels, __m256i most)
{
    const __m128i first = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7);
    const __m128i order = _mm_add_epi8(first, _mm_set_epi64x(0x0202020202020202 * channels, 0));
    for (int i = 0; i < pixels; i += 2) {
        const __m128i two = _mm_loadu_si128((const __m128i *)(from + i * channels));
        _mm_storeu_si128((__m128i *)(to + 4 * i), _mm_shuffle_epi8(two, order));
        most = raised(most, _mm256_zextsi128_si256(two));
    }
    return most;
}

static inline int pixel_is_inside(const struct pixel *t, const struct vn_window2d *g)
{
    return tap_is_real(t, 0, 0, g) && tap_is_real(t, (g->kh - 1) * g->dh, (g->kw - 1) * g->dw, g);
}

/* Taps [tap, end) of one pixel, n values each. */
static inline __m256i gather_pixel(int16_t *to, const struct pixel *t, const int16_t *x,
                                   const struct vn_window2d *g, int n, int tap, int end, __m256i most)
{
    const int inside = pixel_is_inside(t, g), near = inside && g->dw == 1;
    const int spread = near && n == 4 && g->xp < 4, rows = spread || (near && n == g->xp);
    for (int ky = tap ? tap / g->kw : 0, kx = tap - ky * g->kw; tap < end;) {
        const int taps = rows ? min_int(g->kw - kx, end - tap) : 1;
        const ptrdiff_t at = t->at + ((ptrdiff_t)ky * g->dh * g->w + kx * g->dw) * g->xp;
        if (spread)
            most = spread_values(to, x + at, taps, g->xp, most);
        else if (inside || tap_is_real(t, ky * g->dh, kx * g->dw, g))
            most = copy_values(to, x + at, taps * n, most);
        else
            memset(to, 0, (size_t)n * sizeof *to);
        to += taps * n;
        tap += taps;
        kx += taps;
        if (kx == g->kw) {
            kx = 0;
            ky++;
        }
    }
    return most;
}

static ALWAYS_INLINE VECTOR load_weights(const void *w, size_t at, const int wide)
{
    return wide ? WIDE((const int16_t *)w + at) : NARROW((const int8_t *)w + at);
}

/* Where the inputs of a tile are: `segments` times n values, `apart` from each other. */
struct source {
    const int16_t *x[NP];
    int segments, n;
    ptrdiff_t apart;
};

static ALWAYS_INLINE void add_four(const int np, const int wide, const int first, VECTOR b[NP][2],
                                   const int16_t *const *x, const void *w, size_t at, int k)
{
    EACH(h, 2)
    {
        const VECTOR wv = load_weights(w, at + (size_t)k * VN_OCB + h * 2 * CHANNELS, wide);
        EACH(i, np)
        b[i][h] = first ? PRODUCTS_OF(FOUR(x[i] + k), wv) : ADD_PRODUCTS(b[i][h], FOUR(x[i] + k), wv);
    }
}

static ALWAYS_INLINE void add_run(const int np, const int wide, struct sums *s, const int16_t *const *x,
                                  const void *w, size_t at, int k, const int quads)
{
    VECTOR b[NP][2];
    add_four(np, wide, 1, b, x, w, at, k);
    EACH(q, quads - 1)
    add_four(np, wide, 0, b, x, w, at, k + 4 * q + 4);
    EACH(i, np)
    EACH(h, 2)
    {
        s->low[i][h] = ADD(s->low[i][h], b[i][h]);
        s->high[i][h] = ADD(s->high[i][h], UPPER(b[i][h]));
    }
}

static ALWAYS_INLINE void add_products(const int np, const int wide, const int run, struct sums *sums,
                                       const struct source *from, const void *w, int more)
{
    const int n = from->n;
    const int16_t *x[NP];
    struct sums s;
    EACH(i, np)
    {
        x[i] = from->x[i];
        EACH(h, 2)
        {
            s.low[i][h] = more ? sums->low[i][h] : ZERO;
            s.high[i][h] = more ? sums->high[i][h] : ZERO;
        }
    }
    for (int segment = 0; segment < from->segments; segment++) {
        const size_t at = (size_t)segment * n * VN_OCB;
        int k = 0;
        for (; k + 4 * run <= n; k += 4 * run)
            add_run(np, wide, &s, x, w, at, k, run);
        if (k < n)
            add_run(np, wide, &s, x, w, at, k, (n - k) / 4);
        EACH(i, np)
        x[i] += from->apart;
    }
    EACH(i, np)
    EACH(h, 2)
    {
        sums->low[i][h] = s.low[i][h];
        sums->high[i][h] = s.high[i][h];
    }
}

#define MOST_QUADS 16000 /* with more runs the sums of halves could overflow */
#define MOST_PAIR 65535 /* times 2^15, it fits 31 bits */
#define NARROW_RUN 255 /* products with int8 fit 31 bits: 2 * 255 * 2^15 * 2^7 */

/* Of NP pixels, or of one; more: add to what is there. */
typedef void products_fn(struct sums *s, const struct source *from, const void *w, int more);
#define PRODUCTS(name, wide, run) \
    static void name##_tile(struct sums *s, const struct source *from, const void *w, int more) \
    { \
        add_products(NP, wide, run, s, from, w, more); \
    } \
    static void name##_one(struct sums *s, const struct source *from, const void *w, int more) \
    { \
        add_products(1, wide, run, s, from, w, more); \
    }
PRODUCTS(narrow, 0, NARROW_RUN)
PRODUCTS(wide1, 1, 1)
PRODUCTS(wide2, 1, 2)
PRODUCTS(wide4, 1, 4)
PRODUCTS(wide8, 1, 8)
PRODUCTS(wide, 1, 4 * MOST_QUADS)

/* The longest run whose sums fit with inputs of at most `most`. */
static int run_of(const int32_t *sums, int most)
{
    int run = VN_RUNS - 1;
    while (run > 0 && (int64_t)sums[run] * most > INT32_MAX)
        run--;
    return run;
}

static const int lengths[VN_RUNS] = { 1, 2, 4, 8, 4 * MOST_QUADS };

static products_fn *products_of(const struct vn_conv_s16 *p, int run, int one)
{
    static products_fn *const all[VN_RUNS][2] = { { wide1_tile, wide1_one },
                                                  { wide2_tile, wide2_one },
                                                  { wide4_tile, wide4_one },
                                                  { wide8_tile, wide8_one },
                                                  { wide_tile, wide_one } };
    if (!p->wide_weights)
        return one ? narrow_one : narrow_tile;
    return all[run][one];
}

/* What all tiles of a call share. */
struct job {
    void *out;
    const int16_t *x;
    const struct vn_conv_s16 *p;
    int taps, n; /* of a window; values of each, a multiple of 4 */
    int some; /* taps that are gathered at a time */
    int in_place; /* every window is one pixel of the input */
    int in_order; /* in_place, and the pixels are those of the output */
    int width; /* pixels of a row of a patch; 0: windows are gathered */
    int blocks;
    size_t block; /* weights of one */
};

/* Blocks [first, end) of one group. */
struct group_blocks {
    int first, end;
    int channel; /* first input channel of the group */
    int oc, left; /* first output channel; how many the group has from there on */
};

/* Up to NP pixels, and where their inputs are. */
struct tile {
    struct pixel t[NP];
    size_t first;
    int np;
    int most; /* the largest input, or more */
    struct source from;
    struct lines lines;
};

/* What the windows of a row of output pixels read: kh rows of `width` pixels, with their padding. */
#define PATCH 16384
struct patch {
    int most; /* as of a tile */
    int16_t v[PATCH + 16]; /* copies are whole vectors */
};

static int patch_width(const struct vn_window2d *g, int n)
{
    const int64_t width = (int64_t)(g->ow - 1) * g->sw + g->kw;
    return g->dw == 1 && width * g->kh * n <= PATCH ? (int)width : 0;
}

static struct job job_of(void *out, const int16_t *x, const struct vn_conv_s16 *p)
{
    const struct vn_window2d *const g = &p->g;
    const int taps = g->kh * g->kw, n = (g->c / g->groups + 3) / 4 * 4;
    const int in_place =
        taps == 1 && !g->ph && !g->pw && (g->oh - 1) * g->sh < g->h && (g->ow - 1) * g->sw < g->w;
    return (struct job){ .out = out,
                         .x = x,
                         .p = p,
                         .taps = taps,
                         .n = n,
                         .some = min_int(taps, LINE / n),
                         .width = in_place ? 0 : patch_width(g, n),
                         .in_place = in_place,
                         .in_order = in_place && g->sh == 1 && g->sw == 1 && g->oh == g->h && g->ow == g->w,
                         .blocks = vn_conv_blocks(g),
                         .block = (size_t)taps * n * VN_OCB };
}

static void find_largest(struct tile *tile, int n)
{
    __m256i most = _mm256_setzero_si256();
    for (int i = 0; i < tile->np; i++)
        most = raised_by(most, tile->from.x[i], n);
    tile->most = largest(most);
}

static void gather(struct tile *tile, const struct job *job, int tap, int end)
{
    __m256i most = _mm256_setzero_si256();
    for (int i = 0; i < tile->np; i++)
        most = gather_pixel(tile->lines.v[i], &tile->t[i], job->x, &job->p->g, job->n, tap, end, most);
    tile->from.n = (end - tap) * job->n;
    tile->most = largest(most);
}

static enum ending ending_of(const struct job *job, const struct tile *tile, const int32_t *sums, int runs)
{
    if ((job->in_place || job->width || job->some >= job->taps) &&
        2 * (int64_t)sums[VN_RUNS - 1] * tile->most + job->p->most_bias <= INT32_MAX)
        return IN_32_BITS;
    return runs <= MOST_RUNS ? FEW_RUNS : MANY_RUNS;
}

/* Block kb, whose output channels are oc and those behind it, `count` or more than a block has. */
static void finish_block(const struct job *job, const struct tile *tile, const struct sums *s, int kb, int oc,
                         int count, enum ending ending)
{
    const struct vn_window2d *const g = &job->p->g;
    for (int k = 0; k < min_int(count, VN_OCB); k += CHANNELS) {
        const struct tail tail = tail_of(job->p, (size_t)kb * VN_OCB + k, count - k);
        const struct sums *const of = &s[k / CHANNELS];
        finish_pixels(job->out, out_at(g, tile->first, oc + k), (size_t)g->yp, tile->np,
                      (const VECTOR(*)[2])of->low, (const VECTOR(*)[2])of->high, &tail, ending);
    }
}

/* One block of output channels; gathers where one gathering is not enough for all taps. */
static void tile_block(const struct job *job, struct tile *tile, const struct group_blocks *b, int kb)
{
    const struct vn_conv_s16 *const p = job->p;
    const int32_t *const sums = vn_sums_of(p, kb, job->blocks);
    struct sums s[VN_OCB / CHANNELS];
    const int step = job->in_place || job->width ? job->taps : job->some;
    int runs = 0;
    for (int tap = 0; tap < job->taps; tap += step) {
        if (step < job->taps)
            gather(tile, job, tap, min_int(job->taps, tap + step));
        const int run = p->wide_weights ? run_of(sums, tile->most) : 0;
        const int length = p->wide_weights ? lengths[run] : NARROW_RUN;
        products_fn *const add = products_of(p, run, tile->np == 1);
        for (int part = 0; part < VN_OCB / CHANNELS; part++) {
            const size_t w = (size_t)kb * job->block + (size_t)tap * job->n * VN_OCB + part * 4 * CHANNELS;
            add(&s[part], &tile->from, (const char *)p->weight + w * (p->wide_weights ? 2 : 1), tap > 0);
        }
        runs += tile->from.segments * ((tile->from.n / 4 + length - 1) / length);
    }
    const int skip = (kb - b->first) * VN_OCB;
    finish_block(job, tile, s, kb, b->oc + skip, b->left - skip, ending_of(job, tile, sums, runs));
}

/* The next tile of windows that are gathered, or of single pixels. */
static void tile_blocks(const struct job *job, struct walk *walk, const struct group_blocks *b)
{
    const struct vn_window2d *const g = &job->p->g;
    struct tile tile;
    tile.first = (size_t)walk->at;
    tile.np = min_int(walk->last - walk->at, NP);
    tile.from.segments = 1;
    tile.from.n = job->n;
    tile.from.apart = 0;
    if (job->in_order)
        walk->at += tile.np;
    else
        next_pixels(tile.t, NP, walk, g, b->channel);
    for (int i = 0; i < NP; i++) {
        const size_t pixel = tile.first + (size_t)min_int(i, tile.np - 1);
        tile.from.x[i] = job->in_order   ? job->x + (ptrdiff_t)pixel * g->xp + b->channel
                         : job->in_place ? job->x + tile.t[i].at
                                         : tile.lines.v[min_int(i, tile.np - 1)];
    }
    if (job->in_place)
        find_largest(&tile, job->n);
    else if (job->some == job->taps)
        gather(&tile, job, 0, job->taps);
    for (int kb = b->first; kb < b->end; kb++)
        tile_block(job, &tile, b, kb);
}

/* ---- patches ---- */

/* `pixels` of the input, n values each; returns `most` raised. */
static __m256i copy_pixels(int16_t *to, const int16_t *from, int pixels, int n, int pitch, __m256i most)
{
    if (n == 4 && pitch < 4)
        return spread_values(to, from, pixels, pitch, most);
    if (n == pitch && n > 4)
        return copy_values(to, from, pixels * n, most);
    for (int i = 0; i < pixels; i++)
        most = copy_values(to + i * n, from + (ptrdiff_t)i * pitch, n, most);
    return most;
}

static void fill_patch(struct patch *patch, const struct job *job, int row, int channel)
{
    const struct vn_window2d *const g = &job->p->g;
    const int n = job->n, before = min_int(g->pw, job->width), inner = min_int(g->w, job->width - before);
    const size_t one = (size_t)n * sizeof *patch->v;
    __m256i most = _mm256_setzero_si256();
    int16_t *to = patch->v;
    for (int ky = 0; ky < g->kh; ky++, to += job->width * n) {
        const int iy = row % g->oh * g->sh - g->ph + ky * g->dh;
        const ptrdiff_t from = ((ptrdiff_t)(row / g->oh) * g->h + iy) * g->w * g->xp + channel;
        memset(to, 0, one * (size_t)(is_inside(iy, g->h) ? before : job->width));
        if (!is_inside(iy, g->h))
            continue;
        most = copy_pixels(to + before * n, job->x + from, inner, n, g->xp, most);
        memset(to + (before + inner) * n, 0, one * (size_t)(job->width - before - inner));
    }
    patch->most = largest(most);
}

static void patched_row(const struct job *job, struct patch *patch, const struct group_blocks *b, int row)
{
    const struct vn_window2d *const g = &job->p->g;
    fill_patch(patch, job, row, b->channel);
    struct tile tile;
    tile.most = patch->most;
    tile.from.segments = g->kh;
    tile.from.n = g->kw * job->n;
    tile.from.apart = (ptrdiff_t)job->width * job->n;
    for (int ox = 0; ox < g->ow; ox += NP) {
        tile.first = (size_t)row * g->ow + (size_t)ox;
        tile.np = min_int(NP, g->ow - ox);
        for (int i = 0; i < NP; i++)
            tile.from.x[i] = patch->v + (ox + min_int(i, tile.np - 1)) * g->sw * job->n;
        for (int kb = b->first; kb < b->end; kb++)
            tile_block(job, &tile, b, kb);
    }
}

/* Whether the sums of a block fit; else it is the C kernel's. */
static int block_fits(const struct job *job, int kb)
{
    return (int64_t)job->n * job->taps <= 4 * MOST_QUADS && (job->n <= LINE || job->in_place) &&
           vn_sums_of(job->p, kb, job->blocks)[0] <= MOST_PAIR;
}

static void dense(const struct job *job, int row0, int row1, int kb0, int kb1)
{
    const int per = blocks_per_group(&job->p->g);
    for (int kb = kb0, next; kb < kb1; kb = next) {
        next = kb + 1;
        if (!block_fits(job, kb)) {
            vn_conv_s16_c(job->out, job->x, job->p, row0, row1, kb, next);
            continue;
        }
        while (next < min_int(kb1, (kb / per + 1) * per) && block_fits(job, next))
            next++;
        const struct vn_window2d *const g = &job->p->g;
        const struct block b = block_at(g, kb);
        const struct group_blocks some = { kb, next, b.group * (g->c / g->groups), b.oc,
                                           (b.group + 1) * (g->k / g->groups) - b.oc };
        struct patch patch;
        for (int row = row0; row < row1 && job->width; row++)
            patched_row(job, &patch, &some, row);
        struct walk walk = walk_rows(g, row0, row1);
        for (int left = job->width ? 0 : walk.last - walk.at; left > 0; left -= NP)
            tile_blocks(job, &walk, &some);
    }
}

/* ---- depthwise: DW_LANES channels at a time ---- */

#define MOST_TAPS 128

struct columns {
    int c, count, taps; /* first channel, how many; an even number of taps, the last one twice */
    int run;
    ptrdiff_t at[MOST_TAPS]; /* of each tap, from that of tap 0, 0 */
    int down[MOST_TAPS], right[MOST_TAPS];
    VECTOR w[MOST_TAPS / 2];
    int16_t zero[DW_LANES];
    struct tail tail;
};

static VECTOR tap_weights(const struct vn_conv_s16 *p, const struct columns *l, int tap)
{
    const int real = p->g.kh * p->g.kw;
    int16_t w[2][DW_LANES] = { { 0 } };
    for (int i = 0; i < 2 && tap + i < real; i++)
        for (int c = 0; c < l->count; c++) {
            const size_t at = (size_t)(tap + i) * p->g.c + l->c + c;
            w[i][c] = p->wide_weights ? ((const int16_t *)p->weight)[at] : ((const int8_t *)p->weight)[at];
        }
    return DW_LOAD(w[0], w[1]);
}

static void plan_columns(struct columns *l, const struct vn_conv_s16 *p, int c)
{
    const struct vn_window2d *const g = &p->g;
    l->c = c;
    l->count = min_int(DW_LANES, g->c - c);
    l->taps = (g->kh * g->kw + 1) / 2 * 2;
    l->tail = tail_of(p, (size_t)c, l->count);
    l->run = 1 << run_of(vn_sums_of(p, c / VN_OCB, (g->c + VN_OCB - 1) / VN_OCB), 1 << 15);
    for (int tap = 0; tap < l->taps; tap++) {
        const int real = min_int(tap, g->kh * g->kw - 1);
        l->down[tap] = real / g->kw * g->dh;
        l->right[tap] = real % g->kw * g->dw;
        l->at[tap] = ((ptrdiff_t)l->down[tap] * g->w + l->right[tap]) * g->xp;
        if (tap % 2 == 0)
            l->w[tap / 2] = tap_weights(p, l, tap);
    }
}

static ALWAYS_INLINE void add_sum(VECTOR *low, VECTOR *high, VECTOR b)
{
    *low = ADD(*low, b);
    *high = ADD(*high, UPPER(b));
}

/* Pixels without padding: n of them from x on, `step` apart; run: of pairs. */
static ALWAYS_INLINE void inner_pixels(void *out, size_t pixel, int n, const int16_t *x, ptrdiff_t step,
                                       const struct columns *l, const struct vn_conv_s16 *p, const int pairs,
                                       const int run)
{
    const struct tail tail = l->tail;
    size_t at = out_at(&p->g, pixel, l->c);
    for (int i = 0; i < n; i++, x += step) {
        VECTOR low = ZERO, high = ZERO;
        for (int j = 0; j < pairs; j += run) {
            VECTOR b = PRODUCTS_OF(DW_LOAD(x + l->at[2 * j], x + l->at[2 * j + 1]), l->w[j]);
            for (int k = j + 1; k < j + run && k < pairs; k++)
                b = ADD_PRODUCTS(b, DW_LOAD(x + l->at[2 * k], x + l->at[2 * k + 1]), l->w[k]);
            add_sum(&low, &high, b);
        }
        DW_FINISH(out, at, low, high, &tail);
        at += (size_t)p->g.yp;
    }
}

static void edge_pixel(void *out, size_t pixel, const int16_t *x, const struct columns *l, int iy, int ix,
                       const struct vn_conv_s16 *p)
{
    VECTOR low = ZERO, high = ZERO;
    for (int tap = 0; tap < l->taps; tap += 2) {
        const int16_t *each[2];
        for (int i = 0; i < 2; i++) {
            const int real =
                is_inside(iy + l->down[tap + i], p->g.h) && is_inside(ix + l->right[tap + i], p->g.w);
            each[i] = real ? x + l->at[tap + i] : l->zero;
        }
        add_sum(&low, &high, PRODUCTS_OF(DW_LOAD(each[0], each[1]), l->w[tap / 2]));
    }
    DW_FINISH(out, out_at(&p->g, pixel, l->c), low, high, &l->tail);
}

static void column_row(void *out, const int16_t *x, const struct columns *l, int row,
                       const struct vn_conv_s16 *p)
{
    const struct vn_window2d *const g = &p->g;
    const int iy = row % g->oh * g->sh - g->ph, room = g->w - (g->kw - 1) * g->dw + g->pw;
    const int whole = iy >= 0 && iy + (g->kh - 1) * g->dh < g->h && room > 0;
    const int ox1 = whole ? min_int(g->ow, (room - 1) / g->sw + 1) : 0;
    const int ox0 = min_int(ox1, (g->pw + g->sw - 1) / g->sw), n = ox1 - ox0;
    const int16_t *const first = x + (((ptrdiff_t)(row / g->oh) * g->h + iy) * g->w - g->pw) * g->xp + l->c;
    const ptrdiff_t step = (ptrdiff_t)g->sw * g->xp;
    const size_t pixel = (size_t)row * g->ow;
    for (int ox = 0; ox < g->ow; ox++)
        if (ox < ox0 || ox >= ox1)
            edge_pixel(out, pixel + ox, first + ox * step, l, iy, ox * g->sw - g->pw, p);
    if (l->taps == 10 && l->run == 1)
        inner_pixels(out, pixel + ox0, n, first + ox0 * step, step, l, p, 5, 1);
    else
        inner_pixels(out, pixel + ox0, n, first + ox0 * step, step, l, p, l->taps / 2, l->run);
}

static void depthwise(void *out, const int16_t *x, const struct vn_conv_s16 *p, int row0, int row1, int kb0,
                      int kb1)
{
    const struct vn_window2d *const g = &p->g;
    struct columns l = { .zero = { 0 } };
    for (int c = kb0 * VN_OCB; c < min_int(g->c, kb1 * VN_OCB); c += DW_LANES) {
        if (g->kh * g->kw > MOST_TAPS ||
            vn_sums_of(p, c / VN_OCB, (g->c + VN_OCB - 1) / VN_OCB)[0] > MOST_PAIR) {
            if (c % VN_OCB == 0)
                vn_dwconv_s16_c(out, x, p, row0, row1, c / VN_OCB, c / VN_OCB + 1);
            continue;
        }
        plan_columns(&l, p, c);
        for (int row = row0; row < row1; row++)
            column_row(out, x, &l, row, p);
    }
}
