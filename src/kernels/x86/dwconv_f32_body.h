/* kernels/x86/dwconv_f32_body.h - float32 depthwise convolution, lanes are channels. Included once per
 * instruction set.
 *
 * Windows of 3 and 5 columns with stride 1 or 2 go along a row of output pixels, 4 or 8 of them at a time:
 * each column of the input is loaded once for all windows that it belongs to. Others are summed tap by tap.
 *
 * Besides what finish_f32_body.h asks for, the includer defines LOAD_LOW(p, count) and FMA(x, w, acc). */
#include "kernels/x86/pixels.h"

#define BLOCK_VECS (VN_OCB / LANES)
#define NP 4 /* pixels of a tile that is summed tap by tap */
#define LONG 8
#define EACH_COLUMN(j, n) _Pragma("GCC unroll 32") for (int j = 0; j < (n); j++)

static const float pad[VN_OCB];

/* One vector of channels of a row of output pixels. */
struct line {
    const struct vn_conv_f32 *p;
    const float *x; /* of the image: its first row and column */
    float *out;
    size_t first; /* output pixel */
    int iy; /* of tap row 0 */
    int c, count; /* the first channel, and how many exist */
};

/* Output columns [ox, ox + np); np, kw and s are constants. */
static ALWAYS_INLINE void columns(const int np, const int kw, const int s, const int inside,
                                  const struct line *l, int ox)
{
    const struct vn_window2d *const g = &l->p->g;
    const VECTOR bias = LOAD_LOW(l->p->bias + l->c, l->count);
    const float *w = l->p->weight + l->c;
    VECTOR acc[LONG][4];
    EACH(i, np)
    acc[i][0] = bias;
    const int ix = ox * s - g->pw;
    for (int ky = 0; ky < g->kh; ky++, w += kw * g->c) {
        const int iy = l->iy + ky * g->dh, real = is_inside(iy, g->h);
        const ptrdiff_t step = real ? g->xp : 0;
        const float *const row = real ? l->x + (ptrdiff_t)iy * g->w * g->xp : pad, *from = row + ix * step;
        VECTOR wv[5];
        EACH(kx, kw)
        wv[kx] = LOAD_LOW(w + (ptrdiff_t)kx * g->c, l->count);
        EACH_COLUMN(j, (np - 1) * s + kw)
        {
            const VECTOR xv = LOAD(inside || is_inside(ix + j, g->w) ? from : pad);
            EACH(i, np)
            if (j >= i * s && j < i * s + kw)
                acc[i][0] = FMA(xv, wv[j - i * s], acc[i][0]);
            from += step;
        }
    }
    finish_tile(np, 1, acc, l->out, l->first + (size_t)ox, np, l->c, l->count, l->p);
}

typedef void columns_fn(const struct line *l, int ox);
#define COLUMNS(np, kw, s) \
    static __attribute__((noinline)) void inner_##np##_##kw##_##s(const struct line *l, int ox) \
    { \
        columns(np, kw, s, 1, l, ox); \
    } \
    static __attribute__((noinline)) void outer_##np##_##kw##_##s(const struct line *l, int ox) \
    { \
        columns(np, kw, s, 0, l, ox); \
    }
#define EACH_SIZE(F) F(8, 3, 1) F(8, 3, 2) F(4, 3, 1) F(4, 3, 2) F(4, 5, 1) F(4, 5, 2)
EACH_SIZE(COLUMNS)

struct size {
    int np, kw, s;
    columns_fn *inner, *outer;
};
#define SIZE(np, kw, s) { np, kw, s, inner_##np##_##kw##_##s, outer_##np##_##kw##_##s },
static const struct size sizes[] = { EACH_SIZE(SIZE) };

/* NULL where rows are too short or windows have another shape. */
static const struct size *size_of(const struct vn_window2d *g)
{
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i].kw == g->kw && sizes[i].s == g->sw && sizes[i].np <= g->ow && g->dw == 1)
            return &sizes[i];
    return NULL;
}

/* The last tile ends with the row: some of its pixels may be computed again. */
static void run_line(const struct size *size, const struct line *l)
{
    const struct vn_window2d *const g = &l->p->g;
    for (int ox = 0; ox < g->ow; ox += size->np) {
        const int at = min_int(ox, g->ow - size->np), ix = at * g->sw - g->pw;
        const int inside = ix >= 0 && ix + (size->np - 1) * g->sw + g->kw <= g->w;
        (inside ? size->inner : size->outer)(l, at);
    }
}

static void run_lines(const struct size *size, float *out, const float *x, const struct vn_conv_f32 *p,
                      int row0, int row1, int kb0, int kb1)
{
    const struct vn_window2d *const g = &p->g;
    const int end = min_int(g->c, kb1 * VN_OCB);
    for (int row = row0; row < row1; row++)
        for (int c = kb0 * VN_OCB; c < end; c += LANES)
            run_line(size, &(struct line){ .p = p,
                                           .x = x + (ptrdiff_t)(row / g->oh) * g->h * g->w * g->xp + c,
                                           .out = out,
                                           .first = (size_t)row * g->ow,
                                           .iy = row % g->oh * g->sh - g->ph,
                                           .c = c,
                                           .count = min_int(LANES, end - c) });
}

/* ---- tap by tap ---- */

static ALWAYS_INLINE void sum_taps(VECTOR acc[NP][BLOCK_VECS], int inside, const float *x,
                                   const struct vn_conv_f32 *p, const struct pixel *t, int c, int count)
{
    const struct vn_window2d *const g = &p->g;
    const float *w = p->weight + c;
    for (int ky = 0; ky < g->kh; ky++)
        for (int kx = 0; kx < g->kw; kx++, w += g->c) {
            const ptrdiff_t tap = ((ptrdiff_t)ky * g->dh * g->w + kx * g->dw) * g->xp;
            VECTOR wv[BLOCK_VECS];
            EACH(v, BLOCK_VECS)
            wv[v] = LOAD_LOW(w + v * LANES, count - v * LANES);
            EACH(i, NP)
            {
                const int real = inside || tap_is_real(&t[i], ky * g->dh, kx * g->dw, g);
                const float *const xt = real ? x + (t[i].at + tap) : pad;
                EACH(v, BLOCK_VECS)
                acc[i][v] = FMA(LOAD(xt + v * LANES), wv[v], acc[i][v]);
            }
        }
}

/* Channels [c, c + count), count <= VN_OCB. Only x is read beyond them. */
static void tile(float *out, const float *x, const struct vn_conv_f32 *p, int c, int count, struct walk *walk)
{
    const int first = walk->at, pixels = min_int(NP, walk->last - first);
    struct pixel t[NP];
    const int inside = next_pixels(t, NP, walk, &p->g, c);
    VECTOR acc[NP][BLOCK_VECS];
    EACH(v, BLOCK_VECS)
    {
        const VECTOR bias = LOAD_LOW(p->bias + c + v * LANES, count - v * LANES);
        EACH(i, NP)
        acc[i][v] = bias;
    }
    sum_taps(acc, inside, x, p, t, c, count);
    EACH(i, NP)
    EACH(v, BLOCK_VECS)
    if (i < pixels && count > v * LANES)
        FINISH(out, (size_t)(first + i), c + v * LANES, acc[i][v], min_int(LANES, count - v * LANES), p);
}

static void run(float *out, const float *x, const struct vn_conv_f32 *p, int row0, int row1, int kb0, int kb1)
{
    const struct size *const size = size_of(&p->g);
    if (size) {
        run_lines(size, out, x, p, row0, row1, kb0, kb1);
        return;
    }
    const int end = min_int(p->g.c, kb1 * VN_OCB);
    for (int c = kb0 * VN_OCB; c < end; c += VN_OCB) {
        struct walk walk = walk_rows(&p->g, row0, row1);
        for (int left = walk.last - walk.at; left > 0; left -= NP)
            tile(out, x, p, c, min_int(VN_OCB, end - c), &walk);
    }
}
