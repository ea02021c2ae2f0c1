/* kernels/image/x86/area_rows_avx2.c - OpenCV's area: gathering and 2 x 2 by hand, the rest by the common
 * body. */
#include "kernels/image/area_rows_body.h"

#include "kernels/image/x86/pixel_loads.h"

/* Pixels of 3 or 4 channels; returns the number of pixels done. */
#define PIXELS(name, type, load) \
    static int name(float *out, const type *in, size_t values, const struct vn_parts *x, int w, int c) \
    { \
        for (int i = 0; i < w; i++) { \
            __m128 sum = _mm_setzero_ps(); \
            if ((ptrdiff_t)values < (ptrdiff_t)x->from[x->start[i + 1] - 1] * c + 4) \
                return i; \
            for (int k = x->start[i]; k < x->start[i + 1]; k++) \
                sum = _mm_add_ps(sum, \
                                 _mm_mul_ps(load(in + (size_t)x->from[k] * c), _mm_set1_ps(x->weight[k]))); \
            _mm_storeu_ps(out + (size_t)i * c, sum); \
        } \
        return w; \
    }

static inline __m128 byte_pixel(const uint8_t *p)
{
    return _mm_cvtepi32_ps(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(four_bytes(p))));
}

PIXELS(byte_pixels, uint8_t, byte_pixel)
PIXELS(float_pixels, float, _mm_loadu_ps)

static inline __m256 add_product(__m256 sum, __m256 x, const float *w)
{
    return _mm256_add_ps(sum, _mm256_mul_ps(x, _mm256_loadu_ps(w)));
}

/* Values [lo, hi) of one channel. */
static void single_bytes(float *out, const uint8_t *row, const struct vn_taps *x)
{
    const __m256i byte = _mm256_set1_epi32(255);
    for (int i = x->lo; i < x->hi; i += 8) {
        const float *w = x->block + (size_t)i * x->n;
        __m256 sum = _mm256_setzero_ps();
        for (int k = 0; k < x->n; k += 4, w += 32) {
            const __m256i v = eight_pixels(row + k, x->first + i);
            sum = add_product(sum, _mm256_cvtepi32_ps(_mm256_and_si256(v, byte)), w);
            sum =
                add_product(sum, _mm256_cvtepi32_ps(_mm256_and_si256(_mm256_srli_epi32(v, 8), byte)), w + 8);
            sum = add_product(sum, _mm256_cvtepi32_ps(_mm256_and_si256(_mm256_srli_epi32(v, 16), byte)),
                              w + 16);
            sum = add_product(sum, _mm256_cvtepi32_ps(_mm256_srli_epi32(v, 24)), w + 24);
        }
        _mm256_storeu_ps(out + i, sum);
    }
}

/* A value without weight may be infinite: it must not count. */
static void single_floats(float *out, const float *row, const struct vn_taps *x)
{
    const __m256 none = _mm256_setzero_ps();
    for (int i = x->lo; i < x->hi; i += 8) {
        const float *w = x->block + (size_t)i * x->n;
        __m256 t[4], sum = none;
        for (int k = 0; k < x->n; k += 4) {
            turn_4(t, row + k, x->first + i);
#pragma GCC unroll 4
            for (int j = 0; j < 4; j++, w += 8)
                sum = add_product(
                    sum, _mm256_and_ps(t[j], _mm256_cmp_ps(_mm256_loadu_ps(w), none, _CMP_NEQ_OQ)), w);
        }
        _mm256_storeu_ps(out + i, sum);
    }
}

#define GATHER_ROWS(name, single, pixels, plain) \
    static void name(float *out, const void *row, size_t values, const struct vn_parts *x, int w, int c) \
    { \
        int from = x->even.lo, to = x->even.hi; \
        if (to > from) \
            single(out, row, &x->even); \
        else if (c >= 3) \
            to = pixels(out, row, values, x, w, c); \
        plain(out, row, x, 0, from, c); \
        plain(out, row, x, to, w, c); \
    }
GATHER_ROWS(gather_bytes, single_bytes, byte_pixels, part_bytes)
GATHER_ROWS(gather_floats, single_floats, float_pixels, part_floats)

/* 2 x 2 bytes to one: pairs side by side, whose sums pmaddubsw makes. Of 3 or 4 channels two output pixels
 * in each half. */
ROW_INLINE __m256i pair_sums(const uint8_t *p, int c, __m256i shuffle)
{
    const __m256i one = _mm256_set1_epi8(1);
    if (c == 1)
        return _mm256_maddubs_epi16(_mm256_loadu_si256((const __m256i *)p), one);
    return _mm256_maddubs_epi16(_mm256_shuffle_epi8(two_rows(p, p + 4 * c), shuffle), one);
}

/* Returns the number of pixels done. */
ROW_INLINE int halve_wide(uint8_t *out, const uint8_t *p, const uint8_t *q, int w, int c)
{
    static const int8_t pairs[2][16] __attribute__((aligned(16))) = {
        { 0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11, -1, -1, -1, -1 },
        { 0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15 },
    };
    const __m256i shuffle = both_halves(pairs[c == 4]);
    const int step = c == 1 ? 16 : 4; /* of the last step more pixels are touched than it makes */
    int i = 0;
    for (; i + step + 2 <= w; i += step, p += 2 * step * c, q += 2 * step * c, out += step * c) {
        const __m256i pair = _mm256_add_epi16(pair_sums(p, c, shuffle), pair_sums(q, c, shuffle));
        const __m256i mean = _mm256_srli_epi16(_mm256_add_epi16(pair, _mm256_set1_epi16(2)), 2);
        store_8_bytes(out, out + (c == 1 ? 8 : 2 * c), _mm256_packus_epi16(mean, _mm256_setzero_si256()));
    }
    return i;
}

static void halve(uint8_t *out, const uint8_t *p, const uint8_t *q, int w, int c)
{
    int done;
    switch (c) {
    case 1: done = halve_wide(out, p, q, w, 1); break;
    case 3: done = halve_wide(out, p, q, w, 3); break;
    default: done = halve_wide(out, p, q, w, 4); break;
    }
    halve_from(out, p, q, done, w, c);
}

const struct vn_area_rows vn_area_rows_avx2 = AREA_ROWS;
