/* kernels/x86/pool_s16_avx2.c - pooling of int16, lanes are channels. */
#include "kernels/pool_window.h"
#include "kernels/x86/finish_avx2.h"

/* Where the taps of a window are: rows x cols of them from x on, pitches in elements. */
struct taps {
    const int16_t *x;
    int rows, cols;
    ptrdiff_t down, right;
};

static inline struct taps taps_of(const int16_t *x, const struct vn_window2d *g, int n,
                                  const struct pool_window *t)
{
    return (struct taps){ x + tap_pixel(g, n, t, t->y0, t->x0), t->y1 - t->y0, t->x1 - t->x0,
                          (ptrdiff_t)g->dh * g->w * g->xp, (ptrdiff_t)g->dw * g->xp };
}

#define EACH_TAP(t, c, at) \
    for (int ky = 0; ky < (t)->rows; ky++) \
        for (const int16_t *at = (t)->x + ky * (t)->down + (c), *end = at + (t)->cols * (t)->right; \
             at < end; at += (t)->right)

static inline void store16_s16(int16_t *y, __m256i v, int count)
{
    if (count >= 16)
        _mm256_storeu_si256((__m256i *)y, v);
    else
        memcpy(y, &v, (size_t)count * sizeof *y);
}

static void max_pixel(int16_t *y, const struct taps *t, const struct vn_pool *p, int divisor)
{
    (void)divisor;
    for (int c = 0; c < p->g.c; c += 16) {
        __m256i most = _mm256_set1_epi16(INT16_MIN);
        EACH_TAP(t, c, at)
        most = _mm256_max_epi16(most, _mm256_loadu_si256((const __m256i *)at));
        store16_s16(y + c, most, p->g.c - c);
    }
}

/* The rounded average of 8 sums. */
static inline __m256i average8(__m256i sum, const struct vn_pool *p, __m256 divisor)
{
    const __m256 t = _mm256_mul_ps(_mm256_cvtepi32_ps(sum), _mm256_set1_ps(p->ratio));
    const __m256i q = round8(_mm256_div_ps(t, divisor), p->zy, INT16_MIN, INT16_MAX);
    return _mm256_add_epi32(q, _mm256_set1_epi32(p->zy));
}

static void average_pixel(int16_t *y, const struct taps *t, const struct vn_pool *p, int divisor)
{
    const __m256i zero = _mm256_set1_epi32(t->rows * t->cols * p->zx);
    const __m256 count = _mm256_set1_ps((float)divisor);
    for (int c = 0; c < p->g.c; c += 16) {
        __m256i lo = _mm256_setzero_si256(), hi = lo;
        EACH_TAP(t, c, at)
        {
            const __m256i v = _mm256_loadu_si256((const __m256i *)at);
            lo = _mm256_add_epi32(lo, _mm256_cvtepi16_epi32(_mm256_castsi256_si128(v)));
            hi = _mm256_add_epi32(hi, _mm256_cvtepi16_epi32(_mm256_extracti128_si256(v, 1)));
        }
        lo = average8(_mm256_sub_epi32(lo, zero), p, count);
        hi = average8(_mm256_sub_epi32(hi, zero), p, count);
        store16_s16(y + c, _mm256_permute4x64_epi64(_mm256_packs_epi32(lo, hi), 0xd8), p->g.c - c);
    }
}

#define POOL(name, pixel) \
    void name(int16_t *out, const int16_t *x, const struct vn_pool *p, int row0, int row1) \
    { \
        const struct vn_window2d *const g = &p->g; \
        for (int row = row0; row < row1; row++) \
            for (int ox = 0; ox < g->ow; ox++) { \
                const struct pool_window w = window_at(g, row % g->oh, ox); \
                const struct taps t = taps_of(x, g, row / g->oh, &w); \
                pixel(out + ((size_t)row * g->ow + ox) * g->yp, &t, p, pool_divisor(p, &w)); \
            } \
    }
POOL(vn_maxpool_s16_avx2, max_pixel)
POOL(vn_avgpool_s16_avx2, average_pixel)
