/* kernels/x86/dwconv_s8_avx512vnni.c - int8 depthwise convolution with vpdpbusd: four taps of a row per
 * 32-bit lane.
 *
 * Input rows become columns of 64 bytes: 16 channels, of each four neighbouring pixels; a column every two
 * pixels. A column serves two outputs, or one at stride 2, by weights at either of two places. With 8
 * channels, the upper lanes hold the pixels two further on, and columns stand four pixels apart. A column is
 * made once and read by all output rows that need it.
 *
 * vpdpbusd takes unsigned inputs: columns have the sign bit flipped, which adds 128, and sums start lower by
 * (zx + 128) * wsum. */
#include "kernels/x86/finish_avx512.h"
#include "kernels/x86/pixels.h"

#define COLUMNS 512 /* of all rows that a window spans; 32 KiB */
#define MAX_ROWS 32 /* that a window spans */
#define MAX_VECTORS 48 /* of weights */
#define MAX_UNITS 4
#define SUMS 4

struct plan {
    const struct vn_conv_s8 *p;
    int few; /* 8 channels */
    int groups; /* of four taps in a row */
    int apart; /* columns from one group to the next */
    int span; /* input rows of a window */
    int columns; /* per row */
    int step, per; /* columns and outputs per SUMS sums */
    int units; /* blocks of 16 channels at a time */
    __m512i pad;
    __m512i
        quads; /* dwords of four pixels' channels, so that a byte shuffle in 128 bits completes a column */
    __m512i order; /* of dwords, from packed sums to pixels */
};

/* What one unit of channels needs. */
struct slab {
    int c, count; /* first channel; channels that exist */
    int bounded; /* sums times mult stay below 2^30 */
    __m512 mult;
    __m512i start;
    __m512i weight[MAX_VECTORS][2]; /* for the two outputs of a column */
};

static inline __m512i by_bytes(__m512i quads)
{
    const __m128i turn = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm512_shuffle_epi8(quads, _mm512_broadcast_i32x4(turn));
}

static inline __m512i four(__m128i a, __m128i b, __m128i c, __m128i d)
{
    const __m256i ab = _mm256_inserti128_si256(_mm256_castsi128_si256(a), b, 1);
    const __m256i cd = _mm256_inserti128_si256(_mm256_castsi128_si256(c), d, 1);
    return _mm512_inserti64x4(_mm512_castsi256_si512(ab), cd, 1);
}

static inline __m128i load16(const int8_t *x) { return _mm_loadu_si128((const __m128i *)x); }

static int plan_call(struct plan *s, const struct vn_conv_s8 *p, int blocks)
{
    const struct vn_window2d *const g = &p->g;
    const int places = g->sw == 1 ? 2 : 1;
    s->p = p;
    s->few = g->c == 8 && g->xp == 8;
    s->groups = (g->kw + places - 1 + 3) / 4;
    s->apart = s->few ? 1 : 2;
    s->span = (g->kh - 1) * g->dh + 1;
    s->step = g->sw == 1 ? 2 : 4;
    s->per = s->few ? 8 : 4;
    if (g->sw > 2 || g->dw != 1 || s->span > MAX_ROWS || s->groups > MAX_VECTORS / g->kh ||
        g->ow > 8 * COLUMNS)
        return 0;
    s->columns = (g->ow + s->per - 1) / s->per * s->step + (s->groups - 1) * s->apart;
    s->units = min_int(min_int(blocks, MAX_UNITS), COLUMNS / (s->columns * s->span));
    s->pad = _mm512_set1_epi8((char)(p->zx ^ -128));
    s->quads = s->few ? _mm512_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7, 4, 6, 8, 10, 5, 7, 9, 11)
                      : _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    s->order = s->quads;
    if (s->few && g->sw == 1)
        s->order = _mm512_setr_epi32(0, 4, 1, 5, 8, 12, 9, 13, 2, 6, 3, 7, 10, 14, 11, 15);
    else if (s->few)
        s->order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return s->units > 0;
}

/* 16 channels of a tap's weights; eight twice where they are few. */
static __m128i tap_weights(const struct plan *s, int ky, int kx, int c, __mmask16 m)
{
    const struct vn_window2d *const g = &s->p->g;
    if (kx < 0 || kx >= g->kw)
        return _mm_setzero_si128();
    const __m128i w = _mm_maskz_loadu_epi8(m, s->p->weight + (size_t)(ky * g->kw + kx) * g->c + c);
    return s->few ? _mm_unpacklo_epi64(w, w) : w;
}

static __m512i both_halves(const struct plan *s, __m512i v)
{
    return s->few ? _mm512_inserti64x4(v, _mm512_castsi512_si256(v), 1) : v;
}

static void plan_unit(struct slab *u, const struct plan *s, int block, int end)
{
    const struct vn_conv_s8 *const p = s->p;
    const __m512i turn = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    u->c = block * VN_OCB;
    u->count = min_int(VN_OCB, end - u->c);
    const __mmask16 m = low_lanes(u->count);
    for (int ky = 0; ky < p->g.kh; ky++)
        for (int i = 0; i < s->groups; i++)
            for (int place = 0; place < 2; place++) {
                const int kx = 4 * i - place;
                const __m512i w =
                    four(tap_weights(s, ky, kx, u->c, m), tap_weights(s, ky, kx + 1, u->c, m),
                         tap_weights(s, ky, kx + 2, u->c, m), tap_weights(s, ky, kx + 3, u->c, m));
                u->weight[ky * s->groups + i][place] = by_bytes(_mm512_permutexvar_epi32(turn, w));
            }
    const __m512i bias = _mm512_maskz_loadu_epi32(m, p->bias + u->c),
                  wsum = _mm512_maskz_loadu_epi32(m, p->wsum + u->c);
    const __m512i shift = _mm512_set1_epi32(p->zx + 128);
    u->start = both_halves(s, _mm512_sub_epi32(bias, _mm512_mullo_epi32(wsum, shift)));
    const __m512i mult = _mm512_castps_si512(_mm512_maskz_loadu_ps(m, p->mult + u->c));
    u->mult = _mm512_castsi512_ps(both_halves(s, mult));
    u->bounded = is_bounded(u->mult);
}

/* ---- columns ---- */

/* The pixels of a column that reaches over an edge of the row, from px on. */
static __m512i edge_pixels(const struct plan *s, const int8_t *row, int px)
{
    const struct vn_window2d *const g = &s->p->g;
    const __m512i pad = _mm512_set1_epi8((char)s->p->zx);
    if (s->few || g->xp == 16) {
        const int first = max_int(0, -px), end = min_int(64 / g->xp, g->w - px);
        const uint64_t some = first < end ? ~UINT64_C(0) >> (64 - (end - first) * g->xp) << first * g->xp : 0;
        return _mm512_mask_loadu_epi8(pad, some, row + (ptrdiff_t)px * g->xp);
    }
    __m128i pixel[4];
    for (int i = 0; i < 4; i++)
        pixel[i] =
            is_inside(px + i, g->w) ? load16(row + (ptrdiff_t)(px + i) * g->xp) : _mm512_castsi512_si128(pad);
    return four(pixel[0], pixel[1], pixel[2], pixel[3]);
}

static inline __m512i make_column(__m512i quads, __m512i pixels)
{
    return _mm512_xor_si512(by_bytes(_mm512_permutexvar_epi32(quads, pixels)), _mm512_set1_epi8(-128));
}

/* All columns of one input row for one unit; row: its first pixel's channel, NULL: padding. */
static void fill_row(__m512i *column, const struct plan *s, const int8_t *row)
{
    const struct vn_window2d *const g = &s->p->g;
    const int apart = s->few ? 4 : 2, wide = s->few ? 6 : 4, c = g->xp;
    const __m512i quads = s->quads;
    int i = 0;
    if (!row) {
        for (; i < s->columns; i++)
            column[i] = s->pad;
        return;
    }
    for (; i < s->columns && i * apart < g->pw; i++)
        column[i] = make_column(quads, edge_pixels(s, row, i * apart - g->pw));
    const int inner = g->w + g->pw < wide ? 0 : min_int(s->columns, (g->w + g->pw - wide) / apart + 1);
    const int8_t *x = row + (ptrdiff_t)(i * apart - g->pw) * c;
    if (s->few || c == 16)
        for (; i < inner; i++, x += 32)
            column[i] = make_column(quads, _mm512_loadu_si512(x));
    else
        for (; i < inner; i++, x += 2 * c)
            column[i] =
                make_column(quads, four(load16(x), load16(x + c), load16(x + 2 * c), load16(x + 3 * c)));
    for (; i < s->columns; i++)
        column[i] = make_column(quads, edge_pixels(s, row, i * apart - g->pw));
}

/* ---- outputs ---- */

static ALWAYS_INLINE void store_pixels(int8_t *out, size_t pitch, __m512i q, const int few, int count,
                                       int pixels)
{
    const size_t bytes = few ? 8 : 16;
    if (pixels * bytes == 64 && pitch == bytes && (size_t)count == bytes) {
        _mm512_storeu_si512(out, q);
        return;
    }
    const __m128i y[4] = { _mm512_castsi512_si128(q), _mm512_extracti32x4_epi32(q, 1),
                           _mm512_extracti32x4_epi32(q, 2), _mm512_extracti32x4_epi32(q, 3) };
    if (pixels == 4 && count == 16) {
        for (int i = 0; i < 4; i++)
            _mm_storeu_si128((__m128i *)(out + i * pitch), y[i]);
    } else if (pixels == 4 && count == 8 && !few) {
        for (int i = 0; i < 4; i++)
            _mm_storel_epi64((__m128i *)(out + i * pitch), y[i]);
    } else {
        for (int i = 0; i < pixels; i++)
            memcpy(out + i * pitch, (const char *)y + i * bytes, (size_t)count);
    }
}

/* Any epilogue, a vector at a time. */
static void finish_each(void *out, size_t pixel, const __m512i acc[SUMS], const struct plan *s,
                        const struct slab *u, int pixels)
{
    for (int i = 0; i < pixels; i++) {
        const int second = s->p->g.sw == 1 ? i / 2 % 2 : i % 2;
        __m512i a = acc[!s->few ? i : s->p->g.sw == 1 ? i / 4 * 2 + i % 2 : i / 2];
        if (s->few && second)
            a = _mm512_castsi256_si512(_mm512_extracti64x4_epi64(a, 1));
        finish16_s8(out, pixel + i, u->c, a, (size_t)u->c, low_lanes(u->count), s->p);
    }
}

/* SUMS sums from the columns at x[ky]; places: outputs that a column serves. */
static ALWAYS_INLINE void add_taps(__m512i acc[SUMS], const int places, const int kh, const int groups,
                                   int apart, const __m512i (*w)[2], const __m512i *const *row, int at)
{
    for (int ky = 0; ky < kh; ky++)
        for (int i = 0; i < groups; i++, w++) {
            const __m512i *const x = row[ky] + at + i * apart;
            for (int j = 0; j < SUMS; j++)
                acc[j] = _mm512_dpbusd_epi32(acc[j], x[j / places], w[0][j % places]);
        }
}

/* The usual epilogue. */
static ALWAYS_INLINE void plain_row(const int places, const int kh, const int groups, int8_t *out,
                                    const struct plan *s, const struct slab *u, const __m512i *const *row)
{
    const struct vn_conv_s8 *const p = s->p;
    const struct narrow n = narrow_of(p->zy, p->lo, p->hi);
    const __m512i order = s->order, start = u->start;
    const __m512 mult = u->mult;
    const size_t pitch = (size_t)p->g.yp;
    const int apart = s->apart, step = s->step, per = s->per, few = s->few, count = u->count;
    const __m512i *x[3];
    __m512i few_weights[3][2];
    if (kh == 3 && groups == 1) { /* in registers */
        memcpy(few_weights, u->weight, sizeof few_weights);
        memcpy(x, row, sizeof x);
        row = x;
    }
    const __m512i(*const w)[2] = kh == 3 && groups == 1 ? few_weights : u->weight;
    for (int left = p->g.ow, at = 0; left > 0; left -= per, at += step, out += per * pitch) {
        __m512i acc[SUMS] = { start, start, start, start };
        add_taps(acc, places, kh, groups, apart, w, row, at);
        for (int j = 0; j < SUMS; j++)
            acc[j] = scaled(acc[j], mult);
        const __m512i q = _mm512_permutexvar_epi32(order, narrow4(acc[0], acc[1], acc[2], acc[3], &n));
        if (few)
            store_pixels(out, pitch, q, 1, count, min_int(left, per));
        else
            store_pixels(out, pitch, q, 0, count, min_int(left, per));
    }
}

static void any_row(void *out, size_t pixel, const struct plan *s, const struct slab *u,
                    const __m512i *const *row)
{
    const struct vn_window2d *const g = &s->p->g;
    for (int ox = 0, i = 0; ox < g->ow; ox += s->per, i += s->step) {
        __m512i acc[SUMS] = { u->start, u->start, u->start, u->start };
        if (g->sw == 1)
            add_taps(acc, 2, g->kh, s->groups, s->apart, u->weight, row, i);
        else
            add_taps(acc, 1, g->kh, s->groups, s->apart, u->weight, row, i);
        finish_each(out, pixel + ox, acc, s, u, min_int(s->per, g->ow - ox));
    }
}

static void output_row(void *out, size_t pixel, const struct plan *s, const struct slab *u,
                       const __m512i *const *row)
{
    const struct vn_window2d *const g = &s->p->g;
    int8_t *const y = (int8_t *)out + out_at(g, pixel, u->c);
    if (!u->bounded || s->p->residual || s->p->out_f32 || s->p->out_s16)
        any_row(out, pixel, s, u, row);
    else if (g->kh == 3 && s->groups == 1 && g->sw == 1)
        plain_row(2, 3, 1, y, s, u, row);
    else if (g->kh == 3 && s->groups == 1)
        plain_row(1, 3, 1, y, s, u, row);
    else if (g->kh == 5 && s->groups == 2 && g->sw == 1)
        plain_row(2, 5, 2, y, s, u, row);
    else if (g->sw == 1)
        plain_row(2, g->kh, s->groups, y, s, u, row);
    else
        plain_row(1, g->kh, s->groups, y, s, u, row);
}

/* All rows of the units from `block` on. */
static void some_units(void *out, const int8_t *x, const struct plan *s, int row0, int row1, int block,
                       int units)
{
    const struct vn_window2d *const g = &s->p->g;
    __m512i column[COLUMNS];
    struct slab u[MAX_UNITS];
    int filled = 0; /* input row from which on columns are missing, of the current image */
    for (int k = 0; k < units; k++)
        plan_unit(&u[k], s, block + k, g->c);
    for (int r = row0; r < row1; r++) {
        const int n = r / g->oh, top = r % g->oh * g->sh - g->ph;
        if (r == row0 || r % g->oh == 0)
            filled = top;
        for (filled = max_int(filled, top); filled < top + s->span; filled++)
            for (int k = 0; k < units; k++) {
                const int8_t *const from = x + ((ptrdiff_t)n * g->h + filled) * g->w * g->xp + u[k].c;
                const int slot = (filled + g->ph) % s->span;
                fill_row(column + (k * s->span + slot) * s->columns, s,
                         is_inside(filled, g->h) ? from : NULL);
            }
        for (int k = 0; k < units; k++) {
            const __m512i *row[MAX_ROWS];
            for (int ky = 0; ky < g->kh; ky++)
                row[ky] = column + (k * s->span + (top + ky * g->dh + g->ph) % s->span) * s->columns;
            output_row(out, (size_t)r * g->ow, s, &u[k], row);
        }
    }
}

VN_DWCONV_S8(vn_dwconv_s8_avx512vnni)
{
    struct plan s;
    if (p->wide || !plan_call(&s, p, kb1 - kb0)) {
        vn_dwconv_s8_avx2(out, x, p, row0, row1, kb0, kb1);
        return;
    }
    for (int kb = kb0; kb < kb1; kb += s.units)
        some_units(out, x, &s, row0, row1, kb, min_int(s.units, kb1 - kb));
}
