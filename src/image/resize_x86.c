/* AVX2 for the inner loops of resizing: the same integers as the C beside them. Where a load could reach behind the picture's last
 * byte, the caller's C takes over. */
#include "image/resize_x86.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define AVX2 __attribute__((target("avx2")))

int vn_image_has_avx2(void) { return __builtin_cpu_supports("avx2"); }

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

AVX2 int vn_row_weigh_avx2(uint8_t *out, const uint8_t *in, const uint8_t *end, int w, int c, const int *first, const int *count, const int16_t *high,
                           const int16_t *low, int most)
{
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

/* Two neighbours and two weights of 11 bits for each output pixel; the sums lose 4 bits. Writes 8 bytes for each pixel. */
AVX2 int vn_row_linear_avx2(int16_t *out, const uint8_t *in, const uint8_t *end, int w, int c, const int *index, const int32_t *weights)
{
    const __m128i shuffle = _mm_load_si128((const __m128i *)pair_shuffle[c - 3]);
    for (int i = 0; i < w; i++) {
        const uint8_t *p = in + (size_t)index[2 * (size_t)i] * c;
        if (end - p < 8)
            return i;
        const __m128i x = _mm_shuffle_epi8(_mm_loadl_epi64((const __m128i *)p), shuffle);
        __m128i s = _mm_srai_epi32(_mm_madd_epi16(x, _mm_set1_epi32(weights[i])), 4);
        _mm_storel_epi64((__m128i *)(out + (size_t)i * c), _mm_packs_epi32(s, s));
    }
    return w;
}
/* One pixel's channels side by side in float32; the order of the sums is that of the parts. */
AVX2 int vn_row_area_avx2(float *out, const uint8_t *in, const uint8_t *end, int w, int c, const int *start, const int *from, const float *weight)
{
    for (int i = 0; i < w; i++) {
        __m128 sum = _mm_setzero_ps();
        if (end - in < (ptrdiff_t)from[start[i + 1] - 1] * c + 4)
            return i;
        for (int k = start[i]; k < start[i + 1]; k++) {
            int pixel;
            memcpy(&pixel, in + (size_t)from[k] * c, 4);
            const __m128 x = _mm_cvtepi32_ps(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(pixel)));
            sum = _mm_add_ps(sum, _mm_mul_ps(x, _mm_set1_ps(weight[k])));
        }
        _mm_storeu_ps(out + (size_t)i * c, sum);
    }
    return w;
}

AVX2 static inline __m128 weighted(const uint8_t *p, float w)
{
    int pixel;
    memcpy(&pixel, p, 4);
    return _mm_mul_ps(_mm_cvtepi32_ps(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(pixel))), _mm_set1_ps(w));
}

AVX2 int vn_row_cubic_avx2(float *out, const uint8_t *in, const uint8_t *end, int w, int c, const int *index, const float *weight)
{
    for (int i = 0; i < w; i++, index += 4, weight += 4) {
        if (end - in < (ptrdiff_t)index[3] * c + 4)
            return i;
        __m128 sum = weighted(in + (size_t)index[0] * c, weight[0]);
        for (int k = 1; k < 4; k++)
            sum = _mm_add_ps(sum, weighted(in + (size_t)index[k] * c, weight[k]));
        _mm_storeu_ps(out + (size_t)i * c, sum);
    }
    return w;
}
#else
int vn_row_area_avx2(float *out, const uint8_t *in, const uint8_t *end, int w, int c, const int *start, const int *from, const float *weight)
{
    (void)out, (void)in, (void)end, (void)w, (void)c, (void)start, (void)from, (void)weight;
    return 0;
}
int vn_row_cubic_avx2(float *out, const uint8_t *in, const uint8_t *end, int w, int c, const int *index, const float *weight)
{
    (void)out, (void)in, (void)end, (void)w, (void)c, (void)index, (void)weight;
    return 0;
}
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
int vn_row_linear_avx2(int16_t *out, const uint8_t *in, const uint8_t *end, int w, int c, const int *index, const int32_t *weights)
{
    (void)out, (void)in, (void)end, (void)w, (void)c, (void)index, (void)weights;
    return 0;
}
#endif
