/* cv2.warpAffine, bilinear, constant border. Versions below 5: positions in units of 1/32 pixel; since 5:
 * float32. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/geometry.h"
#include "image/origin.h"

/* Where a target pixel comes from: whole source pixel (u, v), and how far towards the next. */
struct source {
    int64_t u, v;
    double fu, fv;
};

static double limited(double x) { return x > -1e12 ? x < 1e12 ? x : 1e12 : -1e12; } /* NaN: too small */

static struct source fixed_point(const double m[6], int x, int y)
{
    const int64_t u =
        ((int64_t)rint(limited((m[1] * y + m[2]) * 1024)) + 16 + (int64_t)rint(limited(m[0] * x * 1024))) >>
        5;
    const int64_t v =
        ((int64_t)rint(limited((m[4] * y + m[5]) * 1024)) + 16 + (int64_t)rint(limited(m[3] * x * 1024))) >>
        5;
    return (struct source){ u >> 5, v >> 5, (double)(u & 31), (double)(v & 31) };
}

static struct source floating(const double m[6], int x, int y)
{
    const float u = (float)limited(fmaf((float)m[0], (float)x, fmaf((float)m[1], (float)y, (float)m[2])));
    const float v = (float)limited(fmaf((float)m[3], (float)x, fmaf((float)m[4], (float)y, (float)m[5])));
    return (struct source){ (int64_t)floorf(u), (int64_t)floorf(v), u - floorf(u), v - floorf(v) };
}

static int pixel(const struct vn_picture *p, int64_t x, int64_t y, int c, const uint8_t *border)
{
    return x >= 0 && y >= 0 && x < p->w && y < p->h ? p->data[((size_t)y * p->w + (size_t)x) * p->c + c]
                                                    : border[c];
}

static uint8_t mix_fixed(const int p[4], const struct source *s)
{
    const int a = (int)s->fu, b = (int)s->fv;
    return (uint8_t)((((p[0] * (32 - a) + p[1] * a) * (32 - b) + (p[2] * (32 - a) + p[3] * a) * b) * 32 +
                      (1 << 14)) >>
                     15);
}

static uint8_t mix_float(const int p[4], const struct source *s)
{
    const float a = (float)s->fu, b = (float)s->fv;
    const float top = fmaf(a, (float)(p[1] - p[0]), (float)p[0]),
                low = fmaf(a, (float)(p[3] - p[2]), (float)p[2]);
    const float v = rintf(fmaf(b, low - top, top));
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

int vn_warp_affine(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, const double m[6],
                   int w, int h, int inverse, const double value[VN_MAX_CHANNELS], const char *version,
                   struct vn_err *e)
{
    const struct vn_picture from = *in;
    const int fixed = version && atoi(version) < 5;
    double back[6];
    uint8_t border[VN_MAX_CHANNELS];
    if (from.type != VN_PIXEL_U8 || from.c > VN_MAX_CHANNELS)
        return vn_fail(e, VN_E_UNSUPPORTED,
                       "warp_affine: %s pixels of %d channels; expected uint8 of up to %d",
                       vn_pixel_name(from.type), from.c, VN_MAX_CHANNELS);
    if (inverse)
        memcpy(back, m, sizeof back);
    else
        vn_affine_invert(back, m);
    for (int c = 0; c < VN_MAX_CHANNELS; c++)
        border[c] = (uint8_t)(value[c] > 0 ? value[c] < 255 ? rint(value[c]) : 255 : 0);
    TRY(vn_picture_new(out, a, w, h, from.c, VN_PIXEL_U8, e));
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            const struct source s = fixed ? fixed_point(back, x, y) : floating(back, x, y);
            for (int c = 0; c < from.c; c++) {
                const int p[4] = { pixel(&from, s.u, s.v, c, border), pixel(&from, s.u + 1, s.v, c, border),
                                   pixel(&from, s.u, s.v + 1, c, border),
                                   pixel(&from, s.u + 1, s.v + 1, c, border) };
                out->data[((size_t)y * w + x) * from.c + c] = fixed ? mix_fixed(p, &s) : mix_float(p, &s);
            }
        }
    return VN_OK;
}
