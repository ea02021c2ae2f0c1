/* kernels/pool_window.h - what the pooling kernels share. Private to kernels/. */
#ifndef VN_KERNELS_POOL_WINDOW_H
#define VN_KERNELS_POOL_WINDOW_H

#include "kernels/conv.h"

/* Taps [y0, y1) x [x0, x1) of one output position lie inside the input. */
struct pool_window {
    int y0, y1, x0, x1;
    int iy, ix; /* input position of tap 0, 0: may be negative */
};

/* First tap with i + tap * dilation >= bound; i <= bound or not does not matter. */
static inline int taps_before(int i, int bound, int dilation, int taps)
{
    return i >= bound ? 0 : min_int(taps, (bound - i + dilation - 1) / dilation);
}

static inline struct pool_window window_at(const struct vn_window2d *g, int oy, int ox)
{
    const int iy = oy * g->sh - g->ph, ix = ox * g->sw - g->pw;
    return (struct pool_window){
        taps_before(iy, 0, g->dh, g->kh),
        taps_before(iy, g->h, g->dh, g->kh),
        taps_before(ix, 0, g->dw, g->kw),
        taps_before(ix, g->w, g->dw, g->kw),
        iy,
        ix,
    };
}

/* What a sum is divided by; 1 for a window without a tap. */
static inline int pool_divisor(const struct vn_pool *p, const struct pool_window *t)
{
    const struct vn_window2d *const g = &p->g;
    int count = (t->y1 - t->y0) * (t->x1 - t->x0);
    if (p->count_include_pad == VN_POOL_ONE)
        return 1;
    if (p->count_include_pad)
        count = taps_before(t->iy, g->h + p->ph_end, g->dh, g->kh) *
                taps_before(t->ix, g->w + p->pw_end, g->dw, g->kw);
    return max_int(count, 1);
}

/* Element offset of the tap's pixel. */
static inline size_t tap_pixel(const struct vn_window2d *g, int n, const struct pool_window *t, int ky,
                               int kx)
{
    return (((size_t)n * g->h + (t->iy + ky * g->dh)) * g->w + (t->ix + kx * g->dw)) * g->xp;
}

#endif
