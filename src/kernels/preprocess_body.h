/* kernels/preprocess_body.h - the int8 kernel, built once for every CPU and once for AVX2: pixels are taken in blocks with one array
 * per channel, so that the compiler can use vectors. NAME is the function. */
#include "kernels/kernels.h"
#include "num/num.h"

#define BLOCK 32

static void block_of(int8_t *out, const int8_t *x, const struct vn_preprocess_s8 *p, int n)
{
    int32_t in[3][BLOCK] = { { 0 } };
    int8_t y[3][BLOCK];
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
            y[c][i] = (int8_t)vn_sat_rne((float)acc[i] * p->mult[c], p->zy, -128, 127);
    }
    for (int i = 0; i < n; i++)
        for (int c = 0; c < p->c; c++)
            out[i * p->c + c] = y[c][i];
}

void NAME(int8_t *out, const int8_t *x, const struct vn_preprocess_s8 *p, size_t p0, size_t p1)
{
    for (size_t i = p0; i < p1; i += BLOCK)
        block_of(out + i * (size_t)p->c, x + i * (size_t)p->c, p, p1 - i < BLOCK ? (int)(p1 - i) : BLOCK);
}
