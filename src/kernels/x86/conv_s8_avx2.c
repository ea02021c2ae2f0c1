/* kernels/x86/conv_s8_avx2.c - int8 convolution with vpmaddwd: bytes are widened first, for vpmaddubsw
 * saturates.
 *
 * The inputs of a few pixels are gathered into one int16 line each, in the order of the packed weights, with
 * the zero point taken off and padding as 0. Every block of output channels then is a plain product with
 * these lines. */
#include "kernels/x86/finish_avx2.h"
#include "kernels/x86/pixels.h"

#define NP 3
#define LINE 4608 /* 3 x 3 x 512 */

struct lines {
    int16_t v[NP][LINE + 16]; /* the gather writes 16 at a time */
};

struct cursor {
    int tap, c;
};

/* Fill the lines from the cursor on; returns how many values each got, a multiple of 4. */
static int gather(struct lines *l, struct cursor *at, const struct pixel *t, const int8_t *x,
                  const struct vn_conv_s8 *p)
{
    const struct vn_window2d *const g = &p->g;
    const int channels = (g->c / g->groups + 3) / 4 * 4;
    const __m256i zx = _mm256_set1_epi16((int16_t)p->zx);
    int filled = 0;
    while (at->tap < g->kh * g->kw && filled < LINE) {
        const int ky = at->tap / g->kw, kx = at->tap % g->kw, n = min_int(channels - at->c, LINE - filled);
        const ptrdiff_t tap = ((ptrdiff_t)ky * g->dh * g->w + kx * g->dw) * g->xp + at->c;
        for (int i = 0; i < NP; i++) {
            int16_t *const y = l->v[i] + filled;
            if (!tap_is_real(&t[i], ky * g->dh, kx * g->dw, g)) {
                memset(y, 0, (size_t)n * sizeof *y);
                continue;
            }
            const int8_t *const from = x + (t[i].at + tap);
            for (int c = 0; c < n; c += 16) {
                const __m256i v = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(from + c)));
                _mm256_storeu_si256((__m256i *)(y + c), _mm256_sub_epi16(v, zx));
            }
        }
        filled += n;
        at->c += n;
        if (at->c == channels)
            *at = (struct cursor){ at->tap + 1, 0 };
    }
    return filled;
}

/* Each accumulator holds 4 output channels, two partial sums for each. */
static ALWAYS_INLINE void multiply_pixels(const int np, __m256i acc[NP][4], const struct lines *l,
                                          const int8_t *w, int n)
{
    __m256i a[NP][4];
    EACH(i, np)
    EACH(j, 4)
    a[i][j] = acc[i][j];
    for (int k = 0; k < n; k += 4, w += 4 * VN_OCB) {
        __m256i xv[NP];
        EACH(i, np)
        {
            int64_t four;
            memcpy(&four, l->v[i] + k, sizeof four);
            xv[i] = _mm256_set1_epi64x(four);
        }
        EACH(j, 4)
        {
            const __m256i wv = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(w + j * 16)));
            EACH(i, np)
            a[i][j] = _mm256_add_epi32(a[i][j], _mm256_madd_epi16(xv[i], wv));
        }
    }
    EACH(i, np)
    EACH(j, 4)
    acc[i][j] = a[i][j];
}

static void multiply(int np, __m256i acc[NP][4], const struct lines *l, const int8_t *w, int n)
{
    if (np == 1)
        multiply_pixels(1, acc, l, w, n);
    else
        multiply_pixels(NP, acc, l, w, n);
}

static void finish(void *out, size_t pixel, const __m256i acc[4], int kb, const struct vn_conv_s8 *p)
{
    const struct block b = block_at(&p->g, kb);
    for (int half = 0; half * 8 < b.count; half++) {
        const size_t i = (size_t)kb * VN_OCB + half * 8;
        const __m256i pairs = _mm256_hadd_epi32(acc[2 * half], acc[2 * half + 1]);
        const __m256i sum = _mm256_permute4x64_epi64(pairs, 0xd8);
        const __m256i bias = _mm256_loadu_si256((const __m256i *)(p->bias + i));
        finish8_s8(out, pixel, b.oc + half * 8, _mm256_add_epi32(sum, bias), i, b.count - half * 8, p);
    }
}

/* Up to NP pixels, blocks [kb0, kb1) of one group. */
static void tile(void *out, const int8_t *x, const struct vn_conv_s8 *p, struct walk *walk, int kb0, int kb1)
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
        const int8_t *w = p->weight + (size_t)kb * block;
        __m256i acc[NP][4];
        memset(acc, 0, sizeof acc);
        if (length <= LINE) {
            multiply(np, acc, &l, w, (int)length);
        } else {
            at = (struct cursor){ 0, 0 };
            for (int n; (n = gather(&l, &at, t, x, p)) > 0; w += (size_t)n * VN_OCB)
                multiply(np, acc, &l, w, n);
        }
        for (int i = 0; i < np; i++)
            finish(out, (size_t)(first + i), acc[i], kb, p);
    }
}

VN_CONV_S8(vn_conv_s8_avx2)
{
    if (p->wide) {
        vn_conv_s8_c(out, x, p, row0, row1, kb0, kb1);
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
