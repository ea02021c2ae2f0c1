/* Left, right and difference of a stage as a picture. */
#include <stdlib.h>

#include "align/align.h"
#include "base/file.h"

/* Values to 0..255: as they are where they look like pixels, else stretched. */
static struct vn_picture shown(const struct vn_tensor *t, struct vn_arena *a, int *ok)
{
    struct vn_frame f;
    struct vn_picture p = { 0 }, out = { 0 };
    struct vn_err e;
    *ok = vn_frame_from_tensor(&f, a, (struct vn_tensor *)t, &e) == VN_OK &&
          (!f.t ? (p = f.p, 1) : vn_picture_from_tensor(&p, a, t, !f.channels_first, &e) == VN_OK) &&
          vn_picture_new(&out, a, p.w, p.h, 3, VN_PIXEL_U8, &e) == VN_OK;
    if (!*ok)
        return out;
    double lo = 0, hi = 255;
    const size_t n = vn_picture_values(&p);
    for (size_t i = 0; p.type != VN_PIXEL_U8 && i < n; i++) {
        const double v = vn_picture_value(&p, i);
        lo = !i || v < lo ? v : lo;
        hi = !i || v > hi ? v : hi;
    }
    for (size_t i = 0; i < (size_t)p.w * p.h; i++)
        for (int c = 0; c < 3; c++) {
            const double v = hi > lo ? (vn_picture_value(&p, i * p.c + (size_t)(c < p.c    ? c
                                                                                : p.c == 1 ? 0
                                                                                           : p.c - 1)) -
                                        lo) *
                                           255 / (hi - lo)
                                     : 0;
            out.data[i * 3 + c] = (uint8_t)(v > 0 ? v < 255 ? v : 255 : 0);
        }
    return out;
}

static void put(struct vn_picture *to, const struct vn_picture *p, int x)
{
    for (int y = 0; y < p->h; y++)
        memcpy(to->data + ((size_t)y * to->w + x) * 3, p->data + (size_t)y * p->w * 3, (size_t)p->w * 3);
}

static int write_png(const char *path, const struct vn_picture *p, struct vn_err *e)
{
    const void *data;
    size_t bytes;
    struct vn_arena *a = vn_arena_new();
    int status = vn_png_encode(&data, &bytes, a, p, e);
    if (status == VN_OK)
        status = vn_file_write(path, data, bytes, e);
    vn_arena_free(&a);
    return status;
}

int vn_align_picture(const char *path, const struct vn_tensor *left, const struct vn_tensor *right,
                     struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    int ok[2];
    struct vn_picture p[2] = { shown(left, a, &ok[0]), shown(right, a, &ok[1]) }, all;
    int status = VN_OK;
    if (ok[0] && ok[1]) {
        const int same = p[0].w == p[1].w && p[0].h == p[1].h, h = p[0].h > p[1].h ? p[0].h : p[1].h;
        status = vn_picture_new(&all, a, p[0].w + p[1].w + (same ? p[0].w : 0), h, 3, VN_PIXEL_U8, e);
        if (status == VN_OK) {
            int top = 1;
            put(&all, &p[0], 0);
            put(&all, &p[1], p[0].w);
            for (size_t i = 0; same && i < vn_picture_values(&p[0]); i++) {
                const int d = abs(p[0].data[i] - p[1].data[i]);
                top = d > top ? d : top;
            }
            for (size_t i = 0; same && i < vn_picture_values(&p[0]); i++)
                p[0].data[i] = (uint8_t)(abs(p[0].data[i] - p[1].data[i]) * 255 / top);
            if (same)
                put(&all, &p[0], p[0].w * 2);
            status = write_png(path, &all, e);
        }
    }
    vn_arena_free(&a);
    return status < 0 ? status : ok[0] && ok[1];
}
