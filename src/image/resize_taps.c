/* Weights of an axis, laid out for loads that are wider than a pixel. */
#include "image/resize_rules.h"
#include "kernels/image/image_kernels.h"

/* Output index i reads n source values in a row, of pixels with channels up to 4 n. */
static int inside(const struct vn_taps *t, int i, int in, int c)
{
    return t->first[i] >= 0 && (int64_t)t->first[i] * c + (c == 1 ? 1 : 4) * t->n <= (int64_t)in * c;
}

void vn_opencv_widen(struct vn_taps *t, struct vn_arena *a, int in, int out, int c)
{
    if (c == 2)
        return;
    while (t->lo < out && !inside(t, t->lo, in, c))
        t->lo++;
    t->hi = t->lo = c == 1 ? (t->lo + 7) / 8 * 8 : t->lo;
    while (t->hi < out && inside(t, t->hi, in, c))
        t->hi++;
    t->hi = c == 1 ? t->hi / 8 * 8 : t->hi;
    if (t->hi <= t->lo) {
        t->lo = t->hi = 0;
        return;
    }
    t->block = c == 1 ? NEW_ARRAY(a, float, (size_t)out * t->n) : NULL;
    for (int i = 0; c == 1 && i < t->hi; i++)
        for (int k = 0; k < t->n; k++)
            t->block[((size_t)i / 8 * t->n + k) * 8 + i % 8] = t->real[(size_t)i * t->n + k];
}
