/* kernels/x86/copy_avx2.c - rows and transposed blocks of elements.
 *
 * A block at the end of a row or column begins so early that it is whole: it writes some elements twice, with
 * the same values. */
#include "kernels/kernels.h"

#include <immintrin.h>
#include <string.h>

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define EACH(i, n) _Pragma("GCC unroll 8") for (int i = 0; i < (n); i++)

static inline __m128i load16(const char *p) { return _mm_loadu_si128((const __m128i *)p); }
static inline __m128i load8(const char *p) { return _mm_loadl_epi64((const __m128i *)p); }
static inline void store16(char *p, __m128i v) { _mm_storeu_si128((__m128i *)p, v); }
static inline void store_low8(char *p, __m128i v) { _mm_storel_epi64((__m128i *)p, v); }
static inline void store_high8(char *p, __m128i v)
{
    _mm_storel_epi64((__m128i *)p, _mm_unpackhi_epi64(v, v));
}

/* ---- rows ---- */

/* The same as two halves that may overlap. */
#define HALVES(type) \
    do { \
        type first, last; \
        memcpy(&first, x, sizeof first); \
        memcpy(&last, x + bytes - sizeof last, sizeof last); \
        memcpy(out, &first, sizeof first); \
        memcpy(out + bytes - sizeof last, &last, sizeof last); \
    } while (0)

static inline void copy_up_to_16(char *out, const char *x, size_t bytes)
{
    if (bytes >= 8)
        HALVES(uint64_t);
    else if (bytes >= 4)
        HALVES(uint32_t);
    else if (bytes >= 2)
        HALVES(uint16_t);
    else if (bytes)
        *out = *x;
}

static inline void copy_more(char *out, const char *x, size_t bytes)
{
    for (size_t i = 0; i + 16 < bytes; i += 16)
        store16(out + i, load16(x + i));
    store16(out + bytes - 16, load16(x + bytes - 16));
}

#define MOST 256 /* bytes; more is better left to the C library */

void vn_copy_rows_avx2(char *out, const char *x, size_t rows, size_t bytes, ptrdiff_t xs, ptrdiff_t ys)
{
    if (bytes > MOST)
        vn_copy_rows_c(out, x, rows, bytes, xs, ys);
    else if (bytes >= 16)
        for (size_t r = 0; r < rows; r++)
            copy_more(out + (ptrdiff_t)r * ys, x + (ptrdiff_t)r * xs, bytes);
    else
        for (size_t r = 0; r < rows; r++)
            copy_up_to_16(out + (ptrdiff_t)r * ys, x + (ptrdiff_t)r * xs, bytes);
}

/* ---- every second or fourth element ---- */

static inline __m256i load32(const char *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }

/* The elements of a, then of b, at even places. */
static ALWAYS_INLINE __m256i even(__m256i a, __m256i b, const int size)
{
    const __m256i low = size == 1 ? _mm256_set1_epi16(0xff) : _mm256_set1_epi32(0xffff);
    const __m256d x = _mm256_castsi256_pd(a), y = _mm256_castsi256_pd(b);
    __m256i v;
    if (size == 1)
        v = _mm256_packus_epi16(_mm256_and_si256(a, low), _mm256_and_si256(b, low));
    else if (size == 2)
        v = _mm256_packus_epi32(_mm256_and_si256(a, low), _mm256_and_si256(b, low));
    else if (size == 4)
        v = _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castpd_ps(x), _mm256_castpd_ps(y), 0x88));
    else
        v = _mm256_castpd_si256(_mm256_unpacklo_pd(x, y));
    return _mm256_permute4x64_epi64(v, 0xd8);
}

/* Whole vectors; returns how many elements that is. The last one is left out: its loads would end outside. */
static ALWAYS_INLINE size_t thin_out(char *out, const char *x, size_t n, const int step, const int size)
{
    const size_t per = (size_t)(32 / size);
    size_t i = 0;
    for (; i + per < n; i += per, x += 32 * step) {
        __m256i v[4];
        EACH(k, step)
        v[k] = load32(x + 32 * k);
        EACH(k, step / 2)
        v[k] = even(v[2 * k], v[2 * k + 1], size);
        if (step == 4)
            v[0] = even(v[0], v[1], size);
        _mm256_storeu_si256((__m256i *)(void *)(out + i * (size_t)size), v[0]);
    }
    return i;
}

static size_t thin_out_by(char *out, const char *x, size_t n, ptrdiff_t step, int size)
{
    switch (step * 16 + size) {
    case 2 * 16 + 1: return thin_out(out, x, n, 2, 1);
    case 2 * 16 + 2: return thin_out(out, x, n, 2, 2);
    case 2 * 16 + 4: return thin_out(out, x, n, 2, 4);
    case 2 * 16 + 8: return thin_out(out, x, n, 2, 8);
    case 4 * 16 + 1: return thin_out(out, x, n, 4, 1);
    case 4 * 16 + 2: return thin_out(out, x, n, 4, 2);
    case 4 * 16 + 4: return thin_out(out, x, n, 4, 4);
    case 4 * 16 + 8: return thin_out(out, x, n, 4, 8);
    default: return 0;
    }
}

void vn_copy_strided_avx2(char *out, const char *x, size_t n, ptrdiff_t xs, ptrdiff_t ys, int size)
{
    const size_t done = ys == size && xs % size == 0 ? thin_out_by(out, x, n, xs / size, size) : 0;
    vn_copy_strided_c(out + (ptrdiff_t)done * ys, x + (ptrdiff_t)done * xs, n - done, xs, ys, size);
}

/* ---- transposed blocks of 8 x 8 ---- */

static ALWAYS_INLINE void block_1(char *out, const char *x, ptrdiff_t xs, ptrdiff_t ys)
{
    __m128i a[4], b[4];
    EACH(i, 4) /* rows i and i + 4: bytes of 0, 4 of each column */
    a[i] = _mm_unpacklo_epi8(load8(x + i * xs), load8(x + (i + 4) * xs));
    EACH(i, 2)
    {
        b[2 * i] = _mm_unpacklo_epi8(a[i], a[i + 2]);
        b[2 * i + 1] = _mm_unpackhi_epi8(a[i], a[i + 2]);
    }
    EACH(i, 2)
    { /* b[i]: rows 0, 2, 4, 6 of 4 columns; b[i + 2]: rows 1, 3, 5, 7 */
        const __m128i lo = _mm_unpacklo_epi8(b[i], b[i + 2]), hi = _mm_unpackhi_epi8(b[i], b[i + 2]);
        store_low8(out + (4 * i) * ys, lo);
        store_high8(out + (4 * i + 1) * ys, lo);
        store_low8(out + (4 * i + 2) * ys, hi);
        store_high8(out + (4 * i + 3) * ys, hi);
    }
}

static ALWAYS_INLINE void block_2(char *out, const char *x, ptrdiff_t xs, ptrdiff_t ys)
{
    __m128i a[8], b[8];
    EACH(i, 4)
    {
        const __m128i top = load16(x + i * xs), bottom = load16(x + (i + 4) * xs);
        a[2 * i] = _mm_unpacklo_epi16(top, bottom);
        a[2 * i + 1] = _mm_unpackhi_epi16(top, bottom);
    }
    EACH(i, 2)
    EACH(h, 2)
    { /* columns 4h.. of rows i, i + 2, i + 4, i + 6 */
        b[4 * i + 2 * h] = _mm_unpacklo_epi16(a[2 * i + h], a[2 * (i + 2) + h]);
        b[4 * i + 2 * h + 1] = _mm_unpackhi_epi16(a[2 * i + h], a[2 * (i + 2) + h]);
    }
    EACH(i, 4)
    {
        store16(out + (2 * i) * ys, _mm_unpacklo_epi16(b[i], b[i + 4]));
        store16(out + (2 * i + 1) * ys, _mm_unpackhi_epi16(b[i], b[i + 4]));
    }
}

static inline __m256 rows_of_halves(const char *low, const char *high)
{
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps((const float *)(const void *)low)),
                                _mm_loadu_ps((const float *)(const void *)high), 1);
}

static ALWAYS_INLINE void block_4(char *out, const char *x, ptrdiff_t xs, ptrdiff_t ys)
{
    EACH(h, 2)
    { /* columns 4h..4h + 3; rows 0 to 3 in the low lanes, 4 to 7 in the high ones */
        __m256 r[4];
        EACH(i, 4)
        r[i] = rows_of_halves(x + i * xs + 16 * h, x + (i + 4) * xs + 16 * h);
        const __m256 a = _mm256_unpacklo_ps(r[0], r[1]), b = _mm256_unpackhi_ps(r[0], r[1]);
        const __m256 c = _mm256_unpacklo_ps(r[2], r[3]), d = _mm256_unpackhi_ps(r[2], r[3]);
        const __m256 col[4] = { _mm256_shuffle_ps(a, c, 0x44), _mm256_shuffle_ps(a, c, 0xee),
                                _mm256_shuffle_ps(b, d, 0x44), _mm256_shuffle_ps(b, d, 0xee) };
        EACH(i, 4)
        _mm256_storeu_ps((float *)(void *)(out + (4 * h + i) * ys), col[i]);
    }
}

static inline size_t whole(size_t at, size_t n) { return at + 8 <= n ? at : n - 8; }

/* The shorter side is the inner loop: its lines stay in the cache. */
#define BLOCKS(size) \
    static void blocks_##size(char *out, const char *x, size_t rows, size_t cols, ptrdiff_t xs, \
                              ptrdiff_t ys) \
    { \
        const size_t outer = rows > cols ? rows : cols, inner = rows > cols ? cols : rows; \
        for (size_t i = 0; i < outer; i += 8) \
            for (size_t j = 0; j < inner; j += 8) { \
                const ptrdiff_t o = (ptrdiff_t)whole(i, outer), n = (ptrdiff_t)whole(j, inner); \
                const ptrdiff_t r = rows > cols ? o : n, c = rows > cols ? n : o; \
                block_##size(out + c * ys + r * size, x + r * xs + c * size, xs, ys); \
            } \
    }
BLOCKS(1)
BLOCKS(2)
BLOCKS(4)

/* ---- 2 to 4 channels: their pixels side by side, or apart ---- */

/* Byte i of vector k comes from byte at[i] of vector j; elsewhere zero. */
static __m128i mask_of(const int *from, int j)
{
    char at[16];
    for (int i = 0; i < 16; i++)
        at[i] = (char)(from[i] / 16 == j ? from[i] % 16 : -128);
    return load16(at);
}

static void interleaving(__m128i mask[4][4], int n, int size)
{
    for (int k = 0; k < n; k++) {
        int from[16];
        for (int i = 0; i < 16; i++) {
            const int byte = 16 * k + i, element = byte / size;
            from[i] = element % n * 16 + element / n * size + byte % size;
        }
        for (int j = 0; j < n; j++)
            mask[k][j] = mask_of(from, j);
    }
}

static void separating(__m128i mask[4][4], int n, int size)
{
    for (int k = 0; k < n; k++) {
        int from[16];
        for (int i = 0; i < 16; i++)
            from[i] = (i / size * n + k) * size + i % size;
        for (int j = 0; j < n; j++)
            mask[k][j] = mask_of(from, j);
    }
}

static ALWAYS_INLINE void shuffle_all(char *out, ptrdiff_t ys, const char *x, ptrdiff_t xs, const int n,
                                      __m128i mask[4][4])
{
    __m128i v[4];
    EACH(j, n)
    v[j] = load16(x + j * xs);
    EACH(k, n)
    {
        __m128i sum = _mm_shuffle_epi8(v[0], mask[k][0]);
        for (int j = 1; j < n; j++)
            sum = _mm_or_si128(sum, _mm_shuffle_epi8(v[j], mask[k][j]));
        store16(out + k * ys, sum);
    }
}

/* Whole vectors of pixels; returns how many pixels that is. */
static ALWAYS_INLINE size_t shuffle_pixels(char *out, const char *x, size_t pixels, ptrdiff_t xs,
                                           ptrdiff_t ys, const int n, const int apart, int size,
                                           __m128i mask[4][4])
{
    const size_t per = (size_t)(16 / size);
    size_t i = 0;
    for (; i + per <= pixels; i += per) {
        const ptrdiff_t at = (ptrdiff_t)i * size;
        if (apart)
            shuffle_all(out + at, ys, x + at * n, 16, n, mask);
        else
            shuffle_all(out + at * n, 16, x + at, xs, n, mask);
    }
    return i;
}

static size_t few_channels(char *out, const char *x, size_t pixels, ptrdiff_t xs, ptrdiff_t ys, int n,
                           int apart, int size)
{
    __m128i mask[4][4];
    (apart ? separating : interleaving)(mask, n, size);
    switch (2 * n + apart) {
    case 4: return shuffle_pixels(out, x, pixels, xs, ys, 2, 0, size, mask);
    case 5: return shuffle_pixels(out, x, pixels, xs, ys, 2, 1, size, mask);
    case 6: return shuffle_pixels(out, x, pixels, xs, ys, 3, 0, size, mask);
    case 7: return shuffle_pixels(out, x, pixels, xs, ys, 3, 1, size, mask);
    case 8: return shuffle_pixels(out, x, pixels, xs, ys, 4, 0, size, mask);
    default: return shuffle_pixels(out, x, pixels, xs, ys, 4, 1, size, mask);
    }
}

/* The elements of a, then of b, at odd places. */
static ALWAYS_INLINE __m256i odd(__m256i a, __m256i b, const int size)
{
    if (size == 1)
        return even(_mm256_srli_epi16(a, 8), _mm256_srli_epi16(b, 8), 1);
    if (size == 2)
        return even(_mm256_srli_epi32(a, 16), _mm256_srli_epi32(b, 16), 2);
    return even(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32), 4);
}

/* Two channels apart, of many short rows: no masks to make. At least one whole vector. */
static ALWAYS_INLINE void separate_pairs(char *out, const char *x, size_t pixels, ptrdiff_t ys,
                                         const int size)
{
    const size_t per = (size_t)(32 / size);
    for (size_t i = 0; i < pixels; i += per) {
        const size_t at = (i + per <= pixels ? i : pixels - per) * (size_t)size;
        const __m256i a = load32(x + 2 * at), b = load32(x + 2 * at + 32);
        _mm256_storeu_si256((__m256i *)(void *)(out + at), even(a, b, size));
        _mm256_storeu_si256((__m256i *)(void *)(out + (ptrdiff_t)at + ys), odd(a, b, size));
    }
}

static void pairs(char *out, const char *x, size_t pixels, ptrdiff_t ys, int size)
{
    switch (size) {
    case 1: separate_pairs(out, x, pixels, ys, 1); break;
    case 2: separate_pairs(out, x, pixels, ys, 2); break;
    default: separate_pairs(out, x, pixels, ys, 4); break;
    }
}

static int is_few(size_t n) { return n >= 2 && n <= 4; }

void vn_transpose_avx2(char *out, const char *x, size_t rows, size_t cols, ptrdiff_t xs, ptrdiff_t ys,
                       int size)
{
    if (size > 4) {
        vn_transpose_c(out, x, rows, cols, xs, ys, size);
    } else if (is_few(rows) && ys == (ptrdiff_t)rows * size) {
        const size_t done = few_channels(out, x, cols, xs, ys, (int)rows, 0, size);
        vn_transpose_c(out + (ptrdiff_t)done * ys, x + (ptrdiff_t)done * size, rows, cols - done, xs, ys,
                       size);
    } else if (cols == 2 && xs == 2 * size && rows * (size_t)size >= 32) {
        pairs(out, x, rows, ys, size);
    } else if (is_few(cols) && xs == (ptrdiff_t)cols * size) {
        const size_t done = few_channels(out, x, rows, xs, ys, (int)cols, 1, size);
        vn_transpose_c(out + (ptrdiff_t)done * size, x + (ptrdiff_t)done * xs, rows - done, cols, xs, ys,
                       size);
    } else if (rows < 8 || cols < 8) {
        vn_transpose_c(out, x, rows, cols, xs, ys, size);
    } else {
        (size == 1 ? blocks_1 : size == 2 ? blocks_2 : blocks_4)(out, x, rows, cols, xs, ys);
    }
}
