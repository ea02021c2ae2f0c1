/* kernels/conv.h - geometry and epilogue that the convolution kernels share. Private to kernels/. */
#ifndef VN_KERNELS_CONV_H
#define VN_KERNELS_CONV_H

#include "kernels/kernels.h"
#include "num/num.h"

static inline int min_int(int a, int b) { return a < b ? a : b; }
static inline int max_int(int a, int b) { return a > b ? a : b; }

static inline int blocks_per_group(const struct vn_window2d *g)
{
    return (g->k / g->groups + VN_OCB - 1) / VN_OCB;
}

/* One packed block of output channels. */
struct block {
    int group;
    int oc; /* first output channel */
    int count; /* channels that exist, 1..VN_OCB */
};

static inline struct block block_at(const struct vn_window2d *g, int kb)
{
    const int per = blocks_per_group(g), kg = g->k / g->groups;
    const int group = kb / per, first = kb % per * VN_OCB;
    return (struct block){ group, group * kg + first, min_int(VN_OCB, kg - first) };
}

/* Input position of one tap for the output position `o`; outside [0, size) it is padding. */
static inline int tap_at(int o, int stride, int pad, int tap, int dilation)
{
    return o * stride - pad + tap * dilation;
}
static inline int is_inside(int i, int size) { return (unsigned)i < (unsigned)size; }

static inline size_t out_at(const struct vn_window2d *g, size_t pixel, int k)
{
    return pixel * (size_t)g->yp + (size_t)k;
}
static inline size_t residual_at(const struct vn_window2d *g, size_t pixel, int k)
{
    return pixel * (size_t)g->rp + (size_t)k;
}

/* Finish channel `k` of an output pixel: `i` is the channel's place in bias and mult. */
static inline void finish_s8(void *out, size_t pixel, int k, int64_t acc, size_t i,
                             const struct vn_conv_s8 *p)
{
    const size_t at = out_at(&p->g, pixel, k);
    if (p->out_f32) {
        ((float *)out)[at] = (float)acc * p->mult[i];
    } else if (p->residual) {
        const int32_t mid = vn_requantize(acc, p->mult[i], p->z_mid, -128, 127);
        const int32_t res = p->residual[residual_at(&p->g, pixel, k)];
        ((int8_t *)out)[at] =
            (int8_t)(p->residual_first ? vn_add(res, p->r_res, mid, p->r_mid, p->fixed, p->lo, p->hi)
                                       : vn_add(mid, p->r_mid, res, p->r_res, p->fixed, p->lo, p->hi));
    } else if (p->out_s16) {
        ((int16_t *)out)[at] = (int16_t)vn_requantize(acc, p->mult[i], p->zy, p->lo, p->hi);
    } else {
        ((int8_t *)out)[at] = (int8_t)vn_requantize(acc, p->mult[i], p->zy, p->lo, p->hi);
    }
}

static inline void finish_s16(void *out, size_t pixel, int k, int64_t acc, size_t i,
                              const struct vn_conv_s16 *p)
{
    const size_t at = out_at(&p->g, pixel, k);
    if (p->out_f32)
        ((float *)out)[at] = (float)acc * p->mult[i];
    else
        ((int16_t *)out)[at] = (int16_t)vn_requantize(acc, p->mult[i], p->zy, p->lo, p->hi);
}

static inline void finish_f32(float *out, size_t pixel, int k, float y, const struct vn_conv_f32 *p)
{
    if (p->residual)
        y = y + p->residual[residual_at(&p->g, pixel, k)];
    y = y > p->lo ? y : p->lo;
    out[out_at(&p->g, pixel, k)] = y < p->hi ? y : p->hi;
}

#endif
