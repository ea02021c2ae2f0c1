/* kernels/softmax.c - float softmax along the middle axis of [outer][n][inner]. */
#include "kernels/kernels.h"
#include "num/num.h"

static void slice_f32(float *y, const float *x, const struct vn_softmax *p)
{
    const size_t step = (size_t)p->inner;
    float max = x[0], part[16] = { 0 };
    for (int i = 1; i < p->n; i++)
        max = x[i * step] > max ? x[i * step] : max;
    for (int i = 0; i < p->n; i++) {
        const float e = vn_expf(x[i * step] - max);
        y[i * step] = e;
        part[i % 16] += e;
    }
    for (int half = 8; half; half /= 2)
        for (int i = 0; i < half; i++)
            part[i] += part[i + half];
    for (int i = 0; i < p->n; i++)
        y[i * step] = y[i * step] / part[0];
}

void vn_softmax_f32_c(float *out, const float *x, const struct vn_softmax *p, int o0, int o1)
{
    for (int o = o0; o < o1; o++)
        for (int i = 0; i < p->inner; i++) {
            const size_t at = (size_t)o * p->n * p->inner + i;
            slice_f32(out + at, x + at, p);
        }
}
