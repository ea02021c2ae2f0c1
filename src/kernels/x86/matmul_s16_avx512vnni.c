/* kernels/x86/matmul_s16_avx512vnni.c - product of two int16 activations with vpdpwssd.
 *
 * Lanes are columns of b; a multiplication adds the products of two neighbours of a row of a, a pair. Sums
 * have two parts, as in conv_s16_body.h. How many pairs the lower one can take follows from the inputs at
 * hand: a sum is at most as large as the sum of a row of |a| times the largest |b|. */
#include "kernels/x86/finish_s16_avx512.h"

#define NP 6
#define NV 2
#define MOST_ACC (INT32_MAX - 65535)

struct s16_product {
    void *c;
    const int16_t *a, *b;
    const struct vn_matmul *p;
    int row1;
    int run; /* pairs that fit; 0: all */
};

static __attribute__((noinline)) void store_sums(const struct s16_product *t, size_t at, __m512 sum,
                                                 int count)
{
    const struct vn_matmul *const p = t->p;
    const __m512 y = _mm512_mul_ps(sum, _mm512_set1_ps(p->mult));
    if (count <= 0)
        return;
    if (p->out_f32) {
        store16_f32((float *)t->c + at, y, low_lanes(min_int(count, 16)));
        return;
    }
    const __m512i q = _mm512_add_epi32(round16(y, p->zy, p->lo, p->hi), _mm512_set1_epi32(p->zy));
    const __m256i words = _mm512_cvtepi32_epi16(q);
    int16_t *const to = (int16_t *)t->c + at;
    if (count >= 16)
        _mm256_storeu_si256((__m256i *)to, words);
    else
        memcpy(to, &words, (size_t)count * sizeof *to);
}

/* np rows from i on, NV vectors of columns from j on. */
static ALWAYS_INLINE void tile(const int np, const int whole, const struct s16_product *t, int i, int j)
{
    static const int16_t zero[16];
    const struct vn_matmul *const p = t->p;
    const __m512i lower = _mm512_set1_epi32(0xffff);
    const int16_t *a[NP];
    __m512i acc[NP][NV], high[NP][NV];
    EACH(r, np)
    {
        a[r] = t->a + (size_t)min_int(i + r, t->row1 - 1) * p->k;
        EACH(v, NV)
        acc[r][v] = high[r][v] = _mm512_setzero_si512();
    }
    for (int k = 0; k < p->k;) {
        const int end = whole ? p->k : min_int(p->k, k + 2 * t->run);
        for (; k < end; k += 2) {
            const int16_t *const b = t->b + (size_t)k * p->n + j;
            __m512i w[NV];
            EACH(v, NV)
            w[v] = column_of(b + 16 * v, k + 1 < p->k ? b + p->n + 16 * v : zero);
            EACH(r, np)
            {
                const __m512i two = pair_of(a[r] + k);
                EACH(v, NV)
                acc[r][v] = _mm512_dpwssd_epi32(acc[r][v], two, w[v]);
            }
        }
        EACH(r, np)
        EACH(v, NV)
        if (!whole) {
            high[r][v] = _mm512_add_epi32(high[r][v], _mm512_srai_epi32(acc[r][v], 16));
            acc[r][v] = _mm512_and_si512(acc[r][v], lower);
        }
    }
    EACH(r, np)
    EACH(v, NV)
    if (i + r < t->row1)
        store_sums(t, (size_t)(i + r) * p->n + j + 16 * v,
                   whole ? _mm512_cvtepi32_ps(acc[r][v]) : join(high[r][v], acc[r][v]), p->n - j - 16 * v);
}

#define ROWS(name, whole) \
    static __attribute__((noinline)) void name(const struct s16_product *t, int row0, int j) \
    { \
        int i = row0; \
        for (; t->row1 - i > NP / 2; i += NP) \
            tile(NP, whole, t, i, j); \
        for (; i < t->row1; i++) \
            tile(1, whole, t, i, j); \
    }
ROWS(whole_rows, 1)
ROWS(carried_rows, 0)

static int magnitude(int16_t x) { return x < 0 ? -x : x; }

/* The largest |sum| of the rows, and the largest |sum| of a pair. */
static void survey(int64_t *all, int64_t *pair, const struct s16_product *t, int row0)
{
    int most_a = 0, most_b = 0;
    int64_t most_row = 0;
    for (int i = row0; i < t->row1; i++) {
        const int16_t *const a = t->a + (size_t)i * t->p->k;
        int64_t row = 0;
        for (int k = 0; k < t->p->k; k++) {
            row += magnitude(a[k]);
            most_a = max_int(most_a, magnitude(a[k]));
        }
        most_row = row > most_row ? row : most_row;
    }
    for (size_t i = 0, n = (size_t)t->p->k * t->p->n; i < n; i++)
        most_b = max_int(most_b, magnitude(t->b[i]));
    *all = most_row * most_b;
    *pair = 2 * (int64_t)most_a * most_b;
}

void vn_matmul_s16_avx512vnni(void *c, const int16_t *a, const int16_t *b, const struct vn_matmul *p,
                              int row0, int row1)
{
    struct s16_product t = { c, a, b, p, row1, 0 };
    int64_t all, pair;
    if (row0 >= row1)
        return;
    survey(&all, &pair, &t, row0);
    if (p->za || p->zb || pair > MOST_ACC || all >> 40) {
        vn_matmul_s16_avx2(c, a, b, p, row0, row1);
        return;
    }
    t.run = pair ? (int)(MOST_ACC / pair) : 1;
    for (int j = 0; j < p->n; j += 16 * NV)
        (all <= INT32_MAX ? whole_rows : carried_rows)(&t, row0, j);
}
