#include "image/transform.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "image/image.h"

#define TRANSFORM(name) \
    static int name(struct vn_tensor **out, struct vn_arena *a, const struct vn_tensor *in, \
                    const struct vn_transform *t, const struct vn_arg_value *arg, \
                    __attribute__((unused)) struct vn_origin *from, struct vn_err *e)

/* ---- arrays ---- */

/* The one image of a 3-D or 4-D array; 2-D is one channel. */
static int three_axes(struct vn_shape *s, const struct vn_tensor *in, const char *name, struct vn_err *e)
{
    char text[VN_SHAPE_TEXT];
    const int batch = in->shape.rank == 4;
    if ((in->shape.rank != 3 && !batch) || (batch && in->shape.d[0] != 1))
        return vn_fail(e, VN_E_INPUT, "%s: array of shape %s; expected three axes, or four with batch 1",
                       name, vn_shape_text(&in->shape, text));
    *s = vn_shape_of(3, in->shape.d + batch);
    return VN_OK;
}

/* An image as H x W x C (or C x H x W) without batch. */
static int from_picture(struct vn_tensor **out, struct vn_arena *a, const struct vn_picture *p,
                        int channels_last, enum vn_dtype t, int minus_128, struct vn_err *e)
{
    TRY(vn_picture_tensor(out, a, p, t, channels_last, minus_128, e));
    (*out)->shape = vn_shape_of(3, (*out)->shape.d + 1);
    return VN_OK;
}

static enum vn_dtype dtype_of(const struct vn_picture *p)
{
    return p->type == VN_PIXEL_U8 ? VN_U8 : p->type == VN_PIXEL_U16 ? VN_U16 : VN_F32;
}

static int to_picture(struct vn_picture *p, struct vn_arena *a, const struct vn_tensor *in, int channels_last,
                      const struct vn_transform *t, struct vn_err *e)
{
    return vn_picture_from_tensor(p, a, in, channels_last, e) < 0 ? vn_fail_at(e, "%s", t->name) : VN_OK;
}

static int is(const struct vn_arg_value *v, const char *word) { return !strcmp(v->word, word); }

/* Number i of a list; a single number stands for all. */
static int whole(const struct vn_arg_value *v, int i)
{
    return (int)v->v[v->n > 1 && i > 0 && i < v->n ? i : 0];
}

/* ---- values ---- */

enum { ADD, SCALE, MEAN, NORMALIZE };

TRANSFORM(arithmetic)
{
    struct vn_shape s;
    TRY(three_axes(&s, in, t->name, e));
    const int per_channel = t->variant == MEAN || (t->variant == NORMALIZE && arg[0].n > 1);
    const int last = t->variant == MEAN ? is(&arg[1], "HWC") : s.d[2] == arg[0].n && s.d[0] != arg[0].n;
    const int64_t c = last ? s.d[2] : s.d[0], inner = last ? 1 : s.d[1] * s.d[2];
    if (per_channel && arg[0].n != 1 && arg[0].n != c)
        return vn_fail(e, VN_E_INPUT, "%s: %d values for %lld channels", t->name, arg[0].n, (long long)c);
    *out = vn_tensor_new(a, VN_F32, &s);
    float *y = (*out)->data;
    for (int64_t i = 0, n = vn_shape_count(&s); i < n; i++) {
        const float x = (float)vn_tensor_f64(in, i), v = (float)arg[0].v[arg[0].n > 1 ? i / inner % c : 0];
        y[i] = t->variant == ADD ? x + v : t->variant == SCALE ? x * v : t->variant == MEAN ? x - v : x / v;
    }
    return VN_OK;
}

TRANSFORM(cast)
{
    (void)arg;
    (void)e;
    *out = vn_tensor_new(a, (enum vn_dtype)t->variant, &in->shape);
    for (int64_t i = 0, n = vn_shape_count(&in->shape); i < n; i++)
        vn_tensor_set_f64(*out, i, trunc(vn_tensor_f64(in, i)));
    return VN_OK;
}

/* ---- axes ---- */

static void permute(struct vn_tensor *out, const struct vn_tensor *in, const struct vn_shape *s,
                    const int order[3])
{
    int64_t stride[3], k = 0;
    const size_t size = vn_dtype_size(in->dtype);
    vn_shape_strides(s, stride);
    for (int64_t i = 0; i < out->shape.d[0]; i++)
        for (int64_t j = 0; j < out->shape.d[1]; j++)
            for (int64_t l = 0; l < out->shape.d[2]; l++, k++)
                memcpy((char *)out->data + k * size,
                       (const char *)in->data +
                           (i * stride[order[0]] + j * stride[order[1]] + l * stride[order[2]]) * size,
                       size);
}

enum { BY_ORDER, TO_CHW, TO_HWC };

TRANSFORM(transpose)
{
    static const int fixed[][3] = { [TO_CHW] = { 2, 0, 1 }, [TO_HWC] = { 1, 2, 0 } };
    struct vn_shape s;
    int order[3], seen = 0;
    TRY(three_axes(&s, in, t->name, e));
    for (int i = 0; i < 3; i++) {
        order[i] = t->variant != BY_ORDER ? fixed[t->variant][i] : i < arg[0].n ? (int)arg[0].v[i] : -1;
        seen |= order[i] >= 0 && order[i] < 3 ? 1 << order[i] : 0;
    }
    if (seen != 7)
        return vn_fail(e, VN_E_INPUT, "%s: order must hold 0, 1 and 2 once each", t->name);
    const int64_t d[3] = { s.d[order[0]], s.d[order[1]], s.d[order[2]] };
    const struct vn_shape to = vn_shape_of(3, d);
    *out = vn_tensor_new(a, in->dtype, &to);
    permute(*out, in, &s, order);
    return VN_OK;
}

/* ---- crop, pad, resize: H x W x C ---- */

static enum vn_pixel_type pixel_type(const char *type, enum vn_pixel_type otherwise)
{
    /* not a key's word: a transformer's argument */
    return !strcmp(type, "uint8") ? VN_PIXEL_U8 : !strcmp(type, "float") ? VN_PIXEL_F32 : otherwise;
}

static int typed(struct vn_tensor **out, struct vn_arena *a, const struct vn_picture *p, const char *type,
                 struct vn_err *e)
{
    struct vn_picture q;
    TRY(vn_picture_cast(&q, a, p, pixel_type(type, p->type), e));
    return from_picture(out, a, &q, 1, dtype_of(&q), 0, e);
}

enum { CROP_CENTER, CROP_PIL, CROP_LONG_SIDE, CROP_PADDED };

TRANSFORM(crop)
{
    struct vn_picture p, q;
    TRY(to_picture(&p, a, in, 1, t, e));
    const int least = p.w < p.h ? p.w : p.h;
    const int side =
        t->variant == CROP_PADDED ? (int)(arg[0].v[0] / (arg[0].v[0] + arg[1].v[0]) * least) : least;
    const int square = t->variant == CROP_PADDED || t->variant == CROP_LONG_SIDE;
    const int w = square ? side : whole(&arg[0], 1), h = square ? side : whole(&arg[0], 0);
    const enum vn_crop_rounding r = t->variant == CROP_PADDED ? VN_CROP_CEIL
                                    : t->variant == CROP_PIL  ? VN_CROP_ROUND
                                                              : VN_CROP_FLOOR;
    TRY(vn_center_crop(&q, a, &p, w, h, r, t->variant == CROP_PIL, e));
    vn_origin_cropped(from, vn_crop_begin(p.w, w, r), vn_crop_begin(p.h, h, r));
    return typed(out, a, &q, t->variant == CROP_CENTER ? arg[1].word : "", e);
}

static int resize_by(struct vn_picture *q, struct vn_arena *a, const struct vn_picture *p,
                     const char *library, const char *interpolation, int w, int h, struct vn_origin *from,
                     struct vn_err *e)
{
    const struct vn_resize_rule *r;
    vn_origin_resized(from, p->w, p->h, w, h);
    TRY(vn_resize_find(&r, library, interpolation, -1, !strcmp(library, "pillow") ? "12.2" : NULL, e));
    return vn_resize(q, a, p, r, w, h, e);
}

static int resize_rule_size(struct vn_picture *q, struct vn_arena *a, const struct vn_picture *p,
                            const char *rule, const int *size, int n, const char *interpolation,
                            struct vn_origin *from, struct vn_err *e)
{
    int w, h;
    TRY(vn_size_apply(&w, &h, vn_size_rule_find(rule), p->w, p->h, size, n, e));
    return resize_by(q, a, p, "opencv", interpolation, w, h, from, e);
}

/* mode skimage: order `method`, values back to the scale of the input; mode opencv: `interpolation`, linear
 * where it is empty. */
TRANSFORM(resize)
{
    struct vn_picture p, q;
    const int skimage = is(&arg[1], "skimage"), h = whole(&arg[0], 0), w = whole(&arg[0], 1);
    const char *word = arg[4].word;
    TRY(to_picture(&p, a, in, 1, t, e));
    if (skimage) {
        char order[16];
        snprintf(order, sizeof order, "order%d", whole(&arg[2], 0));
        TRY(vn_picture_cast(&p, a, &p, VN_PIXEL_F32, e));
        TRY(resize_by(&q, a, &p, "skimage", order, w, h, from, e));
    } else
        TRY(resize_by(&q, a, &p, "opencv", *word ? word : "linear", w, h, from, e));
    return typed(out, a, &q, arg[3].word, e);
}

TRANSFORM(pil_resize)
{
    struct vn_picture p, q;
    char word[32];
    size_t n = 0;
    TRY(to_picture(&p, a, in, 1, t, e));
    for (const char *s = arg[1].word; *s && n + 1 < sizeof word; s++)
        word[n++] = (char)(*s >= 'A' && *s <= 'Z' ? *s + 32 : *s);
    word[n] = 0;
    TRY(resize_by(&q, a, &p, "pillow", word, whole(&arg[0], 1), whole(&arg[0], 0), from, e));
    return typed(out, a, &q, "", e);
}

TRANSFORM(pad_resize)
{
    struct vn_picture p, q;
    const int size[2] = { whole(&arg[0], 1), whole(&arg[0], 0) };
    const double v[VN_MAX_CHANNELS] = { arg[1].v[0], arg[1].v[0], arg[1].v[0], arg[1].v[0] };
    TRY(to_picture(&p, a, in, 1, t, e));
    TRY(resize_rule_size(&q, a, &p, "fit", size, 2, "linear", from, e));
    const enum vn_pad_position where = is(&arg[2], "boundary") ? VN_PAD_CENTER : VN_PAD_TOP_LEFT;
    vn_origin_cropped(from, -vn_pad_before(size[0] - q.w, where), -vn_pad_before(size[1] - q.h, where));
    TRY(vn_pad_to(&q, a, &q, size[0], size[1], where, v, e));
    return typed(out, a, &q, "", e);
}

TRANSFORM(short_side)
{
    struct vn_picture p, q;
    const int size[2] = { whole(&arg[0], 0), t->variant ? whole(&arg[1], 0) : 0 };
    TRY(to_picture(&p, a, in, 1, t, e));
    TRY(resize_rule_size(&q, a, &p, t->variant ? "short_long" : "short_side", size, t->variant ? 2 : 1,
                         "linear", from, e));
    return typed(out, a, &q, "", e);
}

static int up_to(int x, int least, int divisor)
{
    x = x > least ? x : least;
    return (x + divisor - 1) / divisor * divisor;
}

TRANSFORM(pad)
{
    struct vn_picture p, q;
    const double black[VN_MAX_CHANNELS] = { 0 };
    const int d = whole(&arg[0], 0), least = whole(&arg[1], 0);
    TRY(to_picture(&p, a, in, 1, t, e));
    if (d < 1 || d > 65536 || least > 65536 || p.w > 1 << 26 || p.h > 1 << 26)
        return vn_fail(e, VN_E_INPUT, "%s: size_divisor %d, target_size %d: expected 1 to 65536", t->name, d,
                       least);
    TRY(vn_pad_to(&q, a, &p, up_to(p.w, least, d), up_to(p.h, least, d), VN_PAD_TOP_LEFT, black, e));
    return typed(out, a, &q, "", e);
}

/* The centre stays; `scale` source pixels of the longer side become the target's longer side. */
TRANSFORM(warp)
{
    struct vn_picture p, q;
    const double black[VN_MAX_CHANNELS] = { 0 };
    const int last = arg[0].n - 1, h = whole(&arg[0], last - 1), w = whole(&arg[0], last);
    TRY(to_picture(&p, a, in, 1, t, e));
    const double side = arg[1].v[0] * (p.w > p.h ? p.w : p.h), s = w / side;
    const double m[6] = { s, 0, w * 0.5 - s * p.w * 0.5, 0, s, h * 0.5 - s * p.h * 0.5 };
    TRY(vn_picture_cast(&p, a, &p, VN_PIXEL_U8, e));
    TRY(vn_warp_affine(&q, a, &p, m, w, h, 0, black, "4.10", e));
    vn_origin_warped(from, m, 0);
    return typed(out, a, &q, "", e);
}

/* ---- colours; uint8 ---- */

enum { SWAP = 1, GRAY = 2, YUV = 4, BGR = 8, MINUS_128 = 16, VIDEO = 32, FIRST = 64, NV12 = 128 };

static int recolour(struct vn_picture *p, struct vn_arena *a, int what, struct vn_err *e)
{
    const struct vn_yuv_format f = { .range = what & VIDEO ? VN_YUV_VIDEO : VN_YUV_FULL };
    if (what & FIRST)
        return vn_first_channel(p, a, p, e);
    if (what & SWAP)
        return vn_swap_channels(p, a, p, e);
    TRY(vn_picture_cast(p, a, p, VN_PIXEL_U8, e));
    if (what & GRAY)
        return vn_gray(p, a, p, VN_LIB_OPENCV, !!(what & BGR), e);
    if (what & BGR)
        TRY(vn_swap_channels(p, a, p, e));
    return what & YUV ? vn_rgb_to_yuv444(p, a, p, &f, e) : VN_OK;
}

TRANSFORM(colour)
{
    struct vn_picture p;
    const int last = is(&arg[0], "HWC"), minus = !!(t->variant & MINUS_128);
    TRY(to_picture(&p, a, in, last, t, e));
    if (recolour(&p, a, t->variant, e) < 0)
        return vn_fail_at(e, "%s", t->name);
    return from_picture(out, a, &p, last, minus ? VN_I8 : dtype_of(&p), minus, e);
}

/* color_sequence: the order of R, G, B in the data. */
TRANSFORM(yuv)
{
    struct vn_picture p;
    TRY(to_picture(&p, a, in, 1, t, e));
    TRY(recolour(&p, a, YUV | (is(&arg[0], "BGR") ? BGR : 0), e));
    return typed(out, a, &p, "", e);
}

/* To the planes of NV12: H * 3 / 2 rows of W. rgb_calc: BT.601 full range, chroma the mean of four; opencv:
 * its I420, interleaved. */
TRANSFORM(nv12)
{
    struct vn_picture p, q;
    const int opencv = is(&arg[1], "opencv");
    const struct vn_yuv_format f = { .rule = opencv ? VN_YUV_OPENCV : VN_YUV_EXACT,
                                     .range = opencv ? VN_YUV_VIDEO : VN_YUV_FULL,
                                     .down = opencv ? VN_DOWN_CORNER : VN_DOWN_MEAN };
    TRY(to_picture(&p, a, in, is(&arg[0], "HWC"), t, e));
    TRY(recolour(&p, a, t->variant & BGR, e));
    TRY(vn_rgb_to_planes(&q, a, &p, VN_NV12, &f, e));
    return from_picture(out, a, &q, 1, VN_U8, 0, e);
}

/* target_size (H, W) of planes given in any shape. */
TRANSFORM(from_nv12)
{
    struct vn_picture p, q;
    const int h = whole(&arg[0], 0), w = whole(&arg[0], 1);
    char text[VN_SHAPE_TEXT];
    TRY(vn_picture_check_size(w, h, t->name, e));
    if (h % 2 || w % 2 || vn_shape_count(&in->shape) != (int64_t)h / 2 * 3 * w)
        return vn_fail(e, VN_E_INPUT, "%s: array of shape %s; expected %d values for target_size %d x %d",
                       t->name, vn_shape_text(&in->shape, text), h / 2 * 3 * w, h, w);
    TRY(vn_picture_new(&p, a, w, h / 2 * 3, 1, VN_PIXEL_U8, e));
    for (size_t i = 0, n = vn_picture_values(&p); i < n; i++)
        p.data[i] = (uint8_t)vn_tensor_i64(in, (int64_t)i);
    TRY(vn_yuv_unpack(&q, a, &p, VN_NV12, VN_UP_REPEAT, e));
    return from_picture(out, a, &q, is(&arg[1], "HWC"), VN_U8, 0, e);
}

/* ---- the table ---- */

#define FORMAT_ARG \
    { \
        { \
            "data_format", VN_ARG_WORD, "CHW", "CHW|HWC" \
        } \
    }
#define COLOUR(name, what) \
    { \
        name, FORMAT_ARG, colour, what \
    }
#define NV12_ARGS \
    { \
        { "data_format", VN_ARG_WORD, "CHW", "CHW|HWC" }, \
        { \
            "cvt_mode", VN_ARG_WORD, "rgb_calc", "rgb_calc|opencv" \
        } \
    }

static const struct vn_transform transforms[] = {
    { "AddTransformer", { { "value", VN_ARG_FLOAT } }, arithmetic, ADD },
    { "MeanTransformer",
      { { "means", VN_ARG_LIST }, { "data_format", VN_ARG_WORD, "CHW", "CHW|HWC" } },
      arithmetic,
      MEAN },
    { "ScaleTransformer", { { "scale_value", VN_ARG_FLOAT } }, arithmetic, SCALE },
    { "NormalizeTransformer", { { "std", VN_ARG_LIST } }, arithmetic, NORMALIZE },
    { "TransposeTransformer", { { "order", VN_ARG_LIST } }, transpose, BY_ORDER },
    { "HWC2CHW", { { NULL } }, transpose, TO_CHW },
    { "CHW2HWC", { { NULL } }, transpose, TO_HWC },
    { "CenterCropTransformer",
      { { "crop_size", VN_ARG_LIST }, { "data_type", VN_ARG_WORD, "float", "float|uint8" } },
      crop,
      CROP_CENTER },
    { "PILCenterCrop", { { "size", VN_ARG_LIST } }, crop, CROP_PIL },
    { "LongSideCrop", { { NULL } }, crop, CROP_LONG_SIDE },
    { "PaddedCenterCrop",
      { { "image_size", VN_ARG_INT, "224" }, { "crop_pad", VN_ARG_INT, "32" } },
      crop,
      CROP_PADDED },
    { "PadResizeTransformer",
      { { "target_size", VN_ARG_LIST },
        { "pad_value", VN_ARG_FLOAT, "127" },
        { "pad_position", VN_ARG_WORD, "boundary", "boundary|bottom_right" } },
      pad_resize },
    { "ResizeTransformer",
      { { "target_size", VN_ARG_LIST },
        { "mode", VN_ARG_WORD, "skimage", "skimage|opencv" },
        { "method", VN_ARG_INT, "1" },
        { "data_type", VN_ARG_WORD, "float", "float|uint8" },
        { "interpolation", VN_ARG_WORD, "" } },
      resize },
    { "PILResize", { { "size", VN_ARG_LIST }, { "interpolation", VN_ARG_WORD, "BILINEAR" } }, pil_resize },
    { "ShortLongResize",
      { { "short_size", VN_ARG_INT },
        { "long_size", VN_ARG_INT },
        { "include_im", VN_ARG_WORD, "True", "True|False" } },
      short_side,
      1 },
    { "PadTransformer",
      { { "size_divisor", VN_ARG_INT, "128" }, { "target_size", VN_ARG_INT, "512" } },
      pad },
    { "ShortSideResizeTransformer", { { "short_size", VN_ARG_INT } }, short_side, 0 },
    COLOUR("BGR2RGB", SWAP),
    COLOUR("RGB2BGR", SWAP),
    COLOUR("RGB2GRAY", GRAY),
    COLOUR("BGR2GRAY", GRAY | BGR),
    COLOUR("RGB2GRAY_128", GRAY | MINUS_128),
    COLOUR("BGR2GRAY_128", GRAY | BGR | MINUS_128),
    COLOUR("RGB2RGB_128", MINUS_128),
    COLOUR("BGR2BGR_128", MINUS_128),
    COLOUR("RGB2YUV444", YUV),
    COLOUR("BGR2YUV444", YUV | BGR),
    COLOUR("RGB2YUV444_128", YUV | MINUS_128),
    COLOUR("BGR2YUV444_128", YUV | BGR | MINUS_128),
    COLOUR("RGB2YUVBT601VIDEO", YUV | VIDEO),
    COLOUR("BGR2YUVBT601VIDEO", YUV | BGR | VIDEO),
    COLOUR("RGB2YUVBT601VIDEO_128", YUV | VIDEO | MINUS_128),
    COLOUR("BGR2YUVBT601VIDEO_128", YUV | BGR | VIDEO | MINUS_128),
    COLOUR("ReduceChannel", FIRST),
    { "YUVTransformer", { { "color_sequence", VN_ARG_WORD, NULL, "RGB|BGR" } }, yuv },
    { "RGB2NV12", NV12_ARGS, nv12, 0 },
    { "BGR2NV12", NV12_ARGS, nv12, BGR },
    { "NV12ToYUV444",
      { { "target_size", VN_ARG_LIST }, { "yuv444_output_layout", VN_ARG_WORD, "HWC", "HWC|CHW" } },
      from_nv12 },
    { "WarpAffine", { { "input_shape", VN_ARG_LIST }, { "scale", VN_ARG_FLOAT } }, warp },
    { "F32ToS8", { { NULL } }, cast, VN_I8 },
    { "F32ToU8", { { NULL } }, cast, VN_U8 },
};
#define N_TRANSFORMS ((int)(sizeof transforms / sizeof *transforms))

const struct vn_transform *vn_transforms(int *n)
{
    *n = N_TRANSFORMS;
    return transforms;
}

/* With or without "Transformer" behind it. */
static size_t stem(const char *name)
{
    static const char tail[] = "Transformer";
    const size_t n = strlen(name), m = sizeof tail - 1;
    return n > m && !strcmp(name + n - m, tail) ? n - m : n;
}

const struct vn_transform *vn_transform_find(const char *name)
{
    const size_t n = stem(name);
    for (int i = 0; i < N_TRANSFORMS; i++)
        if (stem(transforms[i].name) == n && !strncmp(transforms[i].name, name, n))
            return &transforms[i];
    return NULL;
}

/* ---- "Name(first, key=value, key=(1, 2))" ---- */

static int parse_value(struct vn_arg_value *v, struct vn_arena *a, const struct vn_transform_arg *spec,
                       const char *text, const char *name, struct vn_err *e)
{
    *v = (struct vn_arg_value){ .word = vn_arena_str(a, text) };
    if (spec->kind == VN_ARG_WORD) {
        const size_t n = strlen(text);
        const char *w = spec->words ? spec->words : "";
        for (; *w && (strncmp(w, text, n) || (w[n] && w[n] != '|')); w += *w == '|')
            w += strcspn(w, "|");
        return !spec->words || *w ? VN_OK
                                  : vn_fail(e, VN_E_INPUT, "%s: %s is '%s'; expected %s", name, spec->name,
                                            text, spec->words);
    }
    for (const char *p = text + strspn(text, "([ "); *p; p += strspn(p, ",)] ")) {
        char *end;
        const double x = strtod(p, &end);
        if (end == p || !isfinite(x) || fabs(x) > 1e9 || v->n == 4)
            return vn_fail(e, VN_E_INPUT, "%s: %s is '%s'; expected %s", name, spec->name, text,
                           spec->kind == VN_ARG_LIST ? "1 to 4 numbers" : "a number");
        v->v[v->n++] = x;
        p = end;
    }
    if (!v->n || (v->n > 1 && spec->kind != VN_ARG_LIST))
        return vn_fail(e, VN_E_INPUT, "%s: %s is '%s'; expected %s", name, spec->name, text,
                       spec->kind == VN_ARG_LIST ? "1 to 4 numbers" : "one number");
    return VN_OK;
}

/* Cuts the next argument off: up to a comma outside of brackets. */
static char *next_argument(char **rest)
{
    char *p = *rest + strspn(*rest, " ,"), *from = p;
    int depth = 0;
    for (; *p && (depth || *p != ','); p++)
        depth += *p == '(' || *p == '[' ? 1 : *p == ')' || *p == ']' ? -1 : 0;
    *rest = *p ? p + 1 : p;
    *p = 0;
    while (p > from && (p[-1] == ' ' || p[-1] == ','))
        *--p = 0;
    return *from ? from : NULL;
}

static void unquote(char **text)
{
    size_t n = strlen(*text);
    if (n >= 2 && ((*text)[0] == '\'' || (*text)[0] == '"') && (*text)[n - 1] == (*text)[0]) {
        (*text)[n - 1] = 0;
        (*text)++;
    }
}

static int set_argument(const struct vn_transform *t, struct vn_arg_value *arg, unsigned *given,
                        struct vn_arena *a, char *text, int place, struct vn_err *e)
{
    char *eq = strchr(text, '='), *value = text;
    int i = place;
    if (eq) {
        const size_t n = strcspn(text, " =");
        value = eq + 1 + strspn(eq + 1, " ");
        for (i = 0; t->args[i].name && (strlen(t->args[i].name) != n || strncmp(t->args[i].name, text, n));
             i++)
            ;
    }
    if (i >= VN_TRANSFORM_ARGS || !t->args[i].name)
        return vn_fail(e, VN_E_INPUT, "%s: unknown argument '%s'", t->name, text);
    unquote(&value);
    *given |= 1u << i;
    return parse_value(&arg[i], a, &t->args[i], value, t->name, e);
}

int vn_transform_parse(const struct vn_transform **out, struct vn_arg_value arg[VN_TRANSFORM_ARGS],
                       struct vn_arena *a, const char *text, struct vn_err *e)
{
    char *name = vn_arena_str(a, text + strspn(text, " ")), *rest = name + strcspn(name, " (");
    unsigned given = 0;
    char *open = rest + strspn(rest, " "), *close = strrchr(open, ')');
    if (*open && (*open != '(' || !close || close[1 + strspn(close + 1, " ")]))
        return vn_fail(e, VN_E_INPUT, "transformer '%s': expected NAME(ARGUMENTS)", text);
    if (close)
        *close = 0;
    const int has = *open == '(';
    *rest = 0;
    const struct vn_transform *t = vn_transform_find(name);
    if (!t)
        return vn_fail(e, VN_E_INPUT, "unknown transformer '%s'", name);
    rest = open + has;
    for (int place = 0; has; place++) {
        char *one = next_argument(&rest);
        if (!one)
            break;
        TRY(set_argument(t, arg, &given, a, one, place, e));
    }
    for (int i = 0; t->args[i].name; i++)
        if (!(given >> i & 1)) {
            if (!t->args[i].preset)
                return vn_fail(e, VN_E_INPUT, "%s: argument %s is missing", t->name, t->args[i].name);
            TRY(parse_value(&arg[i], a, &t->args[i], t->args[i].preset, t->name, e));
        }
    *out = t;
    return VN_OK;
}
