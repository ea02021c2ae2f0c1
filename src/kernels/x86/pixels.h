/* kernels/x86/pixels.h - where the pixels of a convolution's tile read. */
#ifndef VN_KERNELS_X86_PIXELS_H
#define VN_KERNELS_X86_PIXELS_H

#include "kernels/conv.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define EACH(i, n) _Pragma("GCC unroll 8") for (int i = 0; i < (n); i++)

/* A walk over output pixels in memory order, across the ends of rows and images. */
struct walk {
    int n, oy, ox;
    int at, last; /* the next pixel's number, and one behind the last */
};

struct pixel {
    int iy, ix; /* input position of tap 0, 0 */
    ptrdiff_t at; /* its element offset with the first channel */
};

static inline struct walk walk_rows(const struct vn_window2d *g, int row0, int row1)
{
    return (struct walk){ row0 / g->oh, row0 % g->oh, 0, row0 * g->ow, row1 * g->ow };
}

/* The next np pixels; behind the end the last one is repeated. Returns 1 where no tap of any of them is
 * padding. */
static ALWAYS_INLINE int next_pixels(struct pixel *t, const int np, struct walk *walk,
                                     const struct vn_window2d *g, int channel)
{
    const int y_room = g->h - (g->kh - 1) * g->dh, x_room = g->w - (g->kw - 1) * g->dw;
    int inside = 1;
    EACH(i, np)
    {
        const int iy = walk->oy * g->sh - g->ph, ix = walk->ox * g->sw - g->pw;
        t[i].iy = iy;
        t[i].ix = ix;
        t[i].at = (((ptrdiff_t)walk->n * g->h + iy) * g->w + ix) * g->xp + channel;
        inside &= (iy >= 0) & (ix >= 0) & (iy < y_room) & (ix < x_room);
        if (walk->at + 1 >= walk->last)
            continue;
        walk->at++;
        if (++walk->ox == g->ow) {
            walk->ox = 0;
            if (++walk->oy == g->oh) {
                walk->oy = 0;
                walk->n++;
            }
        }
    }
    return inside;
}

/* Whether the tap at this distance from tap 0, 0 lies inside the input. */
static ALWAYS_INLINE int tap_is_real(const struct pixel *t, int dy, int dx, const struct vn_window2d *g)
{
    return is_inside(t->iy + dy, g->h) && is_inside(t->ix + dx, g->w);
}

#endif
