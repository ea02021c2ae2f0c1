#include "image/geometry.h"

#include <math.h>
#include <string.h>

#include "kernels/image/image_kernels.h"

static size_t pixel_bytes(const struct vn_picture *p) { return vn_pixel_size(p->type) * p->c; }

/* Address of the pixel at (x, y). */
static uint8_t *at(const struct vn_picture *p, int x, int y)
{
    return p->data + ((size_t)y * p->w + x) * pixel_bytes(p);
}

int vn_crop(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int x, int y, int w,
            int h, struct vn_err *e)
{
    const struct vn_picture from = *in;
    if (w < 1 || h < 1 || x < 0 || y < 0 || w > from.w || h > from.h || x > from.w - w || y > from.h - h)
        return vn_fail(e, VN_E_INPUT, "crop of %d x %d at (%d, %d) exceeds the image of %d x %d at this step",
                       w, h, x, y, from.w, from.h);
    TRY(vn_picture_new(out, a, w, h, from.c, from.type, e));
    for (int i = 0; i < h; i++)
        memcpy(at(out, 0, i), at(&from, x, y + i), (size_t)w * pixel_bytes(&from));
    return VN_OK;
}

static const char *const roundings[VN_CROP_ROUNDINGS] = {
    [VN_CROP_ROUND] = "round", [VN_CROP_FLOOR] = "floor", [VN_CROP_CEIL] = "ceil"
};

int vn_crop_rounding_find(const char *name) { return vn_image_word(roundings, VN_CROP_ROUNDINGS, name); }
const char *vn_crop_rounding_name(enum vn_crop_rounding r) { return roundings[r]; }

double vn_rounded(double x, enum vn_crop_rounding r)
{
    return r == VN_CROP_FLOOR ? floor(x) : r == VN_CROP_CEIL ? ceil(x) : rint(x);
}

int vn_crop_begin(int side, int size, enum vn_crop_rounding r)
{
    return (int)vn_rounded((side - size) / 2.0, size > side && r == VN_CROP_ROUND ? VN_CROP_CEIL : r);
}

int vn_center_crop(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int w, int h,
                   enum vn_crop_rounding r, int pad, struct vn_err *e)
{
    struct vn_picture large = *in;
    const int x = vn_crop_begin(in->w, w, r), y = vn_crop_begin(in->h, h, r);
    TRY(vn_picture_check_size(w, h, "center_crop", e));
    if (!pad && (w > in->w || h > in->h))
        return vn_fail(e, VN_E_INPUT, "center_crop %d %d exceeds the image of %d x %d at this step", w, h,
                       in->w, in->h);
    if (w > in->w || h > in->h) {
        const double black[VN_MAX_CHANNELS] = { 0 };
        const int left = x < 0 ? -x : 0, top = y < 0 ? -y : 0;
        TRY(vn_pad(&large, a, in, left, top, w > in->w ? w - in->w - left : 0,
                   h > in->h ? h - in->h - top : 0, black, e));
    }
    return vn_crop(out, a, &large, x > 0 ? x : 0, y > 0 ? y : 0, w, h, e);
}

static void fill(struct vn_picture *p, const double value[VN_MAX_CHANNELS])
{
    for (size_t i = 0, n = vn_picture_values(p); i < n; i++) {
        const double v = value[i % p->c];
        if (p->type == VN_PIXEL_U8)
            p->data[i] = (uint8_t)(v > 0 ? v < 255 ? rint(v) : 255 : 0);
        else if (p->type == VN_PIXEL_U16)
            p->u16[i] = (uint16_t)(v > 0 ? v < 65535 ? rint(v) : 65535 : 0);
        else
            p->f32[i] = (float)v;
    }
}

int vn_pad(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int left, int top,
           int right, int bottom, const double value[VN_MAX_CHANNELS], struct vn_err *e)
{
    const struct vn_picture from = *in;
    if (left < 0 || top < 0 || right < 0 || bottom < 0)
        return vn_fail(e, VN_E_INPUT, "pad by %d, %d, %d, %d: expected 0 or more", left, top, right, bottom);
    const int64_t w = (int64_t)from.w + left + right, h = (int64_t)from.h + top + bottom;
    TRY(vn_picture_check_size(w, h, "pad", e));
    TRY(vn_picture_new(out, a, (int)w, (int)h, from.c, from.type, e));
    fill(out, value);
    for (int y = 0; y < from.h; y++)
        memcpy(at(out, left, top + y), at(&from, 0, y), (size_t)from.w * pixel_bytes(&from));
    return VN_OK;
}

static const char *const positions[VN_PAD_POSITIONS] = {
    [VN_PAD_CENTER] = "center",
    [VN_PAD_CENTER_ROUND] = "center_round",
    [VN_PAD_CENTER_CEIL] = "center_ceil",
    [VN_PAD_TOP_LEFT] = "top_left",
    [VN_PAD_BOTTOM_RIGHT] = "bottom_right",
};

int vn_pad_position_find(const char *name) { return vn_image_word(positions, VN_PAD_POSITIONS, name); }
const char *vn_pad_position_name(enum vn_pad_position p) { return positions[p]; }

int vn_pad_before(int room, enum vn_pad_position where)
{
    switch (where) {
    case VN_PAD_CENTER: return room / 2;
    case VN_PAD_CENTER_ROUND: return (int)rint(room / 2.0 - 0.1);
    case VN_PAD_CENTER_CEIL: return (room + 1) / 2;
    case VN_PAD_BOTTOM_RIGHT: return room;
    default: return 0;
    }
}

int vn_pad_to(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int w, int h,
              enum vn_pad_position where, const double value[VN_MAX_CHANNELS], struct vn_err *e)
{
    if (w < in->w || h < in->h)
        return vn_fail(e, VN_E_INPUT, "pad to %d x %d: the image is %d x %d at this step", w, h, in->w,
                       in->h);
    const int left = vn_pad_before(w - in->w, where), top = vn_pad_before(h - in->h, where);
    return vn_pad(out, a, in, left, top, w - in->w - left, h - in->h - top, value, e);
}

/* out(x, y) = in(u, v): (u, v) is (x, y) or, exchanged, (y, x), then counted from the other end. */
static const struct {
    int exchange, flip_u, flip_v;
} ways[9] = { [2] = { 0, 1, 0 }, [3] = { 0, 1, 1 }, [4] = { 0, 0, 1 }, [5] = { 1, 0, 0 },
              [6] = { 1, 0, 1 }, [7] = { 1, 1, 1 }, [8] = { 1, 1, 0 } };

void vn_orient_back(double m[6], int orientation, int w, int h)
{
    const int exchange = ways[orientation].exchange, u = ways[orientation].flip_u ? -1 : 1,
              v = ways[orientation].flip_v ? -1 : 1;
    const double back[6] = { exchange ? 0 : u, exchange ? u : 0, u < 0 ? w : 0,
                             exchange ? v : 0, exchange ? 0 : v, v < 0 ? h : 0 };
    memcpy(m, back, sizeof back);
}

int vn_orient(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int orientation,
              struct vn_err *e)
{
    const struct vn_picture from = *in;
    if (orientation < 1 || orientation > 8)
        return vn_fail(e, VN_E_INPUT, "orientation %d: expected 1 to 8", orientation);
    const int exchange = ways[orientation].exchange, flip_u = ways[orientation].flip_u,
              flip_v = ways[orientation].flip_v;
    TRY(vn_picture_new(out, a, exchange ? from.h : from.w, exchange ? from.w : from.h, from.c, from.type, e));
    const size_t n = pixel_bytes(&from);
    for (int y = 0; y < out->h; y++)
        for (int x = 0; x < out->w; x++) {
            const int u = exchange ? y : x, v = exchange ? x : y;
            memcpy(at(out, x, y), at(&from, flip_u ? from.w - 1 - u : u, flip_v ? from.h - 1 - v : v), n);
        }
    return VN_OK;
}

/* ---- to the network ---- */

_Static_assert(VN_ROW_CHANNELS == VN_MAX_CHANNELS, "kernels keep room for as many channels as a picture has");

int vn_normalise(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in,
                 const struct vn_normalisation *n, struct vn_err *e)
{
    struct vn_picture x;
    const int c = in->c;
    struct vn_normalise_row row = { .scale = n->scale, .divide = n->divide, .multiply = n->multiply };
    if (c > VN_MAX_CHANNELS)
        return vn_fail(e, VN_E_INPUT, "normalise: %d channels, expected up to %d", c, VN_MAX_CHANNELS);
    TRY(vn_picture_cast(&x, a, in, VN_PIXEL_F32, e));
    TRY(vn_picture_new(out, a, x.w, x.h, c, VN_PIXEL_F32, e));
    for (int i = 0; i < VN_NORMALISE_BLOCK; i++) {
        row.mean[i] = n->mean[i % c];
        row.std[i] = n->std[i % c];
    }
    vn_image_kernels_chosen()->pixel->normalise(out->f32, x.f32, vn_picture_values(&x), &row);
    return VN_OK;
}

int vn_picture_tensor(struct vn_tensor **out, struct vn_arena *a, const struct vn_picture *in,
                      enum vn_dtype t, int channels_last, int minus_128, struct vn_err *e)
{
    const size_t c = (size_t)in->c, n = (size_t)in->w * in->h;
    const int64_t last[4] = { 1, in->h, in->w, in->c }, first[4] = { 1, in->c, in->h, in->w };
    const struct vn_shape s = vn_shape_of(4, channels_last ? last : first);
    if (t == VN_NONE || !vn_dtype_size(t))
        return vn_fail(e, VN_E_INPUT, "a tensor of an unsupported element type");
    *out = vn_tensor_new(a, t, &s);
    if (!minus_128 && t == VN_F32 && in->type == VN_PIXEL_F32) {
        float *to = (*out)->data;
        for (size_t k = 0; k < c && !channels_last; k++)
            for (size_t i = 0; i < n; i++)
                to[k * n + i] = in->f32[i * c + k];
        if (channels_last)
            memcpy(to, in->f32, n * c * sizeof *to);
        return VN_OK;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < c; k++) {
            const size_t to = channels_last ? i * c + k : k * n + i;
            const double x = vn_picture_value(in, i * c + k) - (minus_128 ? 128 : 0);
            if (t == VN_F32)
                ((float *)(*out)->data)[to] = (float)x;
            else
                vn_tensor_set_f64(*out, (int64_t)to, x);
        }
    return VN_OK;
}

int vn_picture_from_tensor(struct vn_picture *out, struct vn_arena *a, const struct vn_tensor *t,
                           int channels_last, struct vn_err *e)
{
    char text[VN_SHAPE_TEXT];
    const int r = t->shape.rank, batch = r == 4;
    const int64_t *d = t->shape.d + batch;
    const int64_t c = r == 2          ? 1
                      : channels_last ? d[2]
                                      : d[0],
                  h = r == 2 || channels_last ? d[0] : d[1], w = r == 2 || channels_last ? d[1] : d[2];
    if (r < 2 || r > 4 || (batch && t->shape.d[0] != 1) || c < 1 || c > VN_MAX_CHANNELS)
        return vn_fail(e, VN_E_INPUT,
                       "array of shape %s: expected one image of 1 to %d channels, channels %s",
                       vn_shape_text(&t->shape, text), VN_MAX_CHANNELS, channels_last ? "last" : "first");
    TRY(vn_picture_check_size(w, h, "array", e));
    const enum vn_pixel_type to = t->dtype == VN_U8    ? VN_PIXEL_U8
                                  : t->dtype == VN_U16 ? VN_PIXEL_U16
                                                       : VN_PIXEL_F32;
    TRY(vn_picture_new(out, a, (int)w, (int)h, (int)c, to, e));
    for (int64_t i = 0, n = w * h; i < n * c; i++) {
        const double x = vn_tensor_f64(t, channels_last || r == 2 ? i : i % c * n + i / c);
        if (to == VN_PIXEL_U8)
            out->data[i] = (uint8_t)x;
        else if (to == VN_PIXEL_U16)
            out->u16[i] = (uint16_t)x;
        else
            out->f32[i] = (float)x;
    }
    return VN_OK;
}
