/* kernels/x86/finish_avx512.h - epilogues for 16 output channels; finish_s8 and finish_f32 of kernels/conv.h
 * in vectors.
 *
 * max_ps(t, lo) is `t > lo ? t : lo` with C's answer for NaN; cvtps_epi32 rounds half to even as vn_rne
 * does. */
#ifndef VN_KERNELS_X86_FINISH_AVX512_H
#define VN_KERNELS_X86_FINISH_AVX512_H

#include "kernels/x86/pixels.h"

#include <immintrin.h>
#include <math.h>

static inline __mmask16 low_lanes(int count) { return (__mmask16)((1u << count) - 1); }

/* A masked store is slow on some CPUs. */
static inline void store16_f32(float *out, __m512 y, __mmask16 m)
{
    if (m == 0xffff)
        _mm512_storeu_ps(out, y);
    else if (m == 0xff)
        _mm256_storeu_ps(out, _mm512_castps512_ps256(y));
    else
        memcpy(out, &y, (size_t)__builtin_popcount(m) * sizeof *out);
}

/* rne(t) in [lo - z, hi - z]: sat without its last addition */
static inline __m512i round16(__m512 t, int32_t z, int32_t lo, int32_t hi)
{
    t = _mm512_max_ps(t, _mm512_set1_ps((float)(lo - z)));
    t = _mm512_min_ps(t, _mm512_set1_ps((float)(hi - z)));
    return _mm512_cvtps_epi32(t);
}

/* Whether every sum of 32 bits times its `mult` stays within 2^30: such a product converts to an integer
 * without a clamp. */
static inline int is_bounded(__m512 mult)
{
    return _mm512_cmp_ps_mask(_mm512_abs_ps(mult), _mm512_set1_ps(0.5f), _CMP_LT_OQ) == 0xffff;
}

static inline __m512i scaled(__m512i acc, __m512 mult)
{
    return _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_cvtepi32_ps(acc), mult));
}

/* The end of a requantization without a float clamp: rne(t) saturates to int16, + z saturates, then to int8.
 */
struct narrow {
    __m512i zero, lo, hi;
};

static inline struct narrow narrow_of(int32_t z, int32_t lo, int32_t hi)
{
    return (struct narrow){ _mm512_set1_epi16((int16_t)z), _mm512_set1_epi8((char)lo),
                            _mm512_set1_epi8((char)hi) };
}

/* 64 bytes: in each of the four 128-bit parts, four of a, of b, of c, of d. */
static inline __m512i narrow4(__m512i a, __m512i b, __m512i c, __m512i d, const struct narrow *n)
{
    const __m512i ab = _mm512_adds_epi16(_mm512_packs_epi32(a, b), n->zero);
    const __m512i cd = _mm512_adds_epi16(_mm512_packs_epi32(c, d), n->zero);
    return _mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(ab, cd), n->lo), n->hi);
}

/* From narrow4's order to that of its operands. */
static inline __m512i in_order(__m512i q)
{
    return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
                                    q);
}

/* The first `left` of 16. A masked store is slow on some CPUs. */
static inline void store16_s8(int8_t *out, __m128i q, int left)
{
    if (left >= 16)
        _mm_storeu_si128((__m128i *)out, q);
    else if (left == 8)
        _mm_storel_epi64((__m128i *)out, q);
    else
        memcpy(out, &q, (size_t)left);
}

/* Pixels of one packed vector. */
#define PACKED(nv) ((nv) == 1 ? 4 : (nv) == 2 ? 2 : 1)

/* One pixel of three or four vectors, two pixels of two, four of one; pixels from np on repeat the one
 * before. */
static ALWAYS_INLINE __m512i packed_tile(const int nv, __m512i acc[][4], const int np, const struct narrow *n)
{
    if (nv >= 3)
        return in_order(narrow4(acc[0][0], acc[0][1], acc[0][2], acc[0][nv - 1], n));
    if (nv == 2)
        return in_order(narrow4(acc[0][0], acc[0][1], acc[np > 1][0], acc[np > 1][1], n));
    return in_order(narrow4(acc[0][0], acc[np > 1][0], acc[np > 1 ? 2 : 0][0], acc[np > 1 ? 3 : 0][0], n));
}

/* `count` pixels of nv * 16 channels in q, of which `left` exist. */
static __attribute__((noinline)) void store_part(int8_t *y, size_t pitch, __m512i q, int nv, int count,
                                                 int left)
{
    int8_t bytes[64];
    _mm512_storeu_si512(bytes, q);
    for (int i = 0; i < count; i++, y += pitch)
        for (int v = 0; v < nv && left > 16 * v; v++)
            store16_s8(y + 16 * v, _mm_loadu_si128((const __m128i *)(bytes + (i * nv + v) * 16)),
                       left - 16 * v);
}

static ALWAYS_INLINE void store_tile(int8_t *y, size_t pitch, __m512i q, const int nv, int count, int left)
{
    const int per = PACKED(nv);
    const int half = left == 16 * nv - 8; /* of the last vector */
    if (count < per || (left < 16 * nv && !half)) {
        store_part(y, pitch, q, nv, count, left);
        return;
    }
    if (nv != 3 && !half && (per == 1 || pitch == 16 * nv)) {
        _mm512_storeu_si512(y, q);
        return;
    }
    const __m128i part[4] = { _mm512_castsi512_si128(q), _mm512_extracti32x4_epi32(q, 1),
                              _mm512_extracti32x4_epi32(q, 2), _mm512_extracti32x4_epi32(q, 3) };
    EACH(i, per)
    EACH(v, nv)
    if (v == nv - 1 && half)
        _mm_storel_epi64((__m128i *)(y + i * pitch + 16 * v), part[i * nv + v]);
    else
        _mm_storeu_si128((__m128i *)(y + i * pitch + 16 * v), part[i * nv + v]);
}

static inline void finish16_s8(void *out, size_t pixel, int k, __m512i acc, size_t i, __mmask16 m,
                               const struct vn_conv_s8 *p)
{
    const size_t at = out_at(&p->g, pixel, k);
    __m512 t = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), _mm512_maskz_loadu_ps(m, p->mult + i));
    if (p->out_f32) {
        store16_f32((float *)out + at, t, m);
        return;
    }
    if (p->residual) {
        const __m512i mid = round16(t, p->z_mid, -128, 127);
        const __m512i res =
            _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(m, p->residual + residual_at(&p->g, pixel, k)));
        const __m512 a = _mm512_add_ps(_mm512_cvtepi32_ps(mid), _mm512_set1_ps((float)p->z_mid));
        const __m512 b = _mm512_cvtepi32_ps(res);
        const __m512 ra = _mm512_set1_ps(p->r_mid), rb = _mm512_set1_ps(p->r_res);
        const __m512 fixed = _mm512_set1_ps(p->fixed);
        t = p->residual_first ? _mm512_fmadd_ps(b, rb, _mm512_fmadd_ps(a, ra, fixed))
                              : _mm512_fmadd_ps(a, ra, _mm512_fmadd_ps(b, rb, fixed));
    }
    const int32_t zero = p->residual ? 0 : p->zy; /* the sum has it already */
    const __m512i q = _mm512_add_epi32(round16(t, zero, p->lo, p->hi), _mm512_set1_epi32(zero));
    if (p->out_s16) {
        _mm256_mask_storeu_epi16((int16_t *)out + at, m, _mm512_cvtepi32_epi16(q));
        return;
    }
    store16_s8((int8_t *)out + at, _mm512_cvtepi32_epi8(q), __builtin_popcount(m));
}

/* How a tile ends: a vector at a time, or packed, where no result leaves 32 bits. */
enum tile_end { EACH_VECTOR, NO_RESIDUAL, RESIDUAL, RESIDUAL_FIRST };

/* What all tiles of some output channels share. */
struct ending {
    enum tile_end form;
    __m512 mult[4];
    struct narrow narrow;
    __m512i lo, hi; /* of a residual, from here on */
    __m512 on, off, r_mid, r_res, fixed;
};

/* Whether no result of an Add leaves the integers of 32 bits. */
static inline int add_is_bounded(const struct vn_conv_s8 *p)
{
    const float most = 128.0f * (fabsf(p->r_mid) + fabsf(p->r_res)) + fabsf(p->fixed);
    return most < 1e9f;
}

/* Of nv vectors whose place in mult is lane0. A float to which 1.5 * 2^23 is added has the integer in its low
 * bits. The bits of floats above 0 have the order of the floats, those of floats below 0 are less: so lo and
 * hi bound the bits. */
static inline struct ending ending_of(const struct vn_conv_s8 *p, int nv, size_t lane0)
{
    const float on = 12582912.0f;
    int bounded = !p->out_f32 && !p->out_s16 && (!p->residual || add_is_bounded(p));
    struct ending e = { .narrow = narrow_of(p->residual ? 0 : p->zy, p->lo, p->hi),
                        .lo = _mm512_castps_si512(_mm512_set1_ps(on + (float)(-128 - p->z_mid))),
                        .hi = _mm512_castps_si512(_mm512_set1_ps(on + (float)(127 - p->z_mid))),
                        .on = _mm512_set1_ps(on),
                        .off = _mm512_set1_ps(on - (float)p->z_mid),
                        .r_mid = _mm512_set1_ps(p->r_mid),
                        .r_res = _mm512_set1_ps(p->r_res),
                        .fixed = _mm512_set1_ps(p->fixed) };
    for (int v = 0; v < nv; v++) {
        e.mult[v] = _mm512_loadu_ps(p->mult + lane0 + 16 * v);
        bounded &= is_bounded(e.mult[v]);
    }
    e.form = !bounded            ? EACH_VECTOR
             : !p->residual      ? NO_RESIDUAL
             : p->residual_first ? RESIDUAL_FIRST
                                 : RESIDUAL;
    return e;
}

/* mult times the sum, to int8, + residual: what finish16_s8 does, still float32. */
static ALWAYS_INLINE __m512 added16(__m512 t, const int8_t *residual, const int residual_first,
                                    const struct ending *e)
{
    const __m512i sum = _mm512_castps_si512(_mm512_add_ps(t, e->on));
    const __m512i mid = _mm512_min_epi32(_mm512_max_epi32(sum, e->lo), e->hi);
    const __m512 a = _mm512_sub_ps(_mm512_castsi512_ps(mid), e->off);
    const __m512 b = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)residual)));
    return residual_first ? _mm512_fmadd_ps(b, e->r_res, _mm512_fmadd_ps(a, e->r_mid, e->fixed))
                          : _mm512_fmadd_ps(a, e->r_mid, _mm512_fmadd_ps(b, e->r_res, e->fixed));
}

/* The sums of a tile as integers: times mult, and with the residual, whose first pixel is at `res`. */
static ALWAYS_INLINE void add_residual(const int np, const int nv, __m512i acc[][4], const struct ending *e,
                                       const int8_t *res, int count, const int residual_first,
                                       const struct vn_conv_s8 *p)
{
    EACH(i, np)
    {
        EACH(v, nv)
        {
            const __m512 t = _mm512_mul_ps(_mm512_cvtepi32_ps(acc[i][v]), e->mult[v]);
            acc[i][v] = _mm512_cvtps_epi32(added16(t, res + 16 * v, residual_first, e));
        }
        res += i + 1 < count ? p->g.rp : 0;
    }
}

/* Any epilogue, a vector at a time. */
static __attribute__((noinline)) void finish_each_s8(int nv, __m512i acc[][4], void *out, size_t first,
                                                     int count, int k, int left, size_t lane0,
                                                     const struct vn_conv_s8 *p)
{
    for (int i = 0; i < count; i++)
        for (int v = 0; v < nv && left > 16 * v; v++)
            finish16_s8(out, first + i, k + 16 * v, acc[i][v], lane0 + 16 * v,
                        low_lanes(min_int(16, left - 16 * v)), p);
}

/* Pixels [first, first + count) of a tile, nv vectors of channels from k on; `left` channels exist. */
static ALWAYS_INLINE void finish_tile_s8(const int np, const int nv, const enum tile_end form,
                                         __m512i acc[][4], void *out, size_t first, int count, int k,
                                         int left, size_t lane0, const struct ending *shared,
                                         const struct vn_conv_s8 *p)
{
    const struct vn_window2d *const g = &p->g;
    const struct ending end = *shared, *const e = &end;
    if (form == EACH_VECTOR) {
        __m512i copy[8][4]; /* acc itself stays in registers */
        EACH(i, np)
        EACH(v, nv)
        copy[i][v] = acc[i][v];
        finish_each_s8(nv, copy, out, first, count, k, left, lane0, p);
        return;
    }
    if (form == NO_RESIDUAL) {
        EACH(i, np)
        EACH(v, nv)
        acc[i][v] = scaled(acc[i][v], e->mult[v]);
    } else {
        const int8_t *const res = p->residual + residual_at(g, first, k);
        add_residual(np, nv, acc, e, res, count, form == RESIDUAL_FIRST, p);
    }
    int8_t *const y = (int8_t *)out + out_at(g, first, k);
    const int per = PACKED(nv);
    EACH(j, (np + per - 1) / per)
    {
        const __m512i q = packed_tile(nv, acc + j * per, np - j * per, &e->narrow);
        store_tile(y + (size_t)(j * per) * g->yp, (size_t)g->yp, q, nv, min_int(per, count - j * per), left);
    }
}

static inline void finish16_f32(float *out, size_t pixel, int k, __m512 y, __mmask16 m,
                                const struct vn_conv_f32 *p)
{
    const size_t at = out_at(&p->g, pixel, k);
    if (p->residual)
        y = _mm512_add_ps(y, _mm512_maskz_loadu_ps(m, p->residual + residual_at(&p->g, pixel, k)));
    y = _mm512_max_ps(y, _mm512_set1_ps(p->lo));
    y = _mm512_min_ps(y, _mm512_set1_ps(p->hi));
    store16_f32(out + at, y, m);
}

#endif
