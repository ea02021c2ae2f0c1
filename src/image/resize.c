#include <math.h>

#include "image/image.h"

#define BITS 22 /* 32 bits less 8 of the pixel and 2 of head room */

struct taps {
    int *first, *count, *weight; /* for each output index: source range, and `most` weights */
    int most;
};

/* Triangle filter, as wide as the reduction asks for, normalised in float64 and rounded to 2^-22. */
static struct taps triangle(struct vn_arena *a, int in, int out)
{
    const double scale = (double)in / out, widen = scale < 1 ? 1 : scale, support = widen;
    struct taps t = { .most = (int)ceil(support) * 2 + 1 };
    t.first = NEW_ARRAY(a, int, out);
    t.count = NEW_ARRAY(a, int, out);
    t.weight = NEW_ARRAY(a, int, (size_t)out * t.most);
    double *w = NEW_ARRAY(a, double, t.most);
    for (int i = 0; i < out; i++) {
        const double center = (i + 0.5) * scale;
        int lo = (int)(center - support + 0.5), hi = (int)(center + support + 0.5);
        lo = lo < 0 ? 0 : lo;
        hi = hi > in ? in : hi;
        double sum = 0;
        for (int k = lo; k < hi; k++) {
            const double d = fabs((k - center + 0.5) * (1.0 / widen));
            w[k - lo] = d < 1 ? 1 - d : 0;
            sum += w[k - lo];
        }
        for (int k = 0; k < hi - lo; k++) {
            const double x = (sum != 0 ? w[k] / sum : w[k]) * (1 << BITS);
            t.weight[(size_t)i * t.most + k] = (int)(x < 0 ? x - 0.5 : x + 0.5);
        }
        t.first[i] = lo;
        t.count[i] = hi - lo;
    }
    return t;
}

static uint8_t clip8(int x)
{
    x >>= BITS;
    return (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x);
}

/* One pass along an axis: `step` elements between neighbours on it, `n` values side by side on the other. */
static void pass(uint8_t *out, const uint8_t *in, const struct taps *t, int out_len, size_t step_in, size_t step_out)
{
    for (int i = 0; i < out_len; i++) {
        int sum = 1 << (BITS - 1);
        const int *w = t->weight + (size_t)i * t->most;
        const uint8_t *p = in + (size_t)t->first[i] * step_in;
        for (int k = 0; k < t->count[i]; k++)
            sum += p[(size_t)k * step_in] * w[k];
        out[(size_t)i * step_out] = clip8(sum);
    }
}

static void pass_columns(uint8_t *out, const uint8_t *in, const struct taps *t, int out_h, size_t row)
{
    int sum[1024];
    for (int i = 0; i < out_h; i++) {
        const int *w = t->weight + (size_t)i * t->most;
        for (size_t x0 = 0; x0 < row; x0 += 1024) {
            const size_t n = row - x0 < 1024 ? row - x0 : 1024;
            for (size_t x = 0; x < n; x++)
                sum[x] = 1 << (BITS - 1);
            for (int k = 0; k < t->count[i]; k++) {
                const uint8_t *p = in + ((size_t)t->first[i] + k) * row + x0;
                for (size_t x = 0; x < n; x++)
                    sum[x] += p[x] * w[k];
            }
            for (size_t x = 0; x < n; x++)
                out[(size_t)i * row + x0 + x] = clip8(sum[x]);
        }
    }
}

void vn_resize_pillow_bilinear(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int w, int h)
{
    struct vn_picture mid = *in;
    const int c = in->c;
    if (w != in->w) {
        const struct taps t = triangle(a, in->w, w);
        mid = (struct vn_picture){ w, in->h, c, NEW_ARRAY(a, uint8_t, (size_t)w * in->h * c) };
        for (int y = 0; y < in->h; y++)
            for (int k = 0; k < c; k++)
                pass(mid.data + (size_t)y * w * c + k, in->data + (size_t)y * in->w * c + k, &t, w, (size_t)c, (size_t)c);
    }
    *out = mid;
    if (h != mid.h) {
        const struct taps t = triangle(a, mid.h, h);
        *out = (struct vn_picture){ w, h, c, NEW_ARRAY(a, uint8_t, (size_t)w * h * c) };
        pass_columns(out->data, mid.data, &t, h, (size_t)w * c);
    }
}

void vn_crop(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int x, int y, int w, int h)
{
    *out = (struct vn_picture){ w, h, in->c, NEW_ARRAY(a, uint8_t, (size_t)w * h * in->c) };
    for (int i = 0; i < h; i++)
        memcpy(out->data + (size_t)i * w * in->c, in->data + ((size_t)(y + i) * in->w + x) * in->c, (size_t)w * in->c);
}
