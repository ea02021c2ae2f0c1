/* What all kinds of nearest share: the indices by repeated addition, and the copying of pixels. */
#include <string.h>

#include "image/resize_rules.h"

int *vn_resize_steps(struct vn_arena *a, int in, float from, float to, int n)
{
    const double step = (double)(to - from) / n;
    int *index = NEW_ARRAY(a, int, n);
    double at = from + step * 0.5;
    for (int i = 0; i < n; i++, at += step)
        index[i] = at < 0 ? 0 : (int)at >= in ? in - 1 : (int)at;
    return index;
}

/* Pixels of `size` bytes, copied as `n`: the next pixel mends what is written behind one. Returns where it
 * stopped: n bytes from each pixel on lie inside of both rows up to pixel `safe`. */
#define PICK(size, n) \
    static int pick_##size##_##n(uint8_t *to, const uint8_t *row, const int *from, int i, int safe) \
    { \
        _Pragma("GCC unroll 8") for (; i < safe; i++) \
            memcpy(to + (size_t)i * (size), row + (size_t)from[i] * (size), n); \
        return i; \
    }
PICK(1, 1)
PICK(2, 2)
PICK(3, 3)
PICK(4, 4)
PICK(6, 6)
PICK(6, 8)
PICK(8, 8)
PICK(12, 12)
PICK(12, 16)
PICK(16, 16)

/* Two pixels by one store. */
static int pick_3_4(uint8_t *to, const uint8_t *row, const int *from, int i, int safe)
{
#pragma GCC unroll 4
    for (; i + 2 < safe; i += 2) {
        uint32_t a, b;
        memcpy(&a, row + 3 * (size_t)from[i], 4);
        memcpy(&b, row + 3 * (size_t)from[i + 1], 4);
        const uint64_t both = (a & 0xffffff) | (uint64_t)b << 24;
        memcpy(to + 3 * (size_t)i, &both, 8);
    }
    return i;
}

static const struct {
    int wide; /* bytes that `fast` touches from a pixel on */
    int (*fast)(uint8_t *, const uint8_t *, const int *, int, int),
        (*plain)(uint8_t *, const uint8_t *, const int *, int, int);
} picks[] = {
    [1] = { 1, pick_1_1, pick_1_1 },       [2] = { 2, pick_2_2, pick_2_2 },
    [3] = { 4, pick_3_4, pick_3_3 },       [4] = { 4, pick_4_4, pick_4_4 },
    [6] = { 8, pick_6_8, pick_6_6 },       [8] = { 8, pick_8_8, pick_8_8 },
    [12] = { 16, pick_12_16, pick_12_12 }, [16] = { 16, pick_16_16, pick_16_16 },
};

int vn_resize_pick(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, const int *x,
                   int w, const int *y, int h, struct vn_err *e)
{
    const struct vn_picture p = *in;
    const size_t n = vn_pixel_size(p.type) * p.c, row_bytes = (size_t)p.w * n, bytes = (size_t)w * n,
                 wide = (size_t)picks[n].wide;
    int safe = w;
    while (safe > 0 && ((size_t)x[safe - 1] * n + wide > row_bytes || (size_t)(safe - 1) * n + wide > bytes))
        safe--;
    TRY(vn_picture_new(out, a, w, h, p.c, p.type, e));
    for (int j = 0; j < h; j++) {
        const uint8_t *row = p.data + (size_t)y[j] * row_bytes;
        uint8_t *to = out->data + j * bytes;
        if (j && y[j] == y[j - 1])
            memcpy(to, to - bytes, bytes);
        else
            picks[n].plain(to, row, x, picks[n].fast(to, row, x, 0, safe), w);
    }
    return VN_OK;
}
