/* kernels/image/x86/pixel_loads.h - loads of pixels that the families share. */
#ifndef VN_PIXEL_LOADS_H
#define VN_PIXEL_LOADS_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

/* Pixels of 3 or 4 bytes to pairs of 16 bits: lane 0 has pixels 0 and 1 channel by channel, lane 1 pixels 2
 * and 3. */
static const int8_t pair_shuffle[2][32] __attribute__((aligned(32), unused)) = {
    { 0, -1, 3, -1, 1, -1, 4,  -1, 2, -1, 5,  -1, -1, -1, -1, -1,
      6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1 },
    { 0, -1, 4,  -1, 1, -1, 5,  -1, 2,  -1, 6,  -1, 3,  -1, 7,  -1,
      8, -1, 12, -1, 9, -1, 13, -1, 10, -1, 14, -1, 11, -1, 15, -1 },
};

static inline __m256i both_halves(const int8_t *shuffle)
{
    return _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)shuffle));
}

static inline __m256i two_rows(const uint8_t *p, const uint8_t *q)
{
    const __m128i x = _mm_loadu_si128((const __m128i *)p), y = _mm_loadu_si128((const __m128i *)q);
    return _mm256_inserti128_si256(_mm256_castsi128_si256(x), y, 1);
}

static inline __m256 two_rows_f32(const float *p, const float *q)
{
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm_loadu_ps(q), 1);
}

static inline void store_8_bytes(void *p, void *q, __m256i x)
{
    _mm_storel_epi64(p, _mm256_castsi256_si128(x));
    _mm_storel_epi64(q, _mm256_extracti128_si256(x, 1));
}

static inline int four_bytes(const uint8_t *p)
{
    int x;
    memcpy(&x, p, 4);
    return x;
}

/* Four bytes from each of eight places. */
static inline __m256i eight_pixels(const uint8_t *in, const int *f)
{
    return _mm256_setr_epi32(four_bytes(in + f[0]), four_bytes(in + f[1]), four_bytes(in + f[2]),
                             four_bytes(in + f[3]), four_bytes(in + f[4]), four_bytes(in + f[5]),
                             four_bytes(in + f[6]), four_bytes(in + f[7]));
}

/* Four floats from each of eight places: of all eight the first ones, the second ones, ... */
static inline void turn_4(__m256 t[4], const float *in, const int *f)
{
    const __m256 a = two_rows_f32(in + f[0], in + f[4]), b = two_rows_f32(in + f[1], in + f[5]);
    const __m256 c = two_rows_f32(in + f[2], in + f[6]), d = two_rows_f32(in + f[3], in + f[7]);
    const __m256 u = _mm256_unpacklo_ps(a, b), v = _mm256_unpacklo_ps(c, d);
    const __m256 y = _mm256_unpackhi_ps(a, b), z = _mm256_unpackhi_ps(c, d);
    t[0] = _mm256_shuffle_ps(u, v, 0x44);
    t[1] = _mm256_shuffle_ps(u, v, 0xee);
    t[2] = _mm256_shuffle_ps(y, z, 0x44);
    t[3] = _mm256_shuffle_ps(y, z, 0xee);
}

#endif
