/* kernels/x86/dwconv_s8_avx2.c - int8 depthwise convolution, lanes are channels.
 *
 * Two taps at a time: bytes widened to int16 and interleaved, so that vpmaddwd adds both products of a
 * channel. Padding reads a line of zx; the zero point is taken off at the end: bias - zx * wsum. */
#include "kernels/x86/finish_avx2.h"
#include "kernels/x86/pixels.h"

static inline __m256i widen16(const int8_t *x)
{
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)x));
}

#define CHANNELS 16 /* a vector of int16 */
#define MAX_TAPS 128
#define NP 4

/* Lane l of lo has the channels 8l..8l+3, of hi the next four. */
static inline void finish16(void *out, size_t pixel, __m256i lo, __m256i hi, const int32_t *start, int c,
                            int count, const struct vn_conv_s8 *p)
{
    const __m256i start0 = _mm256_loadu_si256((const __m256i *)start),
                  start1 = _mm256_loadu_si256((const __m256i *)(start + 8));
    const __m256i a = _mm256_add_epi32(_mm256_permute2x128_si256(lo, hi, 0x20), start0);
    const __m256i b = _mm256_add_epi32(_mm256_permute2x128_si256(lo, hi, 0x31), start1);
    finish8_s8(out, pixel, c, a, (size_t)c, count, p);
    if (count > 8)
        finish8_s8(out, pixel, c + 8, b, (size_t)c + 8, count - 8, p);
}

struct plan {
    int pairs;
    struct tap {
        int dy, dx;
        ptrdiff_t at;
    } tap[MAX_TAPS + 1];
    int8_t pad[64];
    int32_t start[CHANNELS]; /* bias - zx * wsum of the current channels */
    int16_t weight[(MAX_TAPS + 1) / 2][2]
                  [CHANNELS]; /* of the current channels, interleaved like the inputs */
};

/* An odd tap is paired with itself, at weight 0. */
static void plan_taps(struct plan *s, const struct vn_window2d *g, int32_t zx)
{
    const int taps = g->kh * g->kw;
    memset(s->pad, zx, sizeof s->pad);
    s->pairs = (taps + 1) / 2;
    for (int i = 0; i < 2 * s->pairs; i++) {
        const int tap = min_int(i, taps - 1), dy = tap / g->kw * g->dh, dx = tap % g->kw * g->dw;
        s->tap[i] = (struct tap){ dy, dx, ((ptrdiff_t)dy * g->w + dx) * g->xp };
    }
}

static void plan_channels(struct plan *s, const struct vn_conv_s8 *p, int c, int count)
{
    const struct vn_window2d *const g = &p->g;
    memset(s->start, 0, sizeof s->start);
    for (int j = 0; j < count; j++) /* may wrap on the way to a sum that fits */
        s->start[j] = (int32_t)((uint32_t)p->bias[c + j] - (uint32_t)p->zx * (uint32_t)p->wsum[c + j]);
    for (int q = 0; q < s->pairs; q++) {
        int16_t w[2][CHANNELS] = { { 0 } };
        for (int tap = 2 * q; tap < min_int(2 * q + 2, g->kh * g->kw); tap++)
            for (int j = 0; j < count; j++)
                w[tap - 2 * q][j] = p->weight[(size_t)tap * g->c + c + j];
        const __m256i a = _mm256_loadu_si256((const __m256i *)w[0]),
                      b = _mm256_loadu_si256((const __m256i *)w[1]);
        _mm256_storeu_si256((__m256i *)s->weight[q][0], _mm256_unpacklo_epi16(a, b));
        _mm256_storeu_si256((__m256i *)s->weight[q][1], _mm256_unpackhi_epi16(a, b));
    }
}

static ALWAYS_INLINE const int8_t *tap_input(const int8_t *x, const struct plan *s, const struct pixel *t,
                                             int i, int inside, const struct vn_window2d *g)
{
    const struct tap *const tap = &s->tap[i];
    const int real = inside || tap_is_real(t, tap->dy, tap->dx, g);
    return real ? x + (t->at + tap->at) : s->pad;
}

static ALWAYS_INLINE void sum_taps(__m256i lo[NP], __m256i hi[NP], const int8_t *x, const struct plan *s,
                                   const struct pixel *t, const int inside, const int pairs,
                                   const struct vn_window2d *g)
{
    EACH(i, NP)
    lo[i] = hi[i] = _mm256_setzero_si256();
    for (int q = 0; q < pairs; q++) {
        const __m256i w0 = _mm256_loadu_si256((const __m256i *)s->weight[q][0]),
                      w1 = _mm256_loadu_si256((const __m256i *)s->weight[q][1]);
        EACH(i, NP)
        {
            const __m256i a = widen16(tap_input(x, s, &t[i], 2 * q, inside, g));
            const __m256i b = widen16(tap_input(x, s, &t[i], 2 * q + 1, inside, g));
            lo[i] = _mm256_add_epi32(lo[i], _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), w0));
            hi[i] = _mm256_add_epi32(hi[i], _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), w1));
        }
    }
}

static void run(void *out, const int8_t *x, const struct vn_conv_s8 *p, int row0, int row1, int kb0, int kb1)
{
    const struct vn_window2d *const g = &p->g;
    const int end = min_int(g->c, kb1 * VN_OCB);
    struct plan s;
    plan_taps(&s, g, p->zx);
    for (int c = kb0 * VN_OCB; c < end; c += CHANNELS) {
        const int count = min_int(CHANNELS, end - c);
        struct walk walk = walk_rows(g, row0, row1);
        plan_channels(&s, p, c, count);
        for (int first = walk.at; first < walk.last; first += NP) {
            struct pixel t[NP];
            __m256i lo[NP], hi[NP];
            const int inside = next_pixels(t, NP, &walk, g, c);
            if (inside && s.pairs == 5)
                sum_taps(lo, hi, x, &s, t, 1, 5, g);
            else
                sum_taps(lo, hi, x, &s, t, inside, s.pairs, g);
            EACH(i, NP)
            if (first + i < walk.last)
                finish16(out, (size_t)(first + i), lo[i], hi[i], s.start, c, count, p);
        }
    }
}

VN_DWCONV_S8(vn_dwconv_s8_avx2)
{
    if (p->wide || p->g.kh * p->g.kw > MAX_TAPS)
        vn_dwconv_s8_c(out, x, p, row0, row1, kb0, kb1);
    else
        run(out, x, p, row0, row1, kb0, kb1);
}
