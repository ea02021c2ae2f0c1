/* kernels/image/x86/opencv_rows_avx2.c - OpenCV's passes across by hand: two rows at once, one in each half
 * of a register; of one channel, eight pixels of one row. The common body does the borders, and what needs
 * no help. */
#include "kernels/image/opencv_rows_body.h"

#include "kernels/image/x86/pixel_loads.h"

/* Two weights of 16 bits in each word. */
static inline __m256i pair_of_weights(const int16_t *w)
{
    int32_t pair;
    memcpy(&pair, w, 4);
    return _mm256_set1_epi32(pair);
}

static inline void store_16_bytes(void *p, void *q, __m256i x)
{
    _mm_storeu_si128(p, _mm256_castsi256_si128(x));
    _mm_storeu_si128(q, _mm256_extracti128_si256(x, 1));
}

/* ---- bytes, 2 integer weights ---- */

static void pairs_of_pixels(uint16_t *const out[2], const uint8_t *const in[2], const struct vn_taps *x,
                            int i, int to, int c)
{
    uint16_t *u = out[0], *v = out[1];
    const uint8_t *in0 = in[0], *in1 = in[1];
    const __m256i shuffle = both_halves(pair_shuffle[c - 3]);
    const __m128i shift = _mm_cvtsi32_si128(x->shift);
    for (; i < to; i++) {
        const ptrdiff_t at = (ptrdiff_t)x->first[i] * c;
        const __m128i p = _mm_loadl_epi64((const __m128i *)(in0 + at)),
                      q = _mm_loadl_epi64((const __m128i *)(in1 + at));
        const __m256i both = _mm256_inserti128_si256(_mm256_castsi128_si256(p), q, 1);
        const __m256i sum =
            _mm256_madd_epi16(_mm256_shuffle_epi8(both, shuffle), pair_of_weights(x->weight + 2 * (size_t)i));
        const __m256i s = _mm256_sra_epi32(sum, shift);
        store_8_bytes(u + (size_t)i * c, v + (size_t)i * c, _mm256_packus_epi32(s, s));
    }
}

static inline int16_t two_bytes(const uint8_t *p)
{
    int16_t x;
    memcpy(&x, p, 2);
    return x;
}

static void pairs_of_bytes(uint16_t *out, const uint8_t *in, const struct vn_taps *x, int i, int to)
{
    const __m128i shift = _mm_cvtsi32_si128(x->shift);
    for (; i < to; i += 8) {
        const int *f = x->first + i;
        const __m128i p = _mm_setr_epi16(two_bytes(in + f[0]), two_bytes(in + f[1]), two_bytes(in + f[2]),
                                         two_bytes(in + f[3]), two_bytes(in + f[4]), two_bytes(in + f[5]),
                                         two_bytes(in + f[6]), two_bytes(in + f[7]));
        const __m256i w = _mm256_loadu_si256((const __m256i *)(x->weight + 2 * (size_t)i));
        const __m256i s = _mm256_sra_epi32(_mm256_madd_epi16(_mm256_cvtepu8_epi16(p), w), shift);
        const __m128i r = _mm_packus_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
        _mm_storeu_si128((__m128i *)(out + i), r);
    }
}

static void wide_pairs(void *const out[2], const void *const in[2], const struct vn_taps *x, int i, int to,
                       int c)
{
    if (c > 1)
        pairs_of_pixels((uint16_t *const *)out, (const uint8_t *const *)in, x, i, to, c);
    for (int r = 0; c == 1 && r < 1 + (in[0] != in[1]); r++)
        pairs_of_bytes(out[r], in[r], x, i, to);
}

/* ---- bytes, 8 integer weights: pixels 0 to 3 in one register, 4 to 7 in another ---- */

static void fixed_pixels(int *const out[2], const uint8_t *const in[2], const struct vn_taps *x, int i,
                         int to, int c)
{
    int *u = out[0], *v = out[1];
    const uint8_t *in0 = in[0], *in1 = in[1];
    const __m256i low = both_halves(pair_shuffle[c - 3]), high = both_halves(pair_shuffle[c - 3] + 16);
    for (; i < to; i++) {
        const ptrdiff_t at = (ptrdiff_t)x->first[i] * c;
        const int16_t *w = x->weight + 8 * (size_t)i;
        const __m256i near = two_rows(in0 + at, in1 + at), far = two_rows(in0 + at + 4 * c, in1 + at + 4 * c);
        const __m256i a = _mm256_madd_epi16(_mm256_shuffle_epi8(near, low), pair_of_weights(w));
        const __m256i b = _mm256_madd_epi16(_mm256_shuffle_epi8(near, high), pair_of_weights(w + 2));
        const __m256i d = _mm256_madd_epi16(_mm256_shuffle_epi8(far, low), pair_of_weights(w + 4));
        const __m256i e = _mm256_madd_epi16(_mm256_shuffle_epi8(far, high), pair_of_weights(w + 6));
        const __m256i sum = _mm256_add_epi32(_mm256_add_epi32(a, b), _mm256_add_epi32(d, e));
        store_16_bytes(u + (size_t)i * c, v + (size_t)i * c, sum);
    }
}

static inline __m128i fixed_byte(const uint8_t *in, const struct vn_taps *x, int i)
{
    const __m128i p = _mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i *)(in + x->first[i])));
    return _mm_madd_epi16(p, _mm_loadu_si128((const __m128i *)(x->weight + 8 * (size_t)i)));
}

static void fixed_bytes(int *out, const uint8_t *in, const struct vn_taps *x, int i, int to)
{
    for (; i < to; i += 4) {
        const __m128i a = _mm_hadd_epi32(fixed_byte(in, x, i), fixed_byte(in, x, i + 1));
        const __m128i b = _mm_hadd_epi32(fixed_byte(in, x, i + 2), fixed_byte(in, x, i + 3));
        _mm_storeu_si128((__m128i *)(out + i), _mm_hadd_epi32(a, b));
    }
}

static void wide_fixed(void *const out[2], const void *const in[2], const struct vn_taps *x, int i, int to,
                       int c)
{
    if (c > 1)
        fixed_pixels((int *const *)out, (const uint8_t *const *)in, x, i, to, c);
    for (int r = 0; c == 1 && r < 1 + (in[0] != in[1]); r++)
        fixed_bytes(out[r], in[r], x, i, to);
}

/* ---- bytes, 4 float weights ---- */

/* Tap k of four pixels of 3 or 4 bytes: its channels as words. */
#define TAP(c, k) \
    { \
        (k) * (c), -1, -1, -1, (k) * (c) + 1, -1, -1, -1, (k) * (c) + 2, -1, -1, -1, \
            (c) == 4 ? (k) * (c) + 3 : -1, -1, -1, -1 \
    }
static const int8_t tap_shuffle[2][4][16] __attribute__((aligned(16))) = {
    { TAP(3, 0), TAP(3, 1), TAP(3, 2), TAP(3, 3) },
    { TAP(4, 0), TAP(4, 1), TAP(4, 2), TAP(4, 3) },
};

static inline __m256 pick_tap(__m256i pixels, __m256i shuffle)
{
    return _mm256_cvtepi32_ps(_mm256_shuffle_epi8(pixels, shuffle));
}

static void cubic_pixels(float *const out[2], const uint8_t *const in[2], const struct vn_taps *x, int i,
                         int to, int c)
{
    float *u = out[0], *v = out[1];
    const uint8_t *in0 = in[0], *in1 = in[1];
    const __m256i t0 = both_halves(tap_shuffle[c - 3][0]), t1 = both_halves(tap_shuffle[c - 3][1]);
    const __m256i t2 = both_halves(tap_shuffle[c - 3][2]), t3 = both_halves(tap_shuffle[c - 3][3]);
    for (; i < to; i++) {
        const ptrdiff_t at = (ptrdiff_t)x->first[i] * c;
        const float *w = x->real + 4 * (size_t)i;
        const __m256i pixels = two_rows(in0 + at, in1 + at);
        __m256 sum = _mm256_mul_ps(pick_tap(pixels, t0), _mm256_broadcast_ss(w));
        sum = _mm256_fmadd_ps(pick_tap(pixels, t1), _mm256_broadcast_ss(w + 1), sum);
        sum = _mm256_fmadd_ps(pick_tap(pixels, t2), _mm256_broadcast_ss(w + 2), sum);
        sum = _mm256_fmadd_ps(pick_tap(pixels, t3), _mm256_broadcast_ss(w + 3), sum);
        store_16_bytes(u + (size_t)i * c, v + (size_t)i * c, _mm256_castps_si256(sum));
    }
}

static inline __m256 byte_floats(__m256i v)
{
    return _mm256_cvtepi32_ps(_mm256_and_si256(v, _mm256_set1_epi32(255)));
}

static void cubic_bytes(float *out, const uint8_t *in, const struct vn_taps *x, int i, int to)
{
    for (; i < to; i += 8) {
        const float *w = x->block + 4 * (size_t)i;
        const __m256i v = eight_pixels(in, x->first + i);
        __m256 sum = _mm256_mul_ps(byte_floats(v), _mm256_loadu_ps(w));
        sum = _mm256_fmadd_ps(byte_floats(_mm256_srli_epi32(v, 8)), _mm256_loadu_ps(w + 8), sum);
        sum = _mm256_fmadd_ps(byte_floats(_mm256_srli_epi32(v, 16)), _mm256_loadu_ps(w + 16), sum);
        sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_srli_epi32(v, 24)), _mm256_loadu_ps(w + 24), sum);
        _mm256_storeu_ps(out + i, sum);
    }
}

static void wide_cubic(void *const out[2], const void *const in[2], const struct vn_taps *x, int i, int to,
                       int c)
{
    if (c > 1)
        cubic_pixels((float *const *)out, (const uint8_t *const *)in, x, i, to, c);
    for (int r = 0; c == 1 && r < 1 + (in[0] != in[1]); r++)
        cubic_bytes(out[r], in[r], x, i, to);
}

/* ---- floats, 2, 4 or 8 weights ---- */

ROW_INLINE void float_pixels(float *const out[2], const float *const in[2], const struct vn_taps *x, int i,
                             int to, int c, int n)
{
    float *u = out[0], *v = out[1];
    const float *in0 = in[0], *in1 = in[1];
    for (; i < to; i++) {
        const float *p = in0 + (ptrdiff_t)x->first[i] * c, *q = in1 + (ptrdiff_t)x->first[i] * c;
        const float *w = x->real + (size_t)i * n;
        __m256 sum = _mm256_mul_ps(two_rows_f32(p, q), _mm256_broadcast_ss(w));
#pragma GCC unroll 8
        for (int k = 1; k < n; k++)
            sum = _mm256_fmadd_ps(two_rows_f32(p + k * c, q + k * c), _mm256_broadcast_ss(w + k), sum);
        store_16_bytes(u + (size_t)i * c, v + (size_t)i * c, _mm256_castps_si256(sum));
    }
}

/* Pixels of 2 floats: of eight output pixels the first ones, the second ones. */
static inline void turn_2(__m256 t[2], const float *in, const int *f)
{
    __m128 v[4];
    for (int j = 0; j < 4; j++) {
        const __m128 low = _mm_castsi128_ps(_mm_loadl_epi64((const __m128i *)(in + f[2 * j])));
        v[j] = _mm_loadh_pi(low, (const __m64 *)(in + f[2 * j + 1]));
    }
    const __m256 a = _mm256_insertf128_ps(_mm256_castps128_ps256(v[0]), v[2], 1);
    const __m256 b = _mm256_insertf128_ps(_mm256_castps128_ps256(v[1]), v[3], 1);
    t[0] = _mm256_shuffle_ps(a, b, 0x88);
    t[1] = _mm256_shuffle_ps(a, b, 0xdd);
}

ROW_INLINE void single_floats(float *out, const float *in, const struct vn_taps *x, int i, int to, int n)
{
    for (; i < to; i += 8) {
        const float *w = x->block + (size_t)i * n;
        __m256 t[8];
        if (n == 2)
            turn_2(t, in, x->first + i);
#pragma GCC unroll 2
        for (int k = 0; n > 2 && k < n; k += 4)
            turn_4(t + k, in + k, x->first + i);
        __m256 sum = _mm256_mul_ps(t[0], _mm256_loadu_ps(w));
#pragma GCC unroll 8
        for (int k = 1; k < n; k++)
            sum = _mm256_fmadd_ps(t[k], _mm256_loadu_ps(w + 8 * (size_t)k), sum);
        _mm256_storeu_ps(out + i, sum);
    }
}

/* Constants for the cases that there are make the loops fast. */
#define WIDE_FLOATS(n) \
    static void wide_floats_##n(void *const out[2], const void *const in[2], const struct vn_taps *x, int i, \
                                int to, int c) \
    { \
        if (c > 1) \
            float_pixels((float *const *)out, (const float *const *)in, x, i, to, c, n); \
        for (int r = 0; c == 1 && r < 1 + (in[0] != in[1]); r++) \
            single_floats(out[r], in[r], x, i, to, n); \
    }
WIDE_FLOATS(2)
WIDE_FLOATS(4)
WIDE_FLOATS(8)

/* ---- both: the borders by the common body ---- */

#define ROWS(name, wide, plain) \
    static void name(void *const out[2], const void *const in[2], const struct vn_taps *x, int from, int to, \
                     int c) \
    { \
        const int lo = row_clamp(x->lo, from, to), hi = row_clamp(x->hi, lo, to); \
        if (hi > lo) \
            wide(out, in, x, lo, hi, c); \
        for (int r = 0; r < 1 + (in[0] != in[1]); r++) { \
            plain(out[r], in[r], x, from, lo, c); \
            plain(out[r], in[r], x, hi, to, c); \
        } \
    }
ROWS(linear_rows, wide_pairs, pairs_2)
ROWS(cubic_rows, wide_cubic, bytes_4)
ROWS(lanczos_rows, wide_fixed, fixed_8)
ROWS(linear_float_rows, wide_floats_2, floats_2)
ROWS(cubic_float_rows, wide_floats_4, floats_4)
ROWS(lanczos_float_rows, wide_floats_8, floats_8)
PLAIN_ROWS(fixed_4)

/* ---- down ---- */

/* 32 values at a time; the last step goes back over some of them. */
static void many_floats(uint8_t *out, const float *const *p, const float *weight, size_t n)
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    const float *p0 = p[0], *p1 = p[1], *p2 = p[2], *p3 = p[3];
    const __m256 w0 = _mm256_set1_ps(weight[0]), w1 = _mm256_set1_ps(weight[1]);
    const __m256 w2 = _mm256_set1_ps(weight[2]), w3 = _mm256_set1_ps(weight[3]);
    for (size_t i = 0; i < n; i += 32) {
        i = i < n - 32 ? i : n - 32;
        __m256i v[4];
#pragma GCC unroll 4
        for (size_t k = 0; k < 4; k++) {
            const size_t at = i + 8 * k;
            __m256 sum = _mm256_mul_ps(_mm256_loadu_ps(p0 + at), w0);
            sum = _mm256_fmadd_ps(_mm256_loadu_ps(p1 + at), w1, sum);
            sum = _mm256_fmadd_ps(_mm256_loadu_ps(p2 + at), w2, sum);
            v[k] = _mm256_cvtps_epi32(_mm256_fmadd_ps(_mm256_loadu_ps(p3 + at), w3, sum));
        }
        const __m256i bytes =
            _mm256_packus_epi16(_mm256_packs_epi32(v[0], v[1]), _mm256_packs_epi32(v[2], v[3]));
        _mm256_storeu_si256((__m256i *)(out + i), _mm256_permutevar8x32_epi32(bytes, order));
    }
}

DOWN(cubic_4) { (n >= 32 ? many_floats : four_floats)(out, (const float *const *)p, WEIGHTS(real), n); }

const struct vn_opencv_rows vn_opencv_rows_avx2 = {
    .across = {
        [VN_ROW_LINEAR_BYTES] = linear_rows,
        [VN_ROW_EXACT_BYTES] = linear_rows,
        [VN_ROW_CUBIC_BYTES] = cubic_rows,
        [VN_ROW_CUBIC_FIXED] = fixed_4_rows,
        [VN_ROW_LANCZOS_BYTES] = lanczos_rows,
        [VN_ROW_LINEAR_FLOATS] = linear_float_rows,
        [VN_ROW_CUBIC_FLOATS] = cubic_float_rows,
        [VN_ROW_LANCZOS_FLOATS] = lanczos_float_rows,
    },
    .down = {
        [VN_ROW_LINEAR_BYTES] = linear_2,
        [VN_ROW_EXACT_BYTES] = exact_2,
        [VN_ROW_CUBIC_BYTES] = cubic_4,
        [VN_ROW_CUBIC_FIXED] = ints_4,
        [VN_ROW_LANCZOS_BYTES] = ints_8,
        [VN_ROW_LINEAR_FLOATS] = reals_2,
        [VN_ROW_CUBIC_FLOATS] = reals_4,
        [VN_ROW_LANCZOS_FLOATS] = reals_8,
    },
};
