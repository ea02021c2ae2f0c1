/* kernels/x86/matmul_s16_avx2.c - product of two int16 activations: two rows of a times 16 columns of b. */
#include "kernels/x86/finish_s16_avx2.h"
#include "kernels/x86/pixels.h"

#define ROWS 2
#define MAX_K 32768 /* the halves of so many pairs of products fit their lanes */

/* Two neighbours of a row of a in every 32-bit lane. */
static inline __m256i pair(const int16_t *a, int both)
{
    int32_t v = a[0] & 0xffff;
    if (both)
        memcpy(&v, a, sizeof v);
    return _mm256_set1_epi32(v);
}

/* lo + hi * 65536 + ones, in order of the columns: 0..3 and 8..11 are in the first vector, the others in the
 * second. */
static inline void sum8(double *sum, __m256i lo, __m256i hi, double ones)
{
    const __m256d step = _mm256_set1_pd(65536.0), more = _mm256_set1_pd(ones);
    EACH(half, 2)
    {
        const __m256d l =
            _mm256_cvtepi32_pd(half ? _mm256_extracti128_si256(lo, 1) : _mm256_castsi256_si128(lo));
        const __m256d h =
            _mm256_cvtepi32_pd(half ? _mm256_extracti128_si256(hi, 1) : _mm256_castsi256_si128(hi));
        _mm256_storeu_pd(sum + 8 * half, _mm256_add_pd(_mm256_add_pd(_mm256_mul_pd(h, step), l), more));
    }
}

static inline void store(void *c, size_t at, const double *sum, int count, const struct vn_matmul *p)
{
    const __m256 t = _mm256_mul_ps(floats8(sum), _mm256_set1_ps(p->mult));
    if (count <= 0)
        return;
    if (p->out_f32)
        store8_f32((float *)c + at, t, count);
    else
        store8_s16((int16_t *)c + at,
                   _mm256_add_epi32(round8(t, p->zy, p->lo, p->hi), _mm256_set1_epi32(p->zy)), count);
}

/* A pair of products is at most 2^31 and at least 2^16 - 2^31: less one it fits its lane; see
 * conv_s16_avx2.c. */
static void tile(void *c, const int16_t *a, const int16_t *b, const struct vn_matmul *p, int i, int row1,
                 int j)
{
    const __m256i one = _mm256_set1_epi32(1), low = _mm256_set1_epi32(0xffff);
    __m256i lo[ROWS][2], hi[ROWS][2];
    const int16_t *row[ROWS];
    EACH(r, ROWS)
    {
        row[r] = a + (size_t)min_int(i + r, row1 - 1) * p->k;
        EACH(h, 2)
        lo[r][h] = hi[r][h] = _mm256_setzero_si256();
    }
    for (int k = 0; k < p->k; k += 2) {
        const int16_t *const b0 = b + (size_t)k * p->n + j;
        const int both = k + 1 < p->k;
        const __m256i u = _mm256_loadu_si256((const __m256i *)b0);
        const __m256i v = both ? _mm256_loadu_si256((const __m256i *)(b0 + p->n)) : _mm256_setzero_si256();
        const __m256i uv[2] = { _mm256_unpacklo_epi16(u, v), _mm256_unpackhi_epi16(u, v) };
        EACH(r, ROWS)
        {
            const __m256i av = pair(row[r] + k, both);
            EACH(h, 2)
            {
                const __m256i m = _mm256_sub_epi32(_mm256_madd_epi16(av, uv[h]), one);
                lo[r][h] = _mm256_add_epi32(lo[r][h], _mm256_and_si256(m, low));
                hi[r][h] = _mm256_add_epi32(hi[r][h], _mm256_srai_epi32(m, 16));
            }
        }
    }
    for (int r = 0; r < ROWS && i + r < row1; r++) {
        const size_t at = (size_t)(i + r) * p->n + j;
        double sum[16];
        sum8(sum, lo[r][0], hi[r][0], (p->k + 1) / 2);
        sum8(sum + 4, lo[r][1], hi[r][1], (p->k + 1) / 2);
        store(c, at, sum, p->n - j, p);
        store(c, at + 8, sum + 8, p->n - j - 8, p);
    }
}

void vn_matmul_s16_avx2(void *c, const int16_t *a, const int16_t *b, const struct vn_matmul *p, int row0,
                        int row1)
{
    if (p->k > MAX_K || p->za || p->zb) {
        vn_matmul_s16_c(c, a, b, p, row0, row1);
        return;
    }
    for (int j = 0; j < p->n; j += 16)
        for (int i = row0; i < row1; i += ROWS)
            tile(c, a, b, p, i, row1, j);
}
