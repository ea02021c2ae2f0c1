/* interp/resizer.c */
#include "interp/resizer.h"

#include "num/num.h"

struct sampled {
    const uint8_t *first; /* component of the region's first pixel */
    int64_t pitch;
    int step; /* bytes from pixel to pixel */
    int w, h;
};

static int pixel(const struct sampled *g, int column, int row)
{
    return g->first[row * g->pitch + (int64_t)column * g->step];
}

static uint8_t resized(const struct sampled *g, int x, int y, int w, int h)
{
    const struct vn_tap u = vn_region_tap(x, g->w, w), v = vn_region_tap(y, g->h, h);
    const int right = u.at + (u.weight > 0), below = v.at + (v.weight > 0);
    return vn_region_pixel(pixel(g, u.at, v.at), pixel(g, right, v.at), pixel(g, u.at, below),
                           pixel(g, right, below), u.weight, v.weight);
}

/* A plane of pixels of `step` components each, of the image shrunk 2^half times. */
static uint8_t *plane(uint8_t *to, const struct vn_planes *p, int k, int step, int half, int w, int h)
{
    struct sampled g = {
        .pitch = p->pitch[k], .step = step, .w = p->region_width >> half, .h = p->region_height >> half
    };
    for (int y = 0; y < h >> half; y++)
        for (int x = 0; x < w >> half; x++)
            for (int c = 0; c < step; c++) {
                g.first = p->plane[k] + (p->top >> half) * g.pitch + (int64_t)(p->left >> half) * step + c;
                *to++ = resized(&g, x, y, w >> half, h >> half);
            }
    return to;
}

uint8_t *vn_interp_resize(uint8_t *to, enum vn_input_type type, int w, int h, int channels_last,
                          const struct vn_planes *image)
{
    const int nv12 = type == VN_IN_NV12, one = type == VN_IN_GRAY || nv12;
    to = plane(to, image, 0, one || !channels_last ? 1 : 3, 0, w, h);
    if (nv12)
        return plane(to, image, 1, 2, 1, w, h);
    for (int k = 1; k < 3 && !one && !channels_last; k++)
        to = plane(to, image, k, 1, 0, w, h);
    return to;
}
