/* AVX2 for the inner loops of resizing: the same bits as the C beside them. Where a load could reach behind a row's last byte, the
 * caller's C takes over. */
#include "image/resize_x86.h"
#include "image/simd.h"

#if defined(__x86_64__) && !defined(VN_IMAGE_PLAIN)
#include <immintrin.h>
#include <string.h>

#define AVX2 __attribute__((target("avx2")))
#define FMA __attribute__((target("avx2,fma")))

int vn_image_has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

/* Pixels of 3 or 4 bytes to pairs of 16 bits: lane 0 has pixels 0 and 1 channel by channel, lane 1 pixels 2 and 3. */
static const int8_t pair_shuffle[2][32] __attribute__((aligned(32))) = {
    { 0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1, 6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1 },
    { 0, -1, 4, -1, 1, -1, 5, -1, 2, -1, 6, -1, 3, -1, 7, -1, 8, -1, 12, -1, 9, -1, 13, -1, 10, -1, 14, -1, 11, -1, 15, -1 },
};

AVX2 static inline __m256i four_weights(const int16_t *w)
{
    const __m256i spread = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
    return _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(_mm_loadl_epi64((const __m128i *)w)), spread);
}

AVX2 static inline __m128i both_lanes(__m256i x) { return _mm_add_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1)); }

/* sum = high * 2^VN_SPLIT + low: products of 16-bit halves never overflow. */
AVX2 static inline int pack_pixel(__m256i high, __m256i low)
{
    __m128i sum = _mm_add_epi32(_mm_slli_epi32(both_lanes(high), VN_SPLIT), both_lanes(low));
    sum = _mm_srai_epi32(_mm_add_epi32(sum, _mm_set1_epi32(1 << 21)), 22);
    sum = _mm_packs_epi32(sum, sum);
    return _mm_cvtsi128_si32(_mm_packus_epi16(sum, sum));
}

/* Of one channel eight pixels at a time; fewer are faster one by one. */
AVX2 static int row_weigh_bytes(uint8_t *out, const uint8_t *in, const uint8_t *end, int w, const int *first, const int *count, const int16_t *high,
                                const int16_t *low, int most)
{
    for (int i = 0; i < w; i++, high += most, low += most) {
        const uint8_t *p = in + first[i];
        __m128i h = _mm_setzero_si128(), l = h;
        if (end - p < (count[i] + 7) / 8 * 8)
            return i;
        for (int k = 0; k < count[i]; k += 8) {
            const __m128i x = _mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i *)(p + k)));
            h = _mm_add_epi32(h, _mm_madd_epi16(x, _mm_loadu_si128((const __m128i *)(high + k))));
            l = _mm_add_epi32(l, _mm_madd_epi16(x, _mm_loadu_si128((const __m128i *)(low + k))));
        }
        h = _mm_hadd_epi32(h, l);
        h = _mm_hadd_epi32(h, h);
        const int sum = (_mm_cvtsi128_si32(_mm_add_epi32(_mm_slli_epi32(h, VN_SPLIT), _mm_srli_epi64(h, 32))) + (1 << 21)) >> 22;
        out[i] = (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
    }
    return w;
}

AVX2 int vn_row_weigh_avx2(uint8_t *out, const uint8_t *in, const uint8_t *end, int w, int c, const int *first, const int *count, const int16_t *high,
                           const int16_t *low, int most)
{
    if (c == 1)
        return most > 8 ? row_weigh_bytes(out, in, end, w, first, count, high, low, most) : 0;
    const __m256i shuffle = _mm256_load_si256((const __m256i *)pair_shuffle[c - 3]);
    for (int i = 0; i < w; i++) {
        const uint8_t *p = in + (size_t)first[i] * c;
        const int16_t *wh = high + (size_t)i * most, *wl = low + (size_t)i * most;
        __m256i sum_high = _mm256_setzero_si256(), sum_low = sum_high;
        if (end - p < (ptrdiff_t)((count[i] + 3) / 4 * 4 * c + 16 - 4 * c))
            return i;
        for (int k = 0; k < count[i]; k += 4, p += 4 * c) {
            const __m256i x = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)p)), shuffle);
            sum_high = _mm256_add_epi32(sum_high, _mm256_madd_epi16(x, four_weights(wh + k)));
            sum_low = _mm256_add_epi32(sum_low, _mm256_madd_epi16(x, four_weights(wl + k)));
        }
        const int v = pack_pixel(sum_high, sum_low);
        memcpy(out + (size_t)i * c, &v, (size_t)c);
    }
    return w;
}

AVX2 static inline __m256i two_weights(const int16_t *w) { return _mm256_set1_epi32((int)((uint32_t)(uint16_t)w[0] | (uint32_t)(uint16_t)w[1] << 16)); }

AVX2 static inline __m256i finish(__m256i high, __m256i low)
{
    return _mm256_srai_epi32(_mm256_add_epi32(_mm256_add_epi32(_mm256_slli_epi32(high, VN_SPLIT), low), _mm256_set1_epi32(1 << 21)), 22);
}

/* 16 columns: two rows at a time, side by side in pairs of 16 bits. */
AVX2 size_t vn_column_weigh_avx2(uint8_t *out, const uint8_t *in, const int16_t *high, const int16_t *low, int n, size_t row)
{
    size_t x = 0;
    for (; x + 16 <= row; x += 16) {
        __m256i h0 = _mm256_setzero_si256(), h1 = h0, l0 = h0, l1 = h0;
        for (int k = 0; k < n; k += 2) {
            const uint8_t *p = in + (size_t)k * row + x;
            const __m256i a = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)p));
            const __m256i b = k + 1 < n ? _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(p + row))) : _mm256_setzero_si256();
            const __m256i u = _mm256_unpacklo_epi16(a, b), v = _mm256_unpackhi_epi16(a, b), wh = two_weights(high + k), wl = two_weights(low + k);
            h0 = _mm256_add_epi32(h0, _mm256_madd_epi16(u, wh));
            h1 = _mm256_add_epi32(h1, _mm256_madd_epi16(v, wh));
            l0 = _mm256_add_epi32(l0, _mm256_madd_epi16(u, wl));
            l1 = _mm256_add_epi32(l1, _mm256_madd_epi16(v, wl));
        }
        const __m256i s = _mm256_packs_epi32(finish(h0, l0), finish(h1, l1));
        _mm_storeu_si128((__m128i *)(out + x), _mm_packus_epi16(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1)));
    }
    return x;
}

/* ---- OpenCV's passes across: two rows at once, one in each half of a register; of one channel, eight pixels of one row ---- */

AVX2 static inline __m256i two_rows(const uint8_t *p, const uint8_t *q)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)p)), _mm_loadu_si128((const __m128i *)q), 1);
}

AVX2 static inline __m256 two_rows_f32(const float *p, const float *q)
{
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm_loadu_ps(q), 1);
}

AVX2 static inline __m256i both_halves(const int8_t *shuffle) { return _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)shuffle)); }

/* Two weights of 16 bits in each word. */
FMA static inline __m256i pair_of_weights(const int16_t *w)
{
    int32_t pair;
    memcpy(&pair, w, 4);
    return _mm256_set1_epi32(pair);
}

AVX2 static inline void store_8_bytes(void *p, void *q, __m256i x)
{
    _mm_storel_epi64(p, _mm256_castsi256_si128(x));
    _mm_storel_epi64(q, _mm256_extracti128_si256(x, 1));
}

FMA static inline void store_16_bytes(void *p, void *q, __m256i x)
{
    _mm_storeu_si128(p, _mm256_castsi256_si128(x));
    _mm_storeu_si128(q, _mm256_extracti128_si256(x, 1));
}

FMA static void pairs_of_pixels(uint16_t *const out[2], const uint8_t *const in[2], const struct vn_taps *x, int i, int to, int c)
{
    uint16_t *u = out[0], *v = out[1];
    const uint8_t *in0 = in[0], *in1 = in[1];
    const __m256i shuffle = both_halves(pair_shuffle[c - 3]);
    const __m128i shift = _mm_cvtsi32_si128(x->shift);
    for (; i < to; i++) {
        const ptrdiff_t at = (ptrdiff_t)x->first[i] * c;
        const __m128i p = _mm_loadl_epi64((const __m128i *)(in0 + at)), q = _mm_loadl_epi64((const __m128i *)(in1 + at));
        const __m256i pixels = _mm256_shuffle_epi8(_mm256_inserti128_si256(_mm256_castsi128_si256(p), q, 1), shuffle);
        const __m256i s = _mm256_sra_epi32(_mm256_madd_epi16(pixels, pair_of_weights(x->weight + 2 * (size_t)i)), shift);
        store_8_bytes(u + (size_t)i * c, v + (size_t)i * c, _mm256_packus_epi32(s, s));
    }
}

static inline int16_t two_bytes(const uint8_t *p)
{
    int16_t x;
    memcpy(&x, p, 2);
    return x;
}

FMA static void pairs_of_bytes(uint16_t *out, const uint8_t *in, const struct vn_taps *x, int i, int to)
{
    const __m128i shift = _mm_cvtsi32_si128(x->shift);
    for (; i < to; i += 8) {
        const int *f = x->first + i;
        const __m128i p = _mm_setr_epi16(two_bytes(in + f[0]), two_bytes(in + f[1]), two_bytes(in + f[2]), two_bytes(in + f[3]),
                                         two_bytes(in + f[4]), two_bytes(in + f[5]), two_bytes(in + f[6]), two_bytes(in + f[7]));
        const __m256i w = _mm256_loadu_si256((const __m256i *)(x->weight + 2 * (size_t)i));
        const __m256i s = _mm256_sra_epi32(_mm256_madd_epi16(_mm256_cvtepu8_epi16(p), w), shift);
        const __m128i r = _mm_packus_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
        _mm_storeu_si128((__m128i *)(out + i), r);
    }
}

FMA void vn_across_pairs_avx2(void *const out[2], const void *const in[2], const struct vn_taps *x, int i, int to, int c)
{
    if (c > 1)
        pairs_of_pixels((uint16_t *const *)out, (const uint8_t *const *)in, x, i, to, c);
    for (int r = 0; c == 1 && r < 1 + (in[0] != in[1]); r++)
        pairs_of_bytes(out[r], in[r], x, i, to);
}

/* Eight weights: pixels 0 to 3 in one register, 4 to 7 in another. */
FMA static void fixed_pixels(int *const out[2], const uint8_t *const in[2], const struct vn_taps *x, int i, int to, int c)
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
        store_16_bytes(u + (size_t)i * c, v + (size_t)i * c, _mm256_add_epi32(_mm256_add_epi32(a, b), _mm256_add_epi32(d, e)));
    }
}

FMA static inline __m128i fixed_byte(const uint8_t *in, const struct vn_taps *x, int i)
{
    const __m128i p = _mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i *)(in + x->first[i])));
    return _mm_madd_epi16(p, _mm_loadu_si128((const __m128i *)(x->weight + 8 * (size_t)i)));
}

FMA static void fixed_bytes(int *out, const uint8_t *in, const struct vn_taps *x, int i, int to)
{
    for (; i < to; i += 4) {
        const __m128i a = _mm_hadd_epi32(fixed_byte(in, x, i), fixed_byte(in, x, i + 1));
        const __m128i b = _mm_hadd_epi32(fixed_byte(in, x, i + 2), fixed_byte(in, x, i + 3));
        _mm_storeu_si128((__m128i *)(out + i), _mm_hadd_epi32(a, b));
    }
}

FMA void vn_across_fixed_avx2(void *const out[2], const void *const in[2], const struct vn_taps *x, int i, int to, int c)
{
    if (c > 1)
        fixed_pixels((int *const *)out, (const uint8_t *const *)in, x, i, to, c);
    for (int r = 0; c == 1 && r < 1 + (in[0] != in[1]); r++)
        fixed_bytes(out[r], in[r], x, i, to);
}

/* Tap k of four pixels of 3 or 4 bytes: its channels as words. */
#define TAP(c, k) { (k) * (c), -1, -1, -1, (k) * (c) + 1, -1, -1, -1, (k) * (c) + 2, -1, -1, -1, (c) == 4 ? (k) * (c) + 3 : -1, -1, -1, -1 }
static const int8_t tap_shuffle[2][4][16] __attribute__((aligned(16))) = {
    { TAP(3, 0), TAP(3, 1), TAP(3, 2), TAP(3, 3) },
    { TAP(4, 0), TAP(4, 1), TAP(4, 2), TAP(4, 3) },
};

FMA static inline __m256 pick_tap(__m256i pixels, __m256i shuffle) { return _mm256_cvtepi32_ps(_mm256_shuffle_epi8(pixels, shuffle)); }

FMA static void cubic_pixels(float *const out[2], const uint8_t *const in[2], const struct vn_taps *x, int i, int to, int c)
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

static inline int four_bytes(const uint8_t *p)
{
    int x;
    memcpy(&x, p, 4);
    return x;
}

AVX2 static inline __m256i eight_pixels(const uint8_t *in, const int *f)
{
    return _mm256_setr_epi32(four_bytes(in + f[0]), four_bytes(in + f[1]), four_bytes(in + f[2]), four_bytes(in + f[3]), four_bytes(in + f[4]),
                             four_bytes(in + f[5]), four_bytes(in + f[6]), four_bytes(in + f[7]));
}

FMA static void cubic_bytes(float *out, const uint8_t *in, const struct vn_taps *x, int i, int to)
{
    const __m256i byte = _mm256_set1_epi32(255);
    for (; i < to; i += 8) {
        const float *w = x->block + 4 * (size_t)i;
        const __m256i v = eight_pixels(in, x->first + i);
        __m256 sum = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_and_si256(v, byte)), _mm256_loadu_ps(w));
        sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_and_si256(_mm256_srli_epi32(v, 8), byte)), _mm256_loadu_ps(w + 8), sum);
        sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_and_si256(_mm256_srli_epi32(v, 16), byte)), _mm256_loadu_ps(w + 16), sum);
        sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_srli_epi32(v, 24)), _mm256_loadu_ps(w + 24), sum);
        _mm256_storeu_ps(out + i, sum);
    }
}

FMA void vn_across_cubic_avx2(void *const out[2], const void *const in[2], const struct vn_taps *x, int i, int to, int c)
{
    if (c > 1)
        cubic_pixels((float *const *)out, (const uint8_t *const *)in, x, i, to, c);
    for (int r = 0; c == 1 && r < 1 + (in[0] != in[1]); r++)
        cubic_bytes(out[r], in[r], x, i, to);
}

FMA static VN_INLINE void float_pixels(float *const out[2], const float *const in[2], const struct vn_taps *x, int i, int to, int c, int n)
{
    float *u = out[0], *v = out[1];
    const float *in0 = in[0], *in1 = in[1];
    for (; i < to; i++) {
        const float *p = in0 + (ptrdiff_t)x->first[i] * c, *q = in1 + (ptrdiff_t)x->first[i] * c, *w = x->real + (size_t)i * n;
        __m256 sum = _mm256_mul_ps(two_rows_f32(p, q), _mm256_broadcast_ss(w));
#pragma GCC unroll 8
        for (int k = 1; k < n; k++)
            sum = _mm256_fmadd_ps(two_rows_f32(p + k * c, q + k * c), _mm256_broadcast_ss(w + k), sum);
        store_16_bytes(u + (size_t)i * c, v + (size_t)i * c, _mm256_castps_si256(sum));
    }
}

/* Pixels of 2 floats: of eight output pixels the first ones, the second ones. */
FMA static inline void turn_2(__m256 t[2], const float *in, const int *f)
{
    __m128 v[4];
    for (int j = 0; j < 4; j++)
        v[j] = _mm_loadh_pi(_mm_castsi128_ps(_mm_loadl_epi64((const __m128i *)(in + f[2 * j]))), (const __m64 *)(in + f[2 * j + 1]));
    const __m256 a = _mm256_insertf128_ps(_mm256_castps128_ps256(v[0]), v[2], 1), b = _mm256_insertf128_ps(_mm256_castps128_ps256(v[1]), v[3], 1);
    t[0] = _mm256_shuffle_ps(a, b, 0x88);
    t[1] = _mm256_shuffle_ps(a, b, 0xdd);
}

AVX2 static inline void turn_4(__m256 t[4], const float *in, const int *f)
{
    const __m256 a = two_rows_f32(in + f[0], in + f[4]), b = two_rows_f32(in + f[1], in + f[5]);
    const __m256 c = two_rows_f32(in + f[2], in + f[6]), d = two_rows_f32(in + f[3], in + f[7]);
    const __m256 u = _mm256_unpacklo_ps(a, b), v = _mm256_unpacklo_ps(c, d), y = _mm256_unpackhi_ps(a, b), z = _mm256_unpackhi_ps(c, d);
    t[0] = _mm256_shuffle_ps(u, v, 0x44);
    t[1] = _mm256_shuffle_ps(u, v, 0xee);
    t[2] = _mm256_shuffle_ps(y, z, 0x44);
    t[3] = _mm256_shuffle_ps(y, z, 0xee);
}

FMA static VN_INLINE void single_floats(float *out, const float *in, const struct vn_taps *x, int i, int to, int n)
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
FMA void vn_across_floats_avx2(void *const out[2], const void *const in[2], const struct vn_taps *x, int i, int to, int c)
{
    float *const *floats = (float *const *)out;
    const float *const *from = (const float *const *)in;
    if (c == 1)
        for (int r = 0; r < 1 + (in[0] != in[1]); r++)
            switch (x->n) {
            case 2: single_floats(floats[r], from[r], x, i, to, 2); break;
            case 4: single_floats(floats[r], from[r], x, i, to, 4); break;
            case 8: single_floats(floats[r], from[r], x, i, to, 8); break;
            }
    else
        switch (x->n) {
        case 2: float_pixels(floats, from, x, i, to, c, 2); break;
        case 4: float_pixels(floats, from, x, i, to, c, 4); break;
        case 8: float_pixels(floats, from, x, i, to, c, 8); break;
        }
}

FMA size_t vn_down_cubic_avx2(uint8_t *out, const float *const *p, const float *weight, size_t n)
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    const float *p0 = p[0], *p1 = p[1], *p2 = p[2], *p3 = p[3];
    const __m256 w0 = _mm256_set1_ps(weight[0]), w1 = _mm256_set1_ps(weight[1]), w2 = _mm256_set1_ps(weight[2]), w3 = _mm256_set1_ps(weight[3]);
    for (size_t i = 0; n >= 32 && i < n; i += 32) {
        i = i < n - 32 ? i : n - 32;
        __m256i v[4];
#pragma GCC unroll 4
        for (size_t k = 0; k < 4; k++) {
            const size_t at = i + 8 * k;
            const __m256 sum = _mm256_fmadd_ps(_mm256_loadu_ps(p1 + at), w1, _mm256_mul_ps(_mm256_loadu_ps(p0 + at), w0));
            v[k] = _mm256_cvtps_epi32(_mm256_fmadd_ps(_mm256_loadu_ps(p3 + at), w3, _mm256_fmadd_ps(_mm256_loadu_ps(p2 + at), w2, sum)));
        }
        const __m256i bytes = _mm256_packus_epi16(_mm256_packs_epi32(v[0], v[1]), _mm256_packs_epi32(v[2], v[3]));
        _mm256_storeu_si256((__m256i *)(out + i), _mm256_permutevar8x32_epi32(bytes, order));
    }
    return n >= 32 ? n : 0;
}

/* ---- OpenCV's area: products and sums are rounded one by one, in the order of the parts ---- */

#define AREA(name, type, load)                                                                                                         \
    AVX2 int name(float *out, const void *row, const void *row_end, int w, int c, const int *start, const int *from, const float *weight) \
    {                                                                                                                                  \
        const type *in = row, *end = row_end;                                                                                          \
        for (int i = 0; i < w; i++) {                                                                                                  \
            __m128 sum = _mm_setzero_ps();                                                                                             \
            if (end - in < (ptrdiff_t)from[start[i + 1] - 1] * c + 4)                                                                  \
                return i;                                                                                                              \
            for (int k = start[i]; k < start[i + 1]; k++)                                                                              \
                sum = _mm_add_ps(sum, _mm_mul_ps(load(in + (size_t)from[k] * c), _mm_set1_ps(weight[k])));                             \
            _mm_storeu_ps(out + (size_t)i * c, sum);                                                                                   \
        }                                                                                                                              \
        return w;                                                                                                                      \
    }

AVX2 static inline __m128 byte_pixel(const uint8_t *p) { return _mm_cvtepi32_ps(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(four_bytes(p)))); }

AREA(vn_area_pixels_avx2, uint8_t, byte_pixel)
AREA(vn_area_float_pixels_avx2, float, _mm_loadu_ps)

AVX2 static inline __m256 add_product(__m256 sum, __m256 x, const float *w) { return _mm256_add_ps(sum, _mm256_mul_ps(x, _mm256_loadu_ps(w))); }

AVX2 void vn_area_bytes_avx2(float *out, const void *row, const struct vn_taps *x)
{
    const __m256i byte = _mm256_set1_epi32(255);
    for (int i = x->lo; i < x->hi; i += 8) {
        const float *w = x->block + (size_t)i * x->n;
        __m256 sum = _mm256_setzero_ps();
        for (int k = 0; k < x->n; k += 4, w += 32) {
            const __m256i v = eight_pixels((const uint8_t *)row + k, x->first + i);
            sum = add_product(sum, _mm256_cvtepi32_ps(_mm256_and_si256(v, byte)), w);
            sum = add_product(sum, _mm256_cvtepi32_ps(_mm256_and_si256(_mm256_srli_epi32(v, 8), byte)), w + 8);
            sum = add_product(sum, _mm256_cvtepi32_ps(_mm256_and_si256(_mm256_srli_epi32(v, 16), byte)), w + 16);
            sum = add_product(sum, _mm256_cvtepi32_ps(_mm256_srli_epi32(v, 24)), w + 24);
        }
        _mm256_storeu_ps(out + i, sum);
    }
}

/* A value without weight may be infinite: it must not count. */
AVX2 void vn_area_floats_avx2(float *out, const void *row, const struct vn_taps *x)
{
    const __m256 none = _mm256_setzero_ps();
    for (int i = x->lo; i < x->hi; i += 8) {
        const float *w = x->block + (size_t)i * x->n;
        __m256 t[4], sum = none;
        for (int k = 0; k < x->n; k += 4) {
            turn_4(t, (const float *)row + k, x->first + i);
#pragma GCC unroll 4
            for (int j = 0; j < 4; j++, w += 8)
                sum = add_product(sum, _mm256_and_ps(t[j], _mm256_cmp_ps(_mm256_loadu_ps(w), none, _CMP_NEQ_OQ)), w);
        }
        _mm256_storeu_ps(out + i, sum);
    }
}

/* 2 x 2 bytes to one: pairs side by side, whose sums pmaddubsw makes. Of 3 or 4 channels two output pixels in each half. */
AVX2 static inline __m256i pair_sums(const uint8_t *p, int c, __m256i shuffle)
{
    const __m256i one = _mm256_set1_epi8(1);
    if (c == 1)
        return _mm256_maddubs_epi16(_mm256_loadu_si256((const __m256i *)p), one);
    return _mm256_maddubs_epi16(_mm256_shuffle_epi8(two_rows(p, p + 4 * c), shuffle), one);
}

AVX2 static VN_INLINE int halve(uint8_t *out, const uint8_t *p, const uint8_t *q, int w, int c)
{
    static const int8_t pairs[2][16] __attribute__((aligned(16))) = {
        { 0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11, -1, -1, -1, -1 },
        { 0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15 },
    };
    const __m256i shuffle = both_halves(pairs[c == 4]);
    const int step = c == 1 ? 16 : 4; /* of the last step more pixels are touched than it makes */
    int i = 0;
    for (; i + step + 2 <= w; i += step, p += 2 * step * c, q += 2 * step * c, out += step * c) {
        const __m256i sum = _mm256_add_epi16(_mm256_add_epi16(pair_sums(p, c, shuffle), pair_sums(q, c, shuffle)), _mm256_set1_epi16(2));
        const __m256i bytes = _mm256_packus_epi16(_mm256_srli_epi16(sum, 2), _mm256_setzero_si256());
        store_8_bytes(out, out + (c == 1 ? 8 : 2 * c), bytes);
    }
    return i;
}

AVX2 int vn_halve_avx2(uint8_t *out, const uint8_t *p, const uint8_t *q, int w, int c)
{
    return c == 1 ? halve(out, p, q, w, 1) : c == 3 ? halve(out, p, q, w, 3) : halve(out, p, q, w, 4);
}
#else
int vn_image_has_avx2(void) { return 0; }
int vn_row_weigh_avx2(uint8_t *out, const uint8_t *in, const uint8_t *end, int w, int c, const int *first, const int *count, const int16_t *high,
                      const int16_t *low, int most)
{
    (void)out, (void)in, (void)end, (void)w, (void)c, (void)first, (void)count, (void)high, (void)low, (void)most;
    return 0;
}
size_t vn_column_weigh_avx2(uint8_t *out, const uint8_t *in, const int16_t *high, const int16_t *low, int n, size_t row)
{
    (void)out, (void)in, (void)high, (void)low, (void)n, (void)row;
    return 0;
}
#define NONE(name)                                                                                                                \
    int name(float *out, const void *row, const void *row_end, int w, int c, const int *start, const int *from, const float *weight) \
    {                                                                                                                              \
        (void)out, (void)row, (void)row_end, (void)w, (void)c, (void)start, (void)from, (void)weight;                              \
        return 0;                                                                                                                  \
    }
int vn_halve_avx2(uint8_t *out, const uint8_t *p, const uint8_t *q, int w, int c)
{
    (void)out, (void)p, (void)q, (void)w, (void)c;
    return 0;
}
NONE(vn_area_pixels_avx2)
NONE(vn_area_float_pixels_avx2)
#undef NONE
#define NONE(name) \
    void name(float *out, const void *row, const struct vn_taps *x) { (void)out, (void)row, (void)x; }
NONE(vn_area_bytes_avx2)
NONE(vn_area_floats_avx2)
#undef NONE
#define NONE(name)                                                                           \
    void name(void *const out[2], const void *const in[2], const struct vn_taps *x, int i, int to, int c)    \
    {                                                                                        \
        (void)out, (void)in, (void)x, (void)i, (void)to, (void)c;                                                      \
    }
NONE(vn_across_pairs_avx2)
NONE(vn_across_fixed_avx2)
NONE(vn_across_cubic_avx2)
NONE(vn_across_floats_avx2)
size_t vn_down_cubic_avx2(uint8_t *out, const float *const *p, const float *weight, size_t n)
{
    (void)out, (void)p, (void)weight, (void)n;
    return 0;
}
#endif

/* Output index i reads n source values in a row, of pixels with channels up to 4 n. */
static int inside(const struct vn_taps *t, int i, int in, int c)
{
    return t->first[i] >= 0 && (int64_t)t->first[i] * c + (c == 1 ? 1 : 4) * t->n <= (int64_t)in * c;
}

void vn_taps_for_avx2(struct vn_taps *t, struct vn_arena *a, int in, int out, int c)
{
    if (!vn_image_has_avx2() || c == 2)
        return;
    while (t->lo < out && !inside(t, t->lo, in, c))
        t->lo++;
    t->hi = t->lo = c == 1 ? (t->lo + 7) / 8 * 8 : t->lo;
    while (t->hi < out && inside(t, t->hi, in, c))
        t->hi++;
    t->hi = c == 1 ? t->hi / 8 * 8 : t->hi;
    if (t->hi <= t->lo) {
        t->lo = t->hi = 0;
        return;
    }
    t->block = c == 1 ? NEW_ARRAY(a, float, (size_t)out * t->n) : NULL;
    for (int i = 0; c == 1 && i < t->hi; i++)
        for (int k = 0; k < t->n; k++)
            t->block[((size_t)i / 8 * t->n + k) * 8 + i % 8] = t->real[(size_t)i * t->n + k];
}
