/* kernels/x86/matmul_s8_avx512vnni.c - product of two activations with vpdpbusd.
 *
 * A strip of 64 columns of b is packed once: four rows of it become four vectors with four neighbours of a
 * column in every 32-bit lane, and all rows of a pass over them. Part p (128 bits) of vector v has the
 * columns 16 p + 4 v and the three behind, which is the order that narrow4 takes.
 *
 * Rows of a become unsigned by adding 128, so that with sums over k
 *     sum (a - za)(b - zb) = sum (a + 128) b - (za + 128) sum b - zb (sum a - k za)
 * modulo 2^32, which the result does not leave. */
#include "kernels/x86/finish_avx512.h"

#define WIDTH 64
#define MOST_K 1024
#define ROWS 6

struct strip {
    const struct vn_matmul *p;
    int j, columns;
    int bounded; /* sums times mult stay below 2^30 */
    struct narrow narrow;
    __m512i start[4];
    __m512i b[MOST_K / 4][4];
};

static __mmask64 low_bytes(int n) { return n >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1; }

static void pack(struct strip *s, const int8_t *b)
{
    const struct vn_matmul *const p = s->p;
    const __mmask64 some = low_bytes(s->columns);
    const __m512i ones = _mm512_set1_epi8(1), shift = _mm512_set1_epi32(p->za + 128);
    __m512i sum[4] = { _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
                       _mm512_setzero_si512() };
    for (int k = 0; k < p->k; k += 4) {
        __m512i row[4], *const q = s->b[k / 4];
        EACH(i, 4)
        {
            const int8_t *const from = b + (size_t)(k + i) * p->n + s->j;
            row[i] = k + i < p->k ? _mm512_maskz_loadu_epi8(some, from) : _mm512_setzero_si512();
        }
        const __m512i lo01 = _mm512_unpacklo_epi8(row[0], row[1]),
                      hi01 = _mm512_unpackhi_epi8(row[0], row[1]);
        const __m512i lo23 = _mm512_unpacklo_epi8(row[2], row[3]),
                      hi23 = _mm512_unpackhi_epi8(row[2], row[3]);
        q[0] = _mm512_unpacklo_epi16(lo01, lo23);
        q[1] = _mm512_unpackhi_epi16(lo01, lo23);
        q[2] = _mm512_unpacklo_epi16(hi01, hi23);
        q[3] = _mm512_unpackhi_epi16(hi01, hi23);
        EACH(v, 4)
        sum[v] = _mm512_dpbusd_epi32(sum[v], ones, q[v]);
    }
    EACH(v, 4)
    s->start[v] = _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_mullo_epi32(sum[v], shift));
}

/* zb (sum a - k za) of a row; modulo 2^32. */
static __attribute__((noinline)) int32_t row_shift(const int8_t *a, const struct vn_matmul *p)
{
    if (!p->zb)
        return 0;
    const __m512i flip = _mm512_set1_epi8(-128), ones = _mm512_set1_epi8(1);
    __m512i sum = _mm512_setzero_si512();
    for (int k = 0; k < p->k; k += 64) {
        const __mmask64 some = low_bytes(p->k - k);
        const __m512i v = _mm512_xor_si512(_mm512_maskz_loadu_epi8(some, a + k), flip);
        sum = _mm512_dpbusd_epi32(sum, v, _mm512_maskz_mov_epi8(some, ones));
    }
    const uint32_t all = (uint32_t)_mm512_reduce_add_epi32(sum) - (uint32_t)p->k * (uint32_t)(128 + p->za);
    return (int32_t)((uint32_t)p->zb * all);
}

/* 16 columns. */
static void finish16(void *c, size_t at, __m512i acc, int count, const struct vn_matmul *p)
{
    const __mmask16 m = low_lanes(count);
    const __m512 t = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), _mm512_set1_ps(p->mult));
    if (p->out_f32) {
        store16_f32((float *)c + at, t, m);
        return;
    }
    const __m512i q = _mm512_add_epi32(round16(t, p->zy, p->lo, p->hi), _mm512_set1_epi32(p->zy));
    if (p->out_s16)
        _mm256_mask_storeu_epi16((int16_t *)c + at, m, _mm512_cvtepi32_epi16(q));
    else
        store16_s8((int8_t *)c + at, _mm512_cvtepi32_epi8(q), count);
}

static __attribute__((noinline)) void finish_any(void *c, size_t at, const __m512i acc[4],
                                                 const struct strip *s)
{
    for (int part = 0; part * 16 < s->columns; part++) {
        int32_t q[16];
        for (int v = 0; v < 4; v++)
            memcpy(q + 4 * v, (const int32_t *)&acc[v] + 4 * part, 16);
        finish16(c, at + part * 16, _mm512_loadu_si512(q), min_int(16, s->columns - part * 16), s->p);
    }
}

static ALWAYS_INLINE void finish_row(void *c, size_t at, const __m512i acc[4], const struct strip *s)
{
    const __m512 mult = _mm512_set1_ps(s->p->mult);
    __m512i q[4];
    EACH(v, 4)
    q[v] = scaled(acc[v], mult);
    const __m512i bytes = narrow4(q[0], q[1], q[2], q[3], &s->narrow);
    if (s->columns == WIDTH)
        _mm512_storeu_si512((int8_t *)c + at, bytes);
    else
        memcpy((int8_t *)c + at, &bytes, (size_t)s->columns);
}

/* Rows [i, i + count) of c; those behind repeat the last. */
static ALWAYS_INLINE void tile(const int nv, void *c, const int8_t *a, const struct strip *s, int i,
                               int count)
{
    const struct vn_matmul *const p = s->p;
    const __m512i flip = _mm512_set1_epi8(-128);
    const int8_t *row[ROWS];
    __m512i acc[ROWS][4];
    EACH(r, ROWS)
    {
        row[r] = a + (size_t)(i + min_int(r, count - 1)) * p->k;
        const __m512i shift = _mm512_set1_epi32(row_shift(row[r], p));
        EACH(v, nv)
        acc[r][v] = _mm512_sub_epi32(s->start[v], shift);
    }
    for (int k = 0; k < p->k; k += 4) {
        const __m512i *const b = s->b[k / 4];
        EACH(r, ROWS)
        {
            int32_t four;
            memcpy(&four, row[r] + k, sizeof four);
            const __m512i x = _mm512_xor_si512(_mm512_set1_epi32(four), flip);
            EACH(v, nv)
            acc[r][v] = _mm512_dpbusd_epi32(acc[r][v], x, b[v]);
        }
    }
    EACH(r, ROWS)
    if (r < count) {
        const size_t at = (size_t)(i + r) * p->n + s->j;
        __m512i one[4];
        EACH(v, 4)
        one[v] = acc[r][v < nv ? v : 0];
        if (s->bounded)
            finish_row(c, at, one, s);
        else
            finish_any(c, at, one, s);
    }
}

#define TILES(nv) \
    static __attribute__((noinline)) void tiles_##nv(void *c, const int8_t *a, const struct strip *s, \
                                                     int row0, int row1) \
    { \
        for (int i = row0; i < row1; i += ROWS) \
            tile(nv, c, a, s, i, min_int(ROWS, row1 - i)); \
    }
TILES(2)
TILES(4)

void vn_matmul_s8_avx512vnni(void *c, const int8_t *a, const int8_t *b, const struct vn_matmul *p, int row0,
                             int row1)
{
    if (p->k > MOST_K || row0 >= row1) {
        vn_matmul_s8_avx2(c, a, b, p, row0, row1);
        return;
    }
    struct strip s;
    s.p = p;
    s.bounded = !p->out_f32 && !p->out_s16 && is_bounded(_mm512_set1_ps(p->mult));
    s.narrow = narrow_of(p->zy, p->lo, p->hi);
    for (s.j = 0; s.j < p->n; s.j += WIDTH) {
        s.columns = min_int(WIDTH, p->n - s.j);
        pack(&s, b);
        (s.columns <= 8 ? tiles_2 : tiles_4)(c, a, &s, row0, row1);
    }
}
