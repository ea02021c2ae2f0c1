/* kernels/x86/matmul_avx2.c - product of two activations: a few rows of a times a strip of columns of b, k
 * ascending. */
#include "kernels/x86/finish_avx2.h"
#include "kernels/x86/pixels.h"

#define ROWS 4
#define MAX_K 33000 /* k * 255 * 255 stays below 2^31 */

/* Two neighbours of a row of a in every 32-bit lane, zero point off. */
static inline __m256i pair(const int8_t *a, __m256i za)
{
    int16_t both;
    memcpy(&both, a, sizeof both);
    return _mm256_sub_epi16(_mm256_cvtepi8_epi16(_mm_set1_epi16(both)), za);
}

static inline void store8(void *c, size_t at, __m256i acc, int count, const struct vn_matmul *p)
{
    const __m256 t = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), _mm256_set1_ps(p->mult));
    if (p->out_f32)
        store8_f32((float *)c + at, t, count);
    else if (p->out_s16)
        store8_s16((int16_t *)c + at,
                   _mm256_add_epi32(round8(t, p->zy, p->lo, p->hi), _mm256_set1_epi32(p->zy)), count);
    else
        store8_s8((int8_t *)c + at,
                  _mm256_add_epi32(round8(t, p->zy, p->lo, p->hi), _mm256_set1_epi32(p->zy)), count);
}

/* Rows i.. (those from row1 on repeat the last), columns j..j+15. Rows k and k + 1 of b are interleaved for
 * vpmaddwd; behind an odd k comes a row of zeros. */
static void tile_s8(void *c, const int8_t *a, const int8_t *b, const struct vn_matmul *p, int i, int row1,
                    int j)
{
    const __m256i za = _mm256_set1_epi16((int16_t)p->za), zb = _mm256_set1_epi16((int16_t)p->zb);
    const int8_t *row[ROWS];
    __m256i lo[ROWS], hi[ROWS];
    EACH(r, ROWS)
    {
        row[r] = a + (size_t)min_int(i + r, row1 - 1) * p->k;
        lo[r] = hi[r] = _mm256_setzero_si256();
    }
    for (int k = 0; k < p->k; k += 2) {
        const int8_t *const b0 = b + (size_t)k * p->n + j;
        const __m256i u = _mm256_sub_epi16(_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)b0)), zb);
        __m256i v = _mm256_setzero_si256();
        if (k + 1 < p->k)
            v = _mm256_sub_epi16(_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(b0 + p->n))), zb);
        const __m256i uv_lo = _mm256_unpacklo_epi16(u, v), uv_hi = _mm256_unpackhi_epi16(u, v);
        EACH(r, ROWS)
        {
            const __m256i av = pair(row[r] + k, za);
            lo[r] = _mm256_add_epi32(lo[r], _mm256_madd_epi16(av, uv_lo));
            hi[r] = _mm256_add_epi32(hi[r], _mm256_madd_epi16(av, uv_hi));
        }
    }
    for (int r = 0; r < ROWS && i + r < row1; r++) {
        const size_t at = (size_t)(i + r) * p->n + j;
        store8(c, at, _mm256_permute2x128_si256(lo[r], hi[r], 0x20), p->n - j, p);
        if (p->n - j > 8)
            store8(c, at + 8, _mm256_permute2x128_si256(lo[r], hi[r], 0x31), p->n - j - 8, p);
    }
}

void vn_matmul_s8_avx2(void *c, const int8_t *a, const int8_t *b, const struct vn_matmul *p, int row0,
                       int row1)
{
    if (p->k > MAX_K) {
        vn_matmul_s8_c(c, a, b, p, row0, row1);
        return;
    }
    for (int j = 0; j < p->n; j += 16)
        for (int i = row0; i < row1; i += ROWS)
            tile_s8(c, a, b, p, i, row1, j);
}

static ALWAYS_INLINE void tile_f32(const int whole, float *c, const float *a, const float *b,
                                   const struct vn_matmul *p, int i, int row1, int j)
{
    const __m256i m0 = low_lanes(p->n - j), m1 = low_lanes(p->n - j - 8);
    const float *row[ROWS];
    __m256 lo[ROWS], hi[ROWS];
    EACH(r, ROWS)
    {
        row[r] = a + (size_t)min_int(i + r, row1 - 1) * p->k;
        lo[r] = hi[r] = _mm256_setzero_ps();
    }
    for (int k = 0; k < p->k; k++) {
        const float *const bk = b + (size_t)k * p->n + j;
        const __m256 b0 = whole ? _mm256_loadu_ps(bk) : _mm256_maskload_ps(bk, m0);
        const __m256 b1 = whole ? _mm256_loadu_ps(bk + 8) : _mm256_maskload_ps(bk + 8, m1);
        EACH(r, ROWS)
        {
            const __m256 av = _mm256_broadcast_ss(row[r] + k);
            lo[r] = _mm256_fmadd_ps(av, b0, lo[r]);
            hi[r] = _mm256_fmadd_ps(av, b1, hi[r]);
        }
    }
    for (int r = 0; r < ROWS && i + r < row1; r++) {
        float *const y = c + (size_t)(i + r) * p->n + j;
        store8_f32(y, lo[r], p->n - j);
        store8_f32(y + 8, hi[r], p->n - j - 8);
    }
}

void vn_matmul_f32_avx2(float *c, const float *a, const float *b, const struct vn_matmul *p, int row0,
                        int row1)
{
    for (int j = 0; j < p->n; j += 16)
        for (int i = row0; i < row1; i += ROWS) {
            if (p->n - j >= 16)
                tile_f32(1, c, a, b, p, i, row1, j);
            else
                tile_f32(0, c, a, b, p, i, row1, j);
        }
}
