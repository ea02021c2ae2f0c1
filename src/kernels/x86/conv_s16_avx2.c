/* kernels/x86/conv_s16_avx2.c - int16 convolution with vpmaddwd, as conv_s8_avx2.c: the inputs of a few pixels are gathered into
 * lines, every block of output channels is a product with them. Sums leave the 32-bit lanes for doubles, in which all integers up
 * to 2^53 are exact, before they can overflow. */
#include "kernels/x86/finish_s16_avx2.h"
#include "kernels/x86/pixels.h"

#define NP 3
#define LINE 4608
#define RUN 508 /* values whose products with int8 fit 31 bits together: 508 * 2^15 * 2^7 < 2^31 */

struct lines {
    int16_t v[NP][LINE + 16];
};

struct cursor {
    int tap, c;
};

struct sums {
    double v[NP][VN_OCB];
};

/* Fill the lines from the cursor on; returns how many values each got, a multiple of 4. */
static int gather(struct lines *l, struct cursor *at, const struct pixel *t, const int16_t *x, const struct vn_conv_s16 *p)
{
    const struct vn_window2d *const g = &p->g;
    const int channels = (g->c / g->groups + 3) / 4 * 4;
    int filled = 0;
    while (at->tap < g->kh * g->kw && filled < LINE) {
        const int ky = at->tap / g->kw, kx = at->tap % g->kw, n = min_int(channels - at->c, LINE - filled);
        const ptrdiff_t tap = ((ptrdiff_t)ky * g->dh * g->w + kx * g->dw) * g->xp + at->c;
        for (int i = 0; i < NP; i++) {
            if (tap_is_real(&t[i], ky * g->dh, kx * g->dw, g))
                memcpy(l->v[i] + filled, x + (t[i].at + tap), (size_t)n * sizeof *x);
            else
                memset(l->v[i] + filled, 0, (size_t)n * sizeof *x);
        }
        filled += n;
        at->c += n;
        if (at->c == channels)
            *at = (struct cursor){ at->tap + 1, 0 };
    }
    return filled;
}

static inline void add8(double *sum, __m256i v)
{
    const __m256d lo = _mm256_cvtepi32_pd(_mm256_castsi256_si128(v)), hi = _mm256_cvtepi32_pd(_mm256_extracti128_si256(v, 1));
    _mm256_storeu_pd(sum, _mm256_add_pd(_mm256_loadu_pd(sum), lo));
    _mm256_storeu_pd(sum + 4, _mm256_add_pd(_mm256_loadu_pd(sum + 4), hi));
}

/* Each accumulator holds 4 output channels, two partial sums for each: those of 8 channels in order. */
static inline __m256i joined(__m256i a, __m256i b) { return _mm256_permute4x64_epi64(_mm256_hadd_epi32(a, b), 0xd8); }

static inline __m256i four_values(const int16_t *x)
{
    int64_t four;
    memcpy(&four, x, sizeof four);
    return _mm256_set1_epi64x(four);
}

static ALWAYS_INLINE void multiply_run(const int np, struct sums *s, const struct lines *l, int from, const int8_t *w, int n)
{
    __m256i a[NP][4];
    EACH (i, np)
        EACH (j, 4)
            a[i][j] = _mm256_setzero_si256();
    for (int k = 0; k < n; k += 4, w += 4 * VN_OCB) {
        __m256i xv[NP];
        EACH (i, np)
            xv[i] = four_values(l->v[i] + from + k);
        EACH (j, 4) {
            const __m256i wv = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(w + j * 16)));
            EACH (i, np)
                a[i][j] = _mm256_add_epi32(a[i][j], _mm256_madd_epi16(xv[i], wv));
        }
    }
    EACH (i, np)
        EACH (j, 2)
            add8(s->v[i] + 8 * j, joined(a[i][2 * j], a[i][2 * j + 1]));
}

static void multiply8(int np, struct sums *s, const struct lines *l, const int8_t *w, int n)
{
    for (int from = 0; from < n; from += RUN) {
        const int run = min_int(RUN, n - from);
        if (np == 1)
            multiply_run(1, s, l, from, w + (size_t)from * VN_OCB, run);
        else
            multiply_run(NP, s, l, from, w + (size_t)from * VN_OCB, run);
    }
}

/* Two products of full range make at most 2^31 and at least 2^16 - 2^31; less one they fit a lane. Their halves are summed apart. */
static void multiply16(double sum[VN_OCB], const int16_t *x, const int16_t *w, int n)
{
    const __m256i one = _mm256_set1_epi32(1), low = _mm256_set1_epi32(0xffff);
    __m256i lo[4], hi[4];
    EACH (j, 4)
        lo[j] = hi[j] = _mm256_setzero_si256();
    for (int k = 0; k < n; k += 4, w += 4 * VN_OCB) {
        const __m256i xv = four_values(x + k);
        EACH (j, 4) {
            const __m256i v = _mm256_sub_epi32(_mm256_madd_epi16(xv, _mm256_loadu_si256((const __m256i *)(w + j * 16))), one);
            lo[j] = _mm256_add_epi32(lo[j], _mm256_and_si256(v, low));
            hi[j] = _mm256_add_epi32(hi[j], _mm256_srai_epi32(v, 16));
        }
    }
    double part[VN_OCB] = { 0 };
    EACH (j, 2) {
        add8(sum + 8 * j, joined(lo[2 * j], lo[2 * j + 1]));
        add8(part + 8 * j, joined(hi[2 * j], hi[2 * j + 1]));
    }
    EACH (j, VN_OCB)
        sum[j] += part[j] * 65536.0 + n / 2; /* the ones back */
}

static void multiply(int np, struct sums *s, const struct lines *l, const struct vn_conv_s16 *p, size_t w, int n)
{
    if (!p->wide_weights)
        multiply8(np, s, l, (const int8_t *)p->weight + w, n);
    for (int i = 0; p->wide_weights && i < np; i++)
        multiply16(s->v[i], l->v[i], (const int16_t *)p->weight + w, n);
}

/* Up to NP pixels, blocks [kb0, kb1) of one group. */
static void tile(void *out, const int16_t *x, const struct vn_conv_s16 *p, struct walk *walk, int kb0, int kb1)
{
    const struct vn_window2d *const g = &p->g;
    const size_t block = vn_conv_s8_packed_bytes(g) / (size_t)vn_conv_blocks(g), length = block / VN_OCB;
    const int first = walk->at, np = min_int(NP, walk->last - first);
    struct pixel t[NP];
    next_pixels(t, NP, walk, g, block_at(g, kb0).group * (g->c / g->groups));
    struct lines l;
    struct cursor at = { 0, 0 };
    if (length <= LINE)
        gather(&l, &at, t, x, p);
    for (int kb = kb0; kb < kb1; kb++) {
        const struct block b = block_at(g, kb);
        const size_t lane = (size_t)kb * VN_OCB;
        size_t w = (size_t)kb * block;
        struct sums s;
        for (int i = 0; i < np; i++)
            for (int j = 0; j < VN_OCB; j++)
                s.v[i][j] = p->bias[lane + (size_t)j];
        for (int i = np; i < NP; i++)
            memset(s.v[i], 0, sizeof s.v[i]);
        if (length <= LINE) {
            multiply(np, &s, &l, p, w, (int)length);
        } else {
            at = (struct cursor){ 0, 0 };
            for (int n; (n = gather(&l, &at, t, x, p)) > 0; w += (size_t)n * VN_OCB)
                multiply(np, &s, &l, p, w, n);
        }
        for (int i = 0; i < np; i++)
            for (int j = 0; j < b.count; j += 8)
                finish8_s16(out, (size_t)(first + i), b.oc + j, s.v[i] + j, p->mult + lane + j, b.count - j,
                            p);
    }
}

VN_CONV_S16(vn_conv_s16_avx2)
{
    if ((int64_t)p->g.kh * p->g.kw * (p->g.c / p->g.groups) > 1 << 22) { /* sums beyond 2^53 */
        vn_conv_s16_c(out, x, p, row0, row1, kb0, kb1);
        return;
    }
    const int per = blocks_per_group(&p->g);
    for (int kb = kb0, next; kb < kb1; kb = next) {
        struct walk walk = walk_rows(&p->g, row0, row1);
        next = min_int(kb1, (kb / per + 1) * per);
        for (int left = walk.last - walk.at; left > 0; left -= NP)
            tile(out, x, p, &walk, kb, next);
    }
}

/* ---- depthwise: 8 channels at a time ---- */

static inline __m256i weights8(const struct vn_conv_s16 *p, size_t at)
{
    return p->wide_weights ? _mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)((const int16_t *)p->weight + at)))
                           : _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)((const int8_t *)p->weight + at)));
}

static void depthwise8(void *out, const int16_t *x, const struct vn_conv_s16 *p, int row, int ox, int c)
{
    const struct vn_window2d *const g = &p->g;
    const int n = row / g->oh, oy = row % g->oh;
    double sum[8];
    for (int j = 0; j < 8; j++)
        sum[j] = p->bias[c + j];
    for (int ky = 0; ky < g->kh; ky++)
        for (int kx = 0; kx < g->kw; kx++) {
            const int iy = tap_at(oy, g->sh, g->ph, ky, g->dh), ix = tap_at(ox, g->sw, g->pw, kx, g->dw);
            if (!is_inside(iy, g->h) || !is_inside(ix, g->w))
                continue;
            const int16_t *const xt = x + (((size_t)n * g->h + iy) * g->w + ix) * g->xp + c;
            const __m256i v = _mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)xt));
            add8(sum, _mm256_mullo_epi32(v, weights8(p, ((size_t)ky * g->kw + kx) * g->c + c)));
        }
    finish8_s16(out, (size_t)row * g->ow + ox, c, sum, p->mult + c, 8, p);
}

VN_CONV_S16(vn_dwconv_s16_avx2)
{
    const struct vn_window2d *const g = &p->g;
    const int c0 = kb0 * VN_OCB, c1 = min_int(g->c, kb1 * VN_OCB), whole = c0 + (c1 - c0) / 8 * 8;
    if ((int64_t)g->kh * g->kw > 1 << 22) {
        vn_dwconv_s16_c(out, x, p, row0, row1, kb0, kb1);
        return;
    }
    if (whole < c1) { /* a remainder: the last block alone in C */
        const int last = kb1 - 1;
        vn_dwconv_s16_c(out, x, p, row0, row1, last, kb1);
        if (last > kb0)
            vn_dwconv_s16_avx2(out, x, p, row0, row1, kb0, last);
        return;
    }
    for (int row = row0; row < row1; row++)
        for (int ox = 0; ox < g->ow; ox++)
            for (int c = c0; c < c1; c += 8)
                depthwise8(out, x, p, row, ox, c);
}
