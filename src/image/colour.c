/* Channel order and gray as the libraries have them; BT.601 in both ranges; layouts of YUV; the layouts of
 * runtime pixels. */
#include "image/colour.h"

#include <math.h>
#include <string.h>

#include "kernels/image/image_kernels.h"

/* ---- channels ---- */

/* out(i, c) = in(i, from[c]) */
static int pick(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int n,
                const int from[VN_MAX_CHANNELS], struct vn_err *e)
{
    const struct vn_picture p = *in;
    TRY(vn_picture_new(out, a, p.w, p.h, n, p.type, e));
    const size_t pixels = (size_t)p.w * p.h;
    for (int c = 0; c < n; c++)
        for (size_t i = 0, s = (size_t)from[c], d = (size_t)c; i < pixels; i++, s += p.c, d += n)
            if (p.type == VN_PIXEL_U8)
                out->data[d] = p.data[s];
            else if (p.type == VN_PIXEL_U16)
                out->u16[d] = p.u16[s];
            else
                out->f32[d] = p.f32[s];
    return VN_OK;
}

static int wants(const struct vn_picture *in, int least, const char *what, struct vn_err *e)
{
    if (in->c < least || in->c > VN_MAX_CHANNELS)
        return vn_fail(e, VN_E_INPUT, "%s: an image of %d channel%s; expected %d to %d", what, in->c,
                       in->c == 1 ? "" : "s", least, VN_MAX_CHANNELS);
    return VN_OK;
}

int vn_swap_channels(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in,
                     struct vn_err *e)
{
    static const int from[] = { 2, 1, 0, 3 };
    const struct vn_picture p = *in;
    TRY(wants(in, 3, "channel swap", e));
    if (p.c != 3 || p.type != VN_PIXEL_U8)
        return pick(out, a, in, p.c, from, e);
    TRY(vn_picture_new(out, a, p.w, p.h, 3, VN_PIXEL_U8, e));
    vn_image_kernels_chosen()->pixel->swap_bytes(out->data, p.data, (size_t)p.w * p.h);
    return VN_OK;
}

int vn_three_channels(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in,
                      struct vn_err *e)
{
    static const int gray[VN_MAX_CHANNELS] = { 0 }, rgb[] = { 0, 1, 2, 3 };
    TRY(wants(in, 1, "three channels", e));
    return pick(out, a, in, 3, in->c < 3 ? gray : rgb, e);
}

int vn_first_channel(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in,
                     struct vn_err *e)
{
    static const int first[VN_MAX_CHANNELS] = { 0 };
    return pick(out, a, in, 1, first, e);
}

/* ---- gray ---- */

static uint8_t gray_opencv(int r, int g, int b)
{
    return (uint8_t)((r * 9798 + g * 19235 + b * 3735 + (1 << 14)) >> 15);
}
static uint8_t gray_pillow(int r, int g, int b)
{
    return (uint8_t)((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16);
}
static uint8_t gray_torchvision(int r, int g, int b)
{
    return (uint8_t)(0.2989f * (float)r + 0.587f * (float)g + 0.114f * (float)b);
}

static const struct {
    uint8_t (*bytes)(int r, int g, int b); /* NULL: float32 in 0..1 */
    double weight[3]; /* of float pixels; 0: not defined by the library */
} grays[VN_LIBS] = {
    [VN_LIB_OPENCV] = { gray_opencv, { 0.299f, 0.587f, 0.114f } },
    [VN_LIB_PILLOW] = { gray_pillow, { 0 } },
    [VN_LIB_SKIMAGE] = { NULL, { 0.2125, 0.7154, 0.0721 } },
    [VN_LIB_TORCHVISION] = { gray_torchvision, { 0.2989, 0.587, 0.114 } },
};

static void gray_float(float *out, const struct vn_picture *in, const double *w, int bgr, double scale)
{
    for (size_t i = 0, n = (size_t)in->w * in->h; i < n; i++) {
        const size_t k = i * in->c;
        const double first = vn_picture_value(in, k), g = vn_picture_value(in, k + 1),
                     third = vn_picture_value(in, k + 2);
        out[i] = (float)((w[0] * (bgr ? third : first) + w[1] * g + w[2] * (bgr ? first : third)) * scale);
    }
}

int vn_gray(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in,
            enum vn_image_library lib, int bgr, struct vn_err *e)
{
    const struct vn_picture p = *in;
    TRY(wants(&p, 3, "gray", e));
    const int to_float = p.type == VN_PIXEL_F32 || lib == VN_LIB_SKIMAGE;
    if ((p.type != VN_PIXEL_U8 && !to_float) || (to_float && grays[lib].weight[0] == 0))
        return vn_fail(e, VN_E_UNSUPPORTED, "gray from %s pixels by the rule of %s", vn_pixel_name(p.type),
                       vn_library_name(lib));
    TRY(vn_picture_new(out, a, p.w, p.h, 1, to_float ? VN_PIXEL_F32 : VN_PIXEL_U8, e));
    if (to_float) {
        gray_float(out->f32, &p, grays[lib].weight, bgr,
                   p.type == VN_PIXEL_U8    ? 1.0 / 255
                   : p.type == VN_PIXEL_U16 ? 1.0 / 65535
                                            : 1);
        return VN_OK;
    }
    for (size_t i = 0, n = (size_t)p.w * p.h; i < n; i++) {
        const uint8_t *v = p.data + i * p.c;
        out->data[i] = grays[lib].bytes(v[bgr ? 2 : 0], v[1], v[bgr ? 0 : 2]);
    }
    return VN_OK;
}

/* ---- YUV ---- */

static uint8_t clamp8(double x) { return (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : rint(x)); }
static uint8_t clip8(int x) { return (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x); }

static void rgb_to_yuv(uint8_t *yuv, double r, double g, double b, int video)
{
    const double y = 0.299 * r + 0.587 * g + 0.114 * b;
    const double u = (b - y) / 1.772, v = (r - y) / 1.402;
    yuv[0] = clamp8(video ? 16 + y * 219 / 255 : y);
    yuv[1] = clamp8(128 + (video ? u * 224 / 255 : u));
    yuv[2] = clamp8(128 + (video ? v * 224 / 255 : v));
}

static void yuv_to_rgb(uint8_t *rgb, double y, double u, double v, int video)
{
    const double l = video ? 255.0 / 219 * (y - 16) : y;
    rgb[0] = clamp8(l + (video ? 1.596 : 1.402) * v);
    rgb[1] = clamp8(l - (video ? 0.392 * u + 0.813 * v : 0.344136 * u + 0.714136 * v));
    rgb[2] = clamp8(l + (video ? 2.017 : 1.772) * u);
}

/* OpenCV's fixed point: units of 2^-20 in video range, 2^-14 in full range. */
static void rgb_to_yuv_opencv(uint8_t *yuv, int r, int g, int b, int video)
{
    if (video) {
        const int half = 1 << 19;
        yuv[0] = clip8((269484 * r + 528482 * g + 102760 * b + half + (16 << 20)) >> 20);
        yuv[1] = clip8((-155188 * r - 305135 * g + 460324 * b + half + (128 << 20)) >> 20);
        yuv[2] = clip8((460324 * r - 385875 * g - 74448 * b + half + (128 << 20)) >> 20);
    } else {
        const int half = (1 << 13) + (128 << 14), y = (4899 * r + 9617 * g + 1868 * b + (1 << 13)) >> 14;
        yuv[0] = (uint8_t)y;
        yuv[1] = clip8(((b - y) * 9241 + half) >> 14);
        yuv[2] = clip8(((r - y) * 11682 + half) >> 14);
    }
}

static void yuv_to_rgb_opencv(uint8_t *rgb, int y, int u, int v, int video)
{
    if (video) {
        const int half = 1 << 19, l = (y < 16 ? 0 : y - 16) * 1220542;
        rgb[0] = clip8((l + half + 1673527 * v) >> 20);
        rgb[1] = clip8((l + half - 852492 * v - 409993 * u) >> 20);
        rgb[2] = clip8((l + half + 2116026 * u) >> 20);
    } else {
        const int half = 1 << 13;
        rgb[0] = clip8(y + ((v * 22987 + half) >> 14));
        rgb[1] = clip8(y + ((u * -5636 + v * -11698 + half) >> 14));
        rgb[2] = clip8(y + ((u * 29049 + half) >> 14));
    }
}

static int is_uint8(const struct vn_picture *p, int c, const char *what, struct vn_err *e)
{
    if (p->type != VN_PIXEL_U8 || p->c != c)
        return vn_fail(e, VN_E_INPUT, "%s: %s pixels of %d channels; expected uint8 of %d", what,
                       vn_pixel_name(p->type), p->c, c);
    return VN_OK;
}

int vn_rgb_to_yuv444(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *rgb,
                     const struct vn_yuv_format *f, struct vn_err *e)
{
    const struct vn_picture in = *rgb;
    TRY(is_uint8(&in, 3, "RGB to YUV", e));
    TRY(vn_picture_new(out, a, in.w, in.h, 3, VN_PIXEL_U8, e));
    for (size_t i = 0, n = vn_picture_values(&in); i < n; i += 3)
        if (f->rule == VN_YUV_OPENCV)
            rgb_to_yuv_opencv(out->data + i, in.data[i], in.data[i + 1], in.data[i + 2],
                              f->range == VN_YUV_VIDEO);
        else
            rgb_to_yuv(out->data + i, in.data[i], in.data[i + 1], in.data[i + 2], f->range == VN_YUV_VIDEO);
    return VN_OK;
}

int vn_yuv444_to_rgb(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *yuv,
                     const struct vn_yuv_format *f, struct vn_err *e)
{
    const struct vn_picture in = *yuv;
    TRY(is_uint8(&in, 3, "YUV to RGB", e));
    TRY(vn_picture_new(out, a, in.w, in.h, 3, VN_PIXEL_U8, e));
    for (size_t i = 0, n = vn_picture_values(&in); i < n; i += 3)
        if (f->rule == VN_YUV_OPENCV)
            yuv_to_rgb_opencv(out->data + i, in.data[i], in.data[i + 1] - 128, in.data[i + 2] - 128,
                              f->range == VN_YUV_VIDEO);
        else
            yuv_to_rgb(out->data + i, in.data[i], in.data[i + 1] - 128, in.data[i + 2] - 128,
                       f->range == VN_YUV_VIDEO);
    return VN_OK;
}

static const char *const downs[VN_DOWNS] = { [VN_DOWN_MEAN] = "mean",
                                             [VN_DOWN_MEAN_RGB] = "mean_rgb",
                                             [VN_DOWN_LEFT] = "left",
                                             [VN_DOWN_CORNER] = "corner" };
static const char *const ups[VN_UPS] = {
    [VN_UP_REPEAT] = "repeat", [VN_UP_LINEAR] = "linear", [VN_UP_LEFT] = "left"
};
int vn_chroma_down_find(const char *name) { return vn_image_word(downs, VN_DOWNS, name); }
int vn_chroma_up_find(const char *name) { return vn_image_word(ups, VN_UPS, name); }
const char *vn_chroma_down_name(enum vn_chroma_down d) { return downs[d]; }
const char *vn_chroma_up_name(enum vn_chroma_up u) { return ups[u]; }

/* Where the chroma of block (x, y) lies in memory behind the luma: `step` between neighbours, rows of `row`;
 * U at u, V at v. */
static const struct yuv_layout {
    const char *name;
    int halved; /* 4:2:0 */
    int step, u_first, mixed; /* mixed: U and V take turns */
} layouts[VN_YUV_LAYOUTS] = {
    [VN_YUV444] = { "yuv444", 0, 1, 1, 0 }, [VN_NV12] = { "nv12", 1, 2, 1, 1 },
    [VN_NV21] = { "nv21", 1, 2, 0, 1 },     [VN_I420] = { "i420", 1, 1, 1, 0 },
    [VN_YV12] = { "yv12", 1, 1, 0, 0 },
};
int vn_yuv_layout_find(const char *name)
{
    for (int i = 0; i < VN_YUV_LAYOUTS; i++)
        if (!strcmp(layouts[i].name, name))
            return i;
    return -1;
}
const char *vn_yuv_layout_name(enum vn_yuv_layout l) { return layouts[l].name; }

/* The first U and the first V of planes of a w x h image. */
static void chroma_at(uint8_t *planes, int w, int h, const struct yuv_layout *l, uint8_t *uv[2])
{
    const size_t n = (size_t)w * h, plane = l->halved ? n / 4 : n;
    uint8_t *first = planes + n, *second = first + (l->mixed ? 1 : plane);
    uv[0] = l->u_first ? first : second;
    uv[1] = l->u_first ? second : first;
}

/* One chroma value of the 2 x 2 block at p (rows `row` bytes apart, pixels of 3 bytes). */
static uint8_t down_one(const uint8_t *p, size_t row, enum vn_chroma_down d)
{
    switch (d) {
    case VN_DOWN_LEFT: return (uint8_t)((p[0] + p[row] + 1) >> 1);
    case VN_DOWN_CORNER: return p[0];
    default: return (uint8_t)((p[0] + p[3] + p[row] + p[row + 3] + 2) >> 2);
    }
}

static int even(int w, int h, const struct yuv_layout *l, struct vn_err *e)
{
    if (l->halved && (w % 2 || h % 2))
        return vn_fail(e, VN_E_INPUT, "%s: %d x %d pixels; both sides must be even", l->name, w, h);
    return VN_OK;
}

int vn_yuv_pack(struct vn_picture *planes, struct vn_arena *a, const struct vn_picture *yuv,
                enum vn_yuv_layout layout, enum vn_chroma_down d, struct vn_err *e)
{
    const struct vn_picture in = *yuv;
    const struct yuv_layout *l = &layouts[layout];
    TRY(is_uint8(&in, 3, l->name, e));
    TRY(even(in.w, in.h, l, e));
    TRY(vn_picture_new(planes, a, in.w, l->halved ? in.h / 2 * 3 : in.h * 3, 1, VN_PIXEL_U8, e));
    for (size_t i = 0, n = (size_t)in.w * in.h; i < n; i++)
        planes->data[i] = in.data[3 * i];
    uint8_t *uv[2];
    chroma_at(planes->data, in.w, in.h, l, uv);
    const size_t row = (size_t)in.w * 3;
    const int s = l->halved ? 2 : 1;
    for (int c = 0; c < 2; c++)
        for (int y = 0; y < in.h; y += s)
            for (int x = 0; x < in.w; x += s, uv[c] += l->step) {
                const uint8_t *p = in.data + y * row + 3 * (size_t)x + 1 + c;
                *uv[c] = l->halved ? down_one(p, row, d) : *p;
            }
    return VN_OK;
}

/* Chroma at pixel (x, y) from a plane of cw x ch values, `step` apart. */
static uint8_t up_one(const uint8_t *plane, int cw, int ch, int step, int x, int y, enum vn_chroma_up u)
{
    const int i = x / 2, j = y / 2;
    const uint8_t *row = plane + (size_t)j * cw * step;
    if (u == VN_UP_REPEAT)
        return row[(size_t)i * step];
    const int j2 = y % 2 ? (j + 1 < ch ? j + 1 : j) : (j > 0 ? j - 1 : j), centred = u == VN_UP_LINEAR;
    const int i2 = x % 2 ? (i + 1 < cw ? i + 1 : i) : centred && i > 0 ? i - 1 : i;
    const uint8_t *other = plane + (size_t)j2 * cw * step;
    const int near = centred ? 3 : x % 2 ? 2 : 4, far = 4 - near;
    const int here = 3 * row[(size_t)i * step] + other[(size_t)i * step],
              there = 3 * row[(size_t)i2 * step] + other[(size_t)i2 * step];
    return (uint8_t)((near * here + far * there + 8 - (centred && x % 2)) >> 4);
}

int vn_yuv_unpack(struct vn_picture *yuv, struct vn_arena *a, const struct vn_picture *planes,
                  enum vn_yuv_layout layout, enum vn_chroma_up u, struct vn_err *e)
{
    const struct vn_picture in = *planes;
    const struct yuv_layout *l = &layouts[layout];
    TRY(is_uint8(&in, 1, l->name, e));
    if (in.h % 3)
        return vn_fail(e, VN_E_INPUT, "%s: planes of %d rows; expected a multiple of 3", l->name, in.h);
    const int w = in.w, h = l->halved ? in.h / 3 * 2 : in.h / 3, s = l->halved ? 2 : 1;
    TRY(even(w, h, l, e));
    TRY(vn_picture_new(yuv, a, w, h, 3, VN_PIXEL_U8, e));
    uint8_t *uv[2];
    chroma_at(in.data, w, h, l, uv);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            uint8_t *p = yuv->data + ((size_t)y * w + x) * 3;
            p[0] = in.data[(size_t)y * w + x];
            for (int c = 0; c < 2; c++)
                p[1 + c] =
                    l->halved ? up_one(uv[c], w / s, h / s, l->step, x, y, u) : uv[c][(size_t)y * w + x];
        }
    return VN_OK;
}

/* Each block's colours become their rounded mean; luma is taken from the image itself. */
static int mean_colours(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *rgb,
                        struct vn_err *e)
{
    TRY(vn_picture_new(out, a, rgb->w, rgb->h, 3, VN_PIXEL_U8, e));
    const size_t row = (size_t)rgb->w * 3;
    for (int y = 0; y < rgb->h; y++)
        for (size_t x = 0; x < row; x++)
            out->data[y * row + x] =
                down_one(rgb->data + y / 2 * 2 * row + x / 6 * 6 + x % 3, row, VN_DOWN_MEAN);
    return VN_OK;
}

int vn_rgb_to_planes(struct vn_picture *planes, struct vn_arena *a, const struct vn_picture *rgb,
                     enum vn_yuv_layout l, const struct vn_yuv_format *f, struct vn_err *e)
{
    struct vn_picture yuv, mean;
    TRY(is_uint8(rgb, 3, layouts[l].name, e));
    TRY(even(rgb->w, rgb->h, &layouts[l], e));
    TRY(vn_rgb_to_yuv444(&yuv, a, rgb, f, e));
    if (f->down == VN_DOWN_MEAN_RGB && layouts[l].halved) {
        TRY(mean_colours(&mean, a, rgb, e));
        TRY(vn_rgb_to_yuv444(&mean, a, &mean, f, e));
        for (size_t i = 0, n = vn_picture_values(&yuv); i < n; i += 3)
            memcpy(yuv.data + i + 1, mean.data + i + 1, 2);
    }
    return vn_yuv_pack(planes, a, &yuv, l, f->down == VN_DOWN_MEAN_RGB ? VN_DOWN_CORNER : f->down, e);
}

int vn_planes_to_rgb(struct vn_picture *rgb, struct vn_arena *a, const struct vn_picture *planes,
                     enum vn_yuv_layout l, const struct vn_yuv_format *f, struct vn_err *e)
{
    struct vn_picture yuv;
    TRY(vn_yuv_unpack(&yuv, a, planes, l, f->up, e));
    return vn_yuv444_to_rgb(rgb, a, &yuv, f, e);
}

/* ---- the inputs of a converted network ---- */

void vn_pixels_train(uint8_t *out, const struct vn_picture *rgb, const struct vn_pixel_format *f)
{
    const size_t n = (size_t)rgb->w * rgb->h;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = rgb->data + 3 * i;
        if (f->train == VN_IN_GRAY)
            out[i] = (uint8_t)((p[0] * 19595 + p[1] * 38470 + p[2] * 7471 + 0x8000) >> 16);
        else if (f->train == VN_IN_YUV444)
            rgb_to_yuv(out + 3 * i, p[0], p[1], p[2], 0);
        else
            for (int c = 0; c < 3; c++)
                out[3 * i + c] = p[f->train == VN_IN_BGR ? 2 - c : c];
    }
}

/* Chroma of each 2 x 2 block becomes its rounded mean: what NV12 keeps, repeated. */
static void share_chroma(uint8_t *yuv, int w, int h)
{
    for (int y = 0; y + 1 < h; y += 2)
        for (int x = 0; x + 1 < w; x += 2)
            for (int c = 1; c < 3; c++) {
                uint8_t *p[4];
                int sum = 2;
                for (int k = 0; k < 4; k++) {
                    p[k] = yuv + ((size_t)(y + k / 2) * w + x + k % 2) * 3 + c;
                    sum += *p[k];
                }
                for (int k = 0; k < 4; k++)
                    *p[k] = (uint8_t)(sum / 4);
            }
}

void vn_pixels_runtime(uint8_t *out, const uint8_t *train, const struct vn_pixel_format *f)
{
    const size_t n = (size_t)f->w * f->h;
    const int channels = vn_pixel_channels(f), nv12 = f->rt == VN_IN_NV12;
    const int to_yuv = (f->rt == VN_IN_YUV444 || nv12) && f->train != VN_IN_YUV444;
    const int swap = channels == 3 && !to_yuv && f->rt != f->train && !nv12;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = train + channels * i;
        const int bgr = f->train == VN_IN_BGR;
        if (to_yuv)
            rgb_to_yuv(out + 3 * i, p[bgr ? 2 : 0], p[1], p[bgr ? 0 : 2], f->video_range);
        else
            for (int c = 0; c < channels; c++)
                out[channels * i + c] = p[swap ? 2 - c : c];
    }
    if (nv12)
        share_chroma(out, f->w, f->h);
}

size_t vn_pixels_bytes(const struct vn_pixel_format *f)
{
    const size_t n = (size_t)f->w * f->h;
    return f->rt == VN_IN_NV12 ? n / 2 * 3 : n * (size_t)vn_pixel_channels(f);
}

static void pack_nv12(uint8_t *out, const uint8_t *yuv, int w, int h)
{
    for (size_t i = 0; i < (size_t)w * h; i++)
        out[i] = yuv[3 * i];
    uint8_t *uv = out + (size_t)w * h;
    for (int y = 0; y < h; y += 2)
        for (int x = 0; x < w; x += 2) {
            *uv++ = yuv[((size_t)y * w + x) * 3 + 1];
            *uv++ = yuv[((size_t)y * w + x) * 3 + 2];
        }
}

void vn_pixels_pack(uint8_t *out, const uint8_t *runtime, const struct vn_pixel_format *f)
{
    const size_t n = (size_t)f->w * f->h;
    const int channels = vn_pixel_channels(f);
    if (f->rt == VN_IN_NV12) {
        pack_nv12(out, runtime, f->w, f->h);
        return;
    }
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < channels; c++)
            out[f->channels_last_rt ? i * channels + c : c * n + i] = runtime[i * channels + c];
}

void vn_pixels_tensor(float *out, const uint8_t *runtime, const struct vn_pixel_format *f)
{
    const size_t n = (size_t)f->w * f->h;
    const int channels = vn_pixel_channels(f);
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < channels; c++)
            out[f->channels_last_train ? i * channels + c : c * n + i] =
                (float)runtime[i * channels + c] - 128;
}
