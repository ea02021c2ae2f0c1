/* kernels/x86/pool_avx2.c - pooling, lanes are channels. */
#include "kernels/pool_window.h"
#include "kernels/x86/finish_avx2.h"

#include <math.h>

/* Input of tap ky, kx, channel c. */
#define TAP(ky, kx) (x + tap_pixel(g, n, t, ky, kx) + c)
#define EACH_PART(i, n) _Pragma("GCC unroll 16") for (int i = 0; i < (n); i++)
#define FOLD(n) \
    EACH_PART(i, n) \
    part[i] = _mm256_add_ps(part[i], part[i + (n)])
#define FOR_EACH_TAP \
    for (int ky = t->y0; ky < t->y1; ky++) \
        for (int kx = t->x0; kx < t->x1; kx++)

static void max_s8(int8_t *y, const int8_t *x, const struct vn_pool *p, int n, const struct pool_window *t)
{
    const struct vn_window2d *const g = &p->g;
    for (int c = 0; c < g->c; c += 32) {
        __m256i m = _mm256_set1_epi8(-128);
        FOR_EACH_TAP
        m = _mm256_max_epi8(m, _mm256_loadu_si256((const __m256i *)TAP(ky, kx)));
        if (g->c - c >= 32)
            _mm256_storeu_si256((__m256i *)(y + c), m);
        else
            memcpy(y + c, &m, (size_t)(g->c - c));
    }
}

static void max_f32(float *y, const float *x, const struct vn_pool *p, int n, const struct pool_window *t)
{
    const struct vn_window2d *const g = &p->g;
    for (int c = 0; c < g->c; c += 8) {
        __m256 m = _mm256_set1_ps(-INFINITY);
        FOR_EACH_TAP
        m = _mm256_max_ps(_mm256_loadu_ps(TAP(ky, kx)), m); /* NaN: the second operand stays */
        store8_f32(y + c, m, g->c - c);
    }
}

static void average_s8(int8_t *y, const int8_t *x, const struct vn_pool *p, int n,
                       const struct pool_window *t)
{
    const struct vn_window2d *const g = &p->g;
    const __m256i zx = _mm256_set1_epi32(p->zx);
    const __m256 count = _mm256_set1_ps((float)pool_divisor(p, t));
    for (int c = 0; c < g->c; c += 8) {
        __m256i sum = _mm256_setzero_si256();
        FOR_EACH_TAP
        sum = _mm256_add_epi32(sum, _mm256_sub_epi32(widen8(TAP(ky, kx)), zx));
        const __m256 v =
            _mm256_div_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sum), _mm256_set1_ps(p->ratio)), count);
        store8_s8(y + c, _mm256_add_epi32(round8(v, p->zy, -128, 127), _mm256_set1_epi32(p->zy)), g->c - c);
    }
}

static void average_f32(float *y, const float *x, const struct vn_pool *p, int n, const struct pool_window *t)
{
    const struct vn_window2d *const g = &p->g;
    const __m256 count = _mm256_set1_ps((float)pool_divisor(p, t));
    for (int c = 0; c < g->c; c += 8) {
        __m256 part[16];
        int tap = 0;
        EACH_PART(i, 16)
        part[i] = _mm256_setzero_ps();
        FOR_EACH_TAP
        {
            part[tap % 16] = _mm256_add_ps(part[tap % 16], _mm256_loadu_ps(TAP(ky, kx)));
            tap++;
        }
        FOLD(8);
        FOLD(4);
        FOLD(2);
        FOLD(1);
        store8_f32(y + c, _mm256_div_ps(part[0], count), g->c - c);
    }
}

#define POOL(name, type, pixel) \
    void name(type *out, const type *x, const struct vn_pool *p, int row0, int row1) \
    { \
        const struct vn_window2d *const g = &p->g; \
        for (int row = row0; row < row1; row++) \
            for (int ox = 0; ox < g->ow; ox++) { \
                const struct pool_window t = window_at(g, row % g->oh, ox); \
                pixel(out + ((size_t)row * g->ow + ox) * g->yp, x, p, row / g->oh, &t); \
            } \
    }
POOL(vn_maxpool_s8_avx2, int8_t, max_s8)
POOL(vn_maxpool_f32_avx2, float, max_f32)
POOL(vn_avgpool_s8_avx2, int8_t, average_s8)
POOL(vn_avgpool_f32_avx2, float, average_f32)
