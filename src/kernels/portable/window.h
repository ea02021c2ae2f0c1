/* kernels/portable/window.h - windows over 1 to 3 spatial axes (from axis 2 on): what conv, conv_transpose
 * and pool share. Parameters: enum vn_window_words. Missing axes count as extent 1. */
#ifndef VN_PORTABLE_WINDOW_H
#define VN_PORTABLE_WINDOW_H

#include "kernels/portable.h"

struct vn_portable_window {
    int rank;
    int64_t in[3], out[3], kernel[3], stride[3], dilation[3], pad[3];
    int64_t in_plane, out_plane, taps;
};

/* Fill in from the parameters and the shapes of x and y (N, C, spatial); `kernel`: extents, NULL: the
 * parameters. Nonzero: wrong. */
static inline int vn_portable_window(struct vn_portable_window *w, const struct vn_portable_args *a,
                                     const struct vn_cells *x, const struct vn_cells *y,
                                     const int64_t *kernel)
{
    w->rank = a->i[VN_CW_RANK];
    w->in_plane = w->out_plane = w->taps = 1;
    if (w->rank < 1 || w->rank > 3 || x->rank != w->rank + 2 || y->rank != x->rank || x->d[0] != y->d[0])
        return -1;
    for (int k = 0; k < 3; k++) {
        const int there = k < w->rank;
        w->in[k] = there ? x->d[k + 2] : 1;
        w->out[k] = there ? y->d[k + 2] : 1;
        w->kernel[k] = !there ? 1 : kernel ? kernel[k] : a->i[VN_CW_KERNEL + k];
        w->stride[k] = there ? a->i[VN_CW_STRIDE + k] : 1;
        w->dilation[k] = there ? a->i[VN_CW_DILATION + k] : 1;
        w->pad[k] = there ? a->i[VN_CW_PAD + k] : 0;
        if (w->kernel[k] < 1 || w->kernel[k] > 1 << 20 || w->stride[k] < 1 || w->dilation[k] < 1)
            return -1;
        w->in_plane *= w->in[k];
        w->out_plane *= w->out[k];
        w->taps *= w->kernel[k];
    }
    return w->taps > 1 << 28 ? -1 : 0;
}

/* Coordinates of element i of a box. */
static inline void vn_portable_place(int64_t *at, int64_t i, const int64_t *box)
{
    at[2] = i % box[2];
    at[1] = i / box[2] % box[1];
    at[0] = i / box[2] / box[1];
}

/* Input element that tap t of the window at output place o covers; -1: padding. */
static inline int64_t vn_portable_under(const struct vn_portable_window *w, const int64_t *o,
                                        const int64_t *t)
{
    int64_t at = 0;
    for (int k = 0; k < 3; k++) {
        const int64_t p = o[k] * w->stride[k] + t[k] * w->dilation[k] - w->pad[k];
        if (p < 0 || p >= w->in[k])
            return -1;
        at = at * w->in[k] + p;
    }
    return at;
}

#endif
