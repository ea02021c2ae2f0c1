/* kernels/preprocess_body.h - the integer kernels, built once for every CPU and once for AVX2: pixels are
 * taken in blocks with one array per channel, so that the compiler can use vectors. NAME(s8), NAME(s16) are
 * the functions. */
#include "kernels/kernels.h"
#include "num/num.h"

#define BLOCK 32

static inline void block_of(int32_t y[3][BLOCK], const int8_t *x, const struct vn_preprocess_s8 *p, int n,
                            int32_t lo, int32_t hi)
{
    int32_t in[3][BLOCK] = { { 0 } };
    for (int i = 0; i < n; i++)
        for (int c = 0; c < p->c; c++)
            in[c][i] = x[i * p->c + c];
    for (int c = 0; c < p->c; c++) {
        int32_t acc[BLOCK];
        for (int i = 0; i < BLOCK; i++)
            acc[i] = p->bias[c];
        for (int k = 0; k < p->c; k++)
            for (int i = 0; i < BLOCK; i++)
                acc[i] += p->weight[c * p->c + k] * in[k][i];
        for (int i = 0; i < BLOCK; i++)
            y[c][i] = vn_sat_rne((float)acc[i] * p->mult[c], p->zy, lo, hi);
    }
}

#define PREPROCESS(name, type, lo, hi) \
    void name(type *out, const int8_t *x, const struct vn_preprocess_s8 *p, size_t p0, size_t p1) \
    { \
        for (size_t at = p0; at < p1; at += BLOCK) { \
            int32_t y[3][BLOCK]; \
            const int n = p1 - at < BLOCK ? (int)(p1 - at) : BLOCK; \
            block_of(y, x + at * (size_t)p->c, p, n, lo, hi); \
            for (int i = 0; i < n; i++) \
                for (int c = 0; c < p->c; c++) \
                    out[(at + (size_t)i) * (size_t)p->c + (size_t)c] = (type)y[c][i]; \
        } \
    }
PREPROCESS(NAME(s8), int8_t, INT8_MIN, INT8_MAX)
PREPROCESS(NAME(s16), int16_t, INT16_MIN, INT16_MAX)
