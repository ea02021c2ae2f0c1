/* kernels/image/x86/pillow_rows_avx2.c - Pillow's passes in 16-bit halves of the weights. Where a load
 * could reach behind the image, the common body takes over. */
#include "kernels/image/pillow_rows_body.h"

#include "kernels/image/x86/pixel_loads.h"

static inline __m256i four_weights(const int16_t *w)
{
    const __m256i spread = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
    return _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(_mm_loadl_epi64((const __m128i *)w)), spread);
}

static inline __m128i both_lanes(__m256i x)
{
    return _mm_add_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
}

/* sum = high * 2^11 + low: products of 16-bit halves never overflow. */
static inline int pack_pixel(__m256i high, __m256i low)
{
    __m128i sum = _mm_add_epi32(_mm_slli_epi32(both_lanes(high), VN_PILLOW_SPLIT), both_lanes(low));
    sum = _mm_srai_epi32(_mm_add_epi32(sum, _mm_set1_epi32(1 << (BITS - 1))), BITS);
    sum = _mm_packs_epi32(sum, sum);
    return _mm_cvtsi128_si32(_mm_packus_epi16(sum, sum));
}

/* These return the number of pixels done. */
static int across_bytes(uint8_t *out, const uint8_t *in, const uint8_t *end, const struct vn_pillow_taps *t,
                        int w)
{
    const int16_t *high = t->high, *low = t->low;
    for (int i = 0; i < w; i++, high += t->most, low += t->most) {
        const uint8_t *p = in + t->first[i];
        __m128i h = _mm_setzero_si128(), l = h;
        if (end - p < (t->count[i] + 7) / 8 * 8)
            return i;
        for (int k = 0; k < t->count[i]; k += 8) {
            const __m128i x = _mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i *)(p + k)));
            h = _mm_add_epi32(h, _mm_madd_epi16(x, _mm_loadu_si128((const __m128i *)(high + k))));
            l = _mm_add_epi32(l, _mm_madd_epi16(x, _mm_loadu_si128((const __m128i *)(low + k))));
        }
        h = _mm_hadd_epi32(h, l);
        h = _mm_hadd_epi32(h, h);
        const __m128i both = _mm_add_epi32(_mm_slli_epi32(h, VN_PILLOW_SPLIT), _mm_srli_epi64(h, 32));
        out[i] = clip8(_mm_cvtsi128_si32(both) + (1 << (BITS - 1)));
    }
    return w;
}

static inline __m128i bytes_of_two(const uint8_t *p, const uint8_t *q)
{
    return _mm_unpacklo_epi64(_mm_loadl_epi64((const __m128i *)p), _mm_loadl_epi64((const __m128i *)q));
}

/* Sums of two pixels' eight products, in pairs: high 01 and 23, low 01 and 23 of one in each lane. */
static inline __m256i sums_of_two(const uint8_t *in, const struct vn_pillow_taps *t, int i)
{
    const size_t at = 8 * (size_t)i;
    const __m256i x = _mm256_cvtepu8_epi16(bytes_of_two(in + t->first[i], in + t->first[i + 1]));
    const __m256i h = _mm256_madd_epi16(x, _mm256_loadu_si256((const __m256i *)(t->high + at)));
    const __m256i l = _mm256_madd_epi16(x, _mm256_loadu_si256((const __m256i *)(t->low + at)));
    return _mm256_hadd_epi32(h, l);
}

/* Up to eight weights: four pixels at a time. */
static int across_few(uint8_t *out, const uint8_t *in, const uint8_t *end, const struct vn_pillow_taps *t,
                      int w)
{
    const __m256i half = _mm256_set1_epi32(1 << (BITS - 1));
    int i = 0;
    for (; i + 4 <= w && end - in >= t->first[i + 3] + 8; i += 4) {
        const __m256i s = _mm256_hadd_epi32(sums_of_two(in, t, i),
                                            sums_of_two(in, t, i + 2)); /* high, low of 0 and 2 | 1 and 3 */
        const __m256i sum = _mm256_add_epi32(_mm256_slli_epi32(s, VN_PILLOW_SPLIT), _mm256_srli_epi64(s, 32));
        const __m256i v = _mm256_srai_epi32(_mm256_add_epi32(sum, half), BITS);
        const __m128i even = _mm256_castsi256_si128(v), odd = _mm256_extracti128_si256(v, 1);
        const __m128i words = _mm_packs_epi32(_mm_shuffle_epi32(even, 0x08),
                                              _mm_shuffle_epi32(odd, 0x08)); /* 0 2 . . 1 3 . . */
        const __m128i bytes =
            _mm_packus_epi16(_mm_unpacklo_epi16(words, _mm_unpackhi_epi64(words, words)), words);
        const int four = _mm_cvtsi128_si32(bytes);
        memcpy(out + i, &four, 4);
    }
    return i;
}

static int across_pixels(uint8_t *out, const uint8_t *in, const uint8_t *end, const struct vn_pillow_taps *t,
                         int w, int c)
{
    const __m256i shuffle = _mm256_load_si256((const __m256i *)pair_shuffle[c - 3]);
    for (int i = 0; i < w; i++) {
        const uint8_t *p = in + (size_t)t->first[i] * c;
        const int16_t *wh = t->high + (size_t)i * t->most, *wl = t->low + (size_t)i * t->most;
        __m256i sum_high = _mm256_setzero_si256(), sum_low = sum_high;
        if (end - p < (ptrdiff_t)((t->count[i] + 3) / 4 * 4 * c + 16 - 4 * c))
            return i;
        for (int k = 0; k < t->count[i]; k += 4, p += 4 * c) {
            const __m256i four = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)p));
            const __m256i x = _mm256_shuffle_epi8(four, shuffle);
            sum_high = _mm256_add_epi32(sum_high, _mm256_madd_epi16(x, four_weights(wh + k)));
            sum_low = _mm256_add_epi32(sum_low, _mm256_madd_epi16(x, four_weights(wl + k)));
        }
        const int v = pack_pixel(sum_high, sum_low);
        memcpy(out + (size_t)i * c, &v, (size_t)c);
    }
    return w;
}

static void across(uint8_t *out, const uint8_t *in, const uint8_t *end, const struct vn_pillow_taps *t, int w,
                   int c)
{
    int done = 0;
    if (c >= 3)
        done = across_pixels(out, in, end, t, w, c);
    else if (c == 1)
        done = t->most == 8 ? across_few(out, in, end, t, w) : across_bytes(out, in, end, t, w);
    else /* two channels: wide registers do not help */
        vn_pillow_rows_c.across(out, in, end, t, done = w, c);
    across_from(out, in, t, done, w, c);
}

static inline __m256i two_weights(const int16_t *w)
{
    return _mm256_set1_epi32((int)((uint32_t)(uint16_t)w[0] | (uint32_t)(uint16_t)w[1] << 16));
}

static inline __m256i finish(__m256i high, __m256i low)
{
    const __m256i sum = _mm256_add_epi32(_mm256_slli_epi32(high, VN_PILLOW_SPLIT), low);
    return _mm256_srai_epi32(_mm256_add_epi32(sum, _mm256_set1_epi32(1 << (BITS - 1))), BITS);
}

/* 16 columns from x on: two rows at a time, side by side in pairs of 16 bits. */
static void down_16(uint8_t *out, const uint8_t *in, const int16_t *high, const int16_t *low, int n,
                    size_t row)
{
    const __m256i zero = _mm256_setzero_si256();
    __m256i h0 = zero, h1 = zero, l0 = zero, l1 = zero;
    for (int k = 0; k < n; k += 2) {
        const uint8_t *p = in + (size_t)k * row;
        const __m256i a = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)p));
        const __m256i b =
            k + 1 < n ? _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(p + row))) : zero;
        const __m256i u = _mm256_unpacklo_epi16(a, b), v = _mm256_unpackhi_epi16(a, b);
        const __m256i wh = two_weights(high + k), wl = two_weights(low + k);
        h0 = _mm256_add_epi32(h0, _mm256_madd_epi16(u, wh));
        h1 = _mm256_add_epi32(h1, _mm256_madd_epi16(v, wh));
        l0 = _mm256_add_epi32(l0, _mm256_madd_epi16(u, wl));
        l1 = _mm256_add_epi32(l1, _mm256_madd_epi16(v, wl));
    }
    const __m256i s = _mm256_packs_epi32(finish(h0, l0), finish(h1, l1));
    const __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
    _mm_storeu_si128((__m128i *)out, bytes);
}

static void down(uint8_t *out, const uint8_t *in, const struct vn_pillow_taps *t, int i, size_t row)
{
    const size_t at = (size_t)i * t->most;
    size_t x = 0;
    for (; x + 16 <= row; x += 16)
        down_16(out + x, in + x, t->high + at, t->low + at, t->count[i], row);
    down_from(out, in, t->weight + at, t->count[i], x, row);
}

const struct vn_pillow_rows vn_pillow_rows_avx2 = { across, down };
