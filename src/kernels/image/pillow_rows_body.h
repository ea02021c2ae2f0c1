/* kernels/image/pillow_rows_body.h - Pillow's passes, each rounded to 8 bits. */
#include "kernels/image/image_kernels.h"
#include "kernels/image/row_macros.h"

#define BITS VN_PILLOW_BITS

static uint8_t clip8(int x)
{
    x >>= BITS;
    return (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x);
}

/* Pixels [i, w) of c channels. */
ROW_INLINE void across_n(uint8_t *out, const uint8_t *in, const struct vn_pillow_taps *t, int i, int w, int c)
{
    for (out += (size_t)i * c; i < w; i++, out += c) {
        const int *weight = t->weight + (size_t)i * t->most, n = t->count[i];
        const uint8_t *p = in + (size_t)t->first[i] * c;
        int sum[VN_ROW_CHANNELS];
        for (int q = 0; q < c; q++)
            sum[q] = 1 << (BITS - 1);
        for (int k = 0; k < n; k++, p += c)
            for (int q = 0; q < c; q++)
                sum[q] += p[q] * weight[k];
        for (int q = 0; q < c; q++)
            out[q] = clip8(sum[q]);
    }
}

static void across_from(uint8_t *out, const uint8_t *in, const struct vn_pillow_taps *t, int i, int w, int c)
{
    switch (c) {
    case 1: across_n(out, in, t, i, w, 1); break;
    case 2: across_n(out, in, t, i, w, 2); break;
    case 3: across_n(out, in, t, i, w, 3); break;
    default: across_n(out, in, t, i, w, 4); break;
    }
}

/* Columns [from, row): whole rows are weighted and summed. */
static void down_from(uint8_t *out, const uint8_t *in, const int *weight, int n, size_t from, size_t row)
{
    int sum[1024];
    for (size_t x0 = from; x0 < row; x0 += 1024) {
        const size_t len = row - x0 < 1024 ? row - x0 : 1024;
        for (size_t x = 0; x < len; x++)
            sum[x] = 1 << (BITS - 1);
        for (int k = 0; k < n; k++) {
            const uint8_t *p = in + (size_t)k * row + x0;
            for (size_t x = 0; x < len; x++)
                sum[x] += p[x] * weight[k];
        }
        for (size_t x = 0; x < len; x++)
            out[x0 + x] = clip8(sum[x]);
    }
}
