/* The steps of a pipeline: one table row each. */
#include "image/steps.h"

#include <math.h>
#include <stdio.h>

#include "image/image.h"

#define STEP(name) \
    static int name(struct vn_frame *f, struct vn_arena *a, const struct vn_pipe_step *s, struct vn_err *e)
#define MAX_SIDE 16384

/* ---- frames ---- */

static const char *const colour_names[VN_COLOURS] = {
    [VN_COLOURS_RGB] = "rgb",       [VN_COLOURS_BGR] = "bgr",       [VN_COLOURS_GRAY] = "gray",
    [VN_COLOURS_YUV444] = "yuv444", [VN_COLOURS_PLANES] = "planes",
};

const char *vn_colours_word(enum vn_colours c) { return colour_names[c]; }

struct vn_tensor *vn_frame_tensor(const struct vn_frame *f, struct vn_arena *a)
{
    static const enum vn_dtype types[] = {
        [VN_PIXEL_U8] = VN_U8, [VN_PIXEL_U16] = VN_U16, [VN_PIXEL_F32] = VN_F32
    };
    if (f->t)
        return f->t;
    struct vn_tensor *t = NEW(a, struct vn_tensor);
    *t = (struct vn_tensor){ types[f->p.type],
                             vn_shape_of(f->p.c == 1 ? 2 : 3, (const int64_t[]){ f->p.h, f->p.w, f->p.c }),
                             f->p.data };
    return t;
}

int vn_frame_from_tensor(struct vn_frame *f, struct vn_arena *a, struct vn_tensor *t, struct vn_err *e)
{
    const int batch = t->shape.rank == 4;
    const int64_t *d = t->shape.d + batch;
    (void)e;
    *f = (struct vn_frame){ .t = t };
    if (t->shape.rank < 2 || t->shape.rank > 4 || (batch && t->shape.d[0] != 1))
        return VN_OK;
    const int flat = t->shape.rank == 2, last = flat || (d[2] <= VN_MAX_CHANNELS && d[0] > VN_MAX_CHANNELS),
              first = !flat && d[0] <= VN_MAX_CHANNELS;
    f->channels_first = !last && first;
    if ((t->dtype == VN_U8 || t->dtype == VN_U16 || t->dtype == VN_F32) && last && !batch && !flat) {
        TRY(vn_picture_from_tensor(&f->p, a, t, 1, e));
        f->t = NULL;
    }
    return VN_OK;
}

/* Steps that work on images. */
static int to_picture(struct vn_frame *f, struct vn_arena *a, struct vn_err *e)
{
    if (!f->t)
        return VN_OK;
    TRY(vn_picture_from_tensor(&f->p, a, f->t, !f->channels_first, e));
    f->t = NULL;
    f->channels_first = 0;
    return VN_OK;
}

/* ---- values ---- */

static int whole(const struct vn_pipe_step *s, int i, int k) { return (int)s->value[i].v[k]; }
static const char *word(const struct vn_pipe_step *s, int i) { return s->value[i].word; }
static int is(const struct vn_pipe_step *s, int i, const char *w) { return !strcmp(s->value[i].word, w); }
static int flag(const struct vn_pipe_step *s, int i) { return s->value[i].v[0] != 0; }

/* The word's place in the table's list. */
static int which(const struct vn_pipe_step *s, int i)
{
    const char *w = word(s, i), *p = s->kind->params[i].words;
    const size_t n = strlen(w);
    int k = 0;
    for (; strcspn(p, "|") != n || strncmp(p, w, n); k++)
        p += strcspn(p, "|") + 1;
    return k;
}

/* One value for each channel; a single one is for all. */
static void per_channel(double out[VN_MAX_CHANNELS], const struct vn_step_value *v)
{
    for (int i = 0; i < VN_MAX_CHANNELS; i++)
        out[i] = v->n ? v->v[i < v->n ? i : v->n == 1 ? 0 : v->n - 1] : 0;
}

/* ---- resize ---- */

enum { SIZE, RULE, LIBRARY, INTERPOLATION, ANTIALIAS, VERSION, MULTIPLE, ROUNDING, RESIZE_END };

#define SIZES \
    "exact|short_side|short_side_round|short_side_ceil|long_side|long_side_round|long_side_ceil|short_long|" \
    "short_long_yolos|fit|" \
    "fit_round|fit_half_up|cover|cover_round|scale|least_scale|each_scale|thumbnail"
#define RESIZE_PARAMS(rule, preset) \
    { "size", \
      VN_PARAM_INT, \
      preset, \
      NULL, \
      1, \
      MAX_SIDE, \
      1, \
      2, \
      "one or two numbers, as the size rule requires; width before height" }, \
        { "rule", VN_PARAM_WORD, rule, SIZES, 0, 0, 0, 0, "how the target size is computed" }, \
        { "library", \
          VN_PARAM_WORD, \
          "pillow", \
          "opencv|pillow|skimage|torchvision", \
          0, \
          0, \
          0, \
          0, \
          "library whose resize is used (torchvision: on tensors)" }, \
        { "interpolation", \
          VN_PARAM_TEXT, \
          "", \
          NULL, \
          0, \
          0, \
          0, \
          0, \
          "name in the library; default: linear, bilinear, order1" }, \
        { "antialias", \
          VN_PARAM_WORD, \
          "default", \
          "default|on|off", \
          0, \
          0, \
          0, \
          0, \
          "if the library offers the choice" }, \
        { "version", \
          VN_PARAM_TEXT, \
          "", \
          NULL, \
          0, \
          0, \
          0, \
          0, \
          "of the library; default: Pillow 12.2, others the newest supported" }, \
        { "multiple", VN_PARAM_INT, "1", NULL, 1, MAX_SIDE, 1, 1, "round both sides to a multiple" }, \
    { \
        "rounding", VN_PARAM_WORD, "floor", "round|floor|ceil", 0, 0, 0, 0, "rounding to the multiple" \
    }

static const struct vn_step_param resize_params[] = { RESIZE_PARAMS("exact", NULL), { 0 } };
static const struct vn_step_param short_side_params[] = { RESIZE_PARAMS("short_side", NULL), { 0 } };

static int resize_rule(const struct vn_resize_rule **r, const struct vn_pipe_step *s, struct vn_err *e)
{
    static const char *const linear[VN_LIBS] = {
        [VN_LIB_OPENCV] = "linear",
        [VN_LIB_PILLOW] = "bilinear",
        [VN_LIB_SKIMAGE] = "order1",
        [VN_LIB_TORCHVISION] = "bilinear",
    };
    const char *interpolation = word(s, INTERPOLATION), *version = word(s, VERSION);
    if (!*interpolation)
        interpolation = linear[vn_library_find(word(s, LIBRARY))];
    if (!*version)
        version = is(s, LIBRARY, "pillow") ? "12.2" : NULL;
    return vn_resize_find(r, word(s, LIBRARY), interpolation,
                          is(s, ANTIALIAS, "default") ? -1 : is(s, ANTIALIAS, "on"), version, e);
}

static int resize_to(struct vn_frame *f, struct vn_arena *a, const struct vn_pipe_step *s, int w, int h,
                     struct vn_err *e)
{
    const struct vn_resize_rule *r;
    TRY(resize_rule(&r, s, e));
    vn_origin_resized(&f->from, f->p.w, f->p.h, w, h);
    return vn_resize(&f->p, a, &f->p, r, w, h, e);
}

STEP(resize)
{
    int w, h, arg[2] = { whole(s, SIZE, 0), whole(s, SIZE, 1) };
    TRY(to_picture(f, a, e));
    TRY(vn_size_multiple(&w, &h, vn_size_rule_find(word(s, RULE)), f->p.w, f->p.h, arg, s->value[SIZE].n,
                         whole(s, MULTIPLE, 0),
                         (enum vn_crop_rounding)vn_crop_rounding_find(word(s, ROUNDING)), e));
    return resize_to(f, a, s, w, h, e);
}

/* ---- decode, colours ---- */

/* The words of orientation, dct, upsampling are in the order of their enums. */
enum {
    DECODE_LIBRARY,
    DECODE_ORDER,
    DECODE_ORIENTATION,
    DECODE_DCT,
    DECODE_UPSAMPLING,
    DECODE_REDUCE,
    DECODE_DRAFT
};
static const struct vn_step_param decode_params[] = {
    { "library", VN_PARAM_WORD, "pillow", "opencv|pillow|skimage", 0, 0, 0, 0,
      "library whose decoder is used" },
    { "order", VN_PARAM_WORD, "library", "library|rgb|bgr|gray", 0, 0, 0, 0,
      "channel order; library: bgr for OpenCV, rgb for the others" },
    { "orientation", VN_PARAM_WORD, "library", "library|keep|apply", 0, 0, 0, 0,
      "EXIF orientation; library: OpenCV applies it, the others do not" },
    { "dct", VN_PARAM_WORD, "library", "library|islow|ifast|float", 0, 0, 0, 0,
      "of JPEG; library: islow; TensorFlow's default is ifast" },
    { "upsampling", VN_PARAM_WORD, "library", "library|fancy|simple", 0, 0, 0, 0,
      "of JPEG chroma; library: fancy" },
    { "reduce", VN_PARAM_WORD, "1", "1|2|4|8", 0, 0, 0, 0,
      "divides the sides of a JPEG, rounding up; other formats: OpenCV only, rounding down: "
      "cv2.IMREAD_REDUCED_*" },
    { "draft", VN_PARAM_INT, "", NULL, 1, MAX_SIDE, 1, 2,
      "in place of reduce: the largest reduction that keeps at least this width and height: Pillow's "
      "Image.draft" },
    { 0 }
};

/* Done by vn_pipeline_file; in the midst of a pipeline there is nothing to decode. */
STEP(decode)
{
    (void)f;
    (void)a;
    return vn_fail(e, VN_E_INPUT, "step %s: must be the first step", s->kind->name);
}

static int decode_options(struct vn_decode_options *o, const struct vn_pipe_step *s, struct vn_err *e)
{
    const struct vn_step_value *draft = &s->value[DECODE_DRAFT];
    if (draft->given && which(s, DECODE_REDUCE))
        return vn_fail(e, VN_E_INPUT, "step decode: expected one of reduce and draft, got both");
    o->library = (enum vn_image_library)vn_library_find(word(s, DECODE_LIBRARY));
    o->orientation = (enum vn_orientation)which(s, DECODE_ORIENTATION);
    o->bgr = is(s, DECODE_ORDER, "library") ? o->library == VN_LIB_OPENCV : is(s, DECODE_ORDER, "bgr");
    o->channels = is(s, DECODE_ORDER, "gray") ? 1 : 3;
    o->dct = (enum vn_jpeg_dct)which(s, DECODE_DCT);
    o->upsampling = (enum vn_upsampling)which(s, DECODE_UPSAMPLING);
    o->reduce = 1 << which(s, DECODE_REDUCE);
    for (int i = 0; i < 2 && draft->n; i++)
        o->draft[i] = (int)draft->v[i % draft->n];
    return VN_OK;
}

static int read_file(struct vn_frame *f, struct vn_arena *a, const struct vn_pipe_step *s, const char *path,
                     struct vn_err *e)
{
    struct vn_decode_options o = vn_decode_defaults();
    *f = (struct vn_frame){ .colours = VN_COLOURS_RGB };
    struct vn_decode_report file;
    if (s)
        TRY(decode_options(&o, s, e));
    o.report = &file;
    TRY(vn_decode_file(&f->p, a, path, &o, e));
    f->from = vn_origin_of_file(file.w, file.h, file.orientation);
    vn_origin_resized(&f->from, file.w, file.h, f->p.w, f->p.h);
    f->colours = f->p.c == 1 ? VN_COLOURS_GRAY : o.bgr ? VN_COLOURS_BGR : VN_COLOURS_RGB;
    return VN_OK;
}

static const struct vn_step_param colour_params[] = { { "to", VN_PARAM_WORD, NULL, "rgb|bgr|gray", 0, 0, 0, 0,
                                                        "no effect if the image is in this order already" },
                                                      { "library", VN_PARAM_WORD, "opencv",
                                                        "opencv|pillow|skimage|torchvision", 0, 0, 0, 0,
                                                        "library whose gray rule is used" },
                                                      { 0 } };

STEP(colour)
{
    const int to = vn_image_word(colour_names, VN_COLOURS, word(s, 0));
    TRY(to_picture(f, a, e));
    if ((int)f->colours == to)
        return VN_OK;
    if (f->colours > VN_COLOURS_GRAY)
        return vn_fail(e, VN_E_INPUT, "step colour: from %s; expected rgb, bgr or gray",
                       colour_names[f->colours]);
    if (f->colours == VN_COLOURS_GRAY)
        TRY(vn_three_channels(&f->p, a, &f->p, e));
    else if (to == VN_COLOURS_GRAY)
        TRY(vn_gray(&f->p, a, &f->p, (enum vn_image_library)vn_library_find(word(s, 1)),
                    f->colours == VN_COLOURS_BGR, e));
    else
        TRY(vn_swap_channels(&f->p, a, &f->p, e));
    f->colours = (enum vn_colours)to;
    return VN_OK;
}

static const struct vn_step_param no_params[] = { { 0 } };

STEP(swap)
{
    (void)s;
    TRY(to_picture(f, a, e));
    TRY(vn_swap_channels(&f->p, a, &f->p, e));
    f->colours = f->colours == VN_COLOURS_RGB   ? VN_COLOURS_BGR
                 : f->colours == VN_COLOURS_BGR ? VN_COLOURS_RGB
                                                : f->colours;
    return VN_OK;
}

enum { YUV_TO, YUV_LAYOUT, YUV_RULE, YUV_RANGE, YUV_DOWN, YUV_UP };
static const struct vn_step_param yuv_params[] = {
    { "to", VN_PARAM_WORD, "yuv444", "yuv444|rgb|planes", 0, 0, 0, 0,
      "result: Y, U, V for each pixel, colours again, or the planes" },
    { "layout", VN_PARAM_WORD, "nv12", "yuv444|nv12|nv21|i420|yv12", 0, 0, 0, 0,
      "intermediate layout; all but yuv444 are 4:2:0" },
    { "rule", VN_PARAM_WORD, "exact", "exact|opencv", 0, 0, 0, 0,
      "BT.601 rounded once, or OpenCV's fixed point" },
    { "range", VN_PARAM_WORD, "full", "full|video", 0, 0, 0, 0, "0..255, or 16..235" },
    { "down", VN_PARAM_WORD, "mean", "mean|mean_rgb|left|corner", 0, 0, 0, 0,
      "how the chroma of four pixels is reduced to one value" },
    { "up", VN_PARAM_WORD, "repeat", "repeat|linear|left", 0, 0, 0, 0, "how it is expanded to four pixels" },
    { 0 }
};

STEP(yuv)
{
    const struct vn_yuv_format y = { .rule = is(s, YUV_RULE, "opencv") ? VN_YUV_OPENCV : VN_YUV_EXACT,
                                     .range = is(s, YUV_RANGE, "video") ? VN_YUV_VIDEO : VN_YUV_FULL,
                                     .down = (enum vn_chroma_down)vn_chroma_down_find(word(s, YUV_DOWN)),
                                     .up = (enum vn_chroma_up)vn_chroma_up_find(word(s, YUV_UP)) };
    const enum vn_yuv_layout l = (enum vn_yuv_layout)vn_yuv_layout_find(word(s, YUV_LAYOUT));
    TRY(to_picture(f, a, e));
    if (f->colours > VN_COLOURS_BGR || f->p.c != 3)
        return vn_fail(e, VN_E_INPUT, "step yuv: from %s of %d channels; expected rgb or bgr",
                       colour_names[f->colours], f->p.c);
    if (f->colours == VN_COLOURS_BGR)
        TRY(vn_swap_channels(&f->p, a, &f->p, e));
    TRY(vn_picture_cast(&f->p, a, &f->p, VN_PIXEL_U8, e));
    if (is(s, YUV_TO, "yuv444") && l == VN_YUV444) {
        f->colours = VN_COLOURS_YUV444;
        return vn_rgb_to_yuv444(&f->p, a, &f->p, &y, e);
    }
    TRY(vn_rgb_to_planes(&f->p, a, &f->p, l, &y, e));
    f->colours = is(s, YUV_TO, "planes") ? VN_COLOURS_PLANES
                 : is(s, YUV_TO, "rgb")  ? VN_COLOURS_RGB
                                         : VN_COLOURS_YUV444;
    return f->colours == VN_COLOURS_PLANES ? VN_OK
           : f->colours == VN_COLOURS_RGB  ? vn_planes_to_rgb(&f->p, a, &f->p, l, &y, e)
                                           : vn_yuv_unpack(&f->p, a, &f->p, l, y.up, e);
}

/* ---- geometry ---- */

static const struct vn_step_param center_crop_params[] = {
    { "size", VN_PARAM_INT, NULL, NULL, 1, MAX_SIDE, 1, 2, "one number for a square, or width and height" },
    { "rounding", VN_PARAM_WORD, "round", "round|floor|ceil", 0, 0, 0, 0,
      "of the offset: torchvision uses round, Hugging Face floor" },
    { "pad", VN_PARAM_BOOL, "false", NULL, 0, 0, 0, 0,
      "smaller images get a black border; with rounding floor, its larger half is leading" },
    { 0 }
};

STEP(center_crop)
{
    const int w = whole(s, 0, 0), h = s->value[0].n == 2 ? whole(s, 0, 1) : w;
    const enum vn_crop_rounding r = (enum vn_crop_rounding)vn_crop_rounding_find(word(s, 1));
    TRY(to_picture(f, a, e));
    vn_origin_cropped(&f->from, vn_crop_begin(f->p.w, w, r), vn_crop_begin(f->p.h, h, r));
    return vn_center_crop(&f->p, a, &f->p, w, h, r, flag(s, 2), e);
}

static const struct vn_step_param crop_params[] = {
    { "box", VN_PARAM_INT, NULL, NULL, 0, 1 << 20, 4, 4, "x, y, width, height" }, { 0 }
};

STEP(crop)
{
    TRY(to_picture(f, a, e));
    vn_origin_cropped(&f->from, whole(s, 0, 0), whole(s, 0, 1));
    return vn_crop(&f->p, a, &f->p, whole(s, 0, 0), whole(s, 0, 1), whole(s, 0, 2), whole(s, 0, 3), e);
}

#define VALUE_PARAM(preset) \
    { \
        "value", VN_PARAM_REAL, preset, NULL, -65536, 65536, 1, 4, "border value, one or one per channel" \
    }
#define POSITION_PARAM \
    { \
        "position", VN_PARAM_WORD, "center", "center|center_round|center_ceil|top_left|bottom_right", 0, 0, \
            0, 0, "position of the image" \
    }

static const struct vn_step_param pad_params[] = { { "border", VN_PARAM_INT, NULL, NULL, 0, MAX_SIDE, 4, 4,
                                                     "left, top, right, bottom" },
                                                   VALUE_PARAM("0"),
                                                   { 0 } };

STEP(pad)
{
    double v[VN_MAX_CHANNELS];
    per_channel(v, &s->value[1]);
    TRY(to_picture(f, a, e));
    vn_origin_cropped(&f->from, -whole(s, 0, 0), -whole(s, 0, 1));
    return vn_pad(&f->p, a, &f->p, whole(s, 0, 0), whole(s, 0, 1), whole(s, 0, 2), whole(s, 0, 3), v, e);
}

static const struct vn_step_param pad_to_params[] = { { "size", VN_PARAM_INT, NULL, NULL, 1, MAX_SIDE, 1, 2,
                                                        "size of the frame" },
                                                      VALUE_PARAM("0"),
                                                      POSITION_PARAM,
                                                      { 0 } };

static int pad_up(struct vn_frame *f, struct vn_arena *a, int w, int h, const char *position,
                  const struct vn_step_value *value, struct vn_err *e)
{
    const enum vn_pad_position where = (enum vn_pad_position)vn_pad_position_find(position);
    double v[VN_MAX_CHANNELS];
    per_channel(v, value);
    vn_origin_cropped(&f->from, -vn_pad_before(w - f->p.w, where), -vn_pad_before(h - f->p.h, where));
    return vn_pad_to(&f->p, a, &f->p, w, h, where, v, e);
}

STEP(pad_to)
{
    TRY(to_picture(f, a, e));
    return pad_up(f, a, whole(s, 0, 0), whole(s, 0, s->value[0].n - 1), word(s, 2), &s->value[1], e);
}

static const struct vn_step_param pad_multiple_params[] = { { "multiple", VN_PARAM_INT, NULL, NULL, 1,
                                                              MAX_SIDE, 1, 1, "of the sides" },
                                                            VALUE_PARAM("0"),
                                                            POSITION_PARAM,
                                                            { 0 } };

static int up_to_multiple(int side, int multiple) { return (side + multiple - 1) / multiple * multiple; }

STEP(pad_multiple)
{
    TRY(to_picture(f, a, e));
    return pad_up(f, a, up_to_multiple(f->p.w, whole(s, 0, 0)), up_to_multiple(f->p.h, whole(s, 0, 0)),
                  word(s, 2), &s->value[1], e);
}

enum { BOX_VALUE = RESIZE_END, BOX_POSITION };
static const struct vn_step_param letterbox_params[] = {
    RESIZE_PARAMS("fit_round", NULL), VALUE_PARAM("114"), POSITION_PARAM, { 0 }
};

STEP(letterbox)
{
    TRY(resize(f, a, s, e));
    return pad_up(f, a, whole(s, SIZE, 0), whole(s, SIZE, s->value[SIZE].n - 1), word(s, BOX_POSITION),
                  &s->value[BOX_VALUE], e);
}

static const struct vn_step_param warp_params[] = {
    { "matrix", VN_PARAM_REAL, NULL, NULL, -1e6, 1e6, 6, 6, "two rows of three" },
    { "size", VN_PARAM_INT, NULL, NULL, 1, MAX_SIDE, 1, 2, "size of the target" },
    { "inverse", VN_PARAM_BOOL, "false", NULL, 0, 0, 0, 0, "the matrix maps target to source" },
    VALUE_PARAM("0"),
    { "version", VN_PARAM_TEXT, "", NULL, 0, 0, 0, 0, "version of OpenCV" },
    { 0 }
};

STEP(warp)
{
    double v[VN_MAX_CHANNELS];
    per_channel(v, &s->value[3]);
    TRY(to_picture(f, a, e));
    vn_origin_warped(&f->from, s->value[0].v, flag(s, 2));
    return vn_warp_affine(&f->p, a, &f->p, s->value[0].v, whole(s, 1, 0), whole(s, 1, s->value[1].n - 1),
                          flag(s, 2), v, *word(s, 4) ? word(s, 4) : NULL, e);
}

static const struct vn_step_param orient_params[] = {
    { "orientation", VN_PARAM_INT, NULL, NULL, 1, 8, 1, 1, "as in EXIF: 6 rotates by 90 degrees" }, { 0 }
};

STEP(orient)
{
    TRY(to_picture(f, a, e));
    vn_origin_turned(&f->from, whole(s, 0, 0), f->p.w, f->p.h);
    return vn_orient(&f->p, a, &f->p, whole(s, 0, 0), e);
}

/* ---- numbers ---- */

enum { DIVIDE, TIMES, MEAN, STD, GAIN };
static const struct vn_step_param normalise_params[] = {
    { "divide", VN_PARAM_REAL, "1", NULL, 1e-9, 1e9, 1, 1, "first: x / divide (255 for ToTensor)" },
    { "times", VN_PARAM_REAL, "1", NULL, -1e9, 1e9, 1, 1, "first: x * times; not with divide" },
    { "mean", VN_PARAM_REAL, "0", NULL, -1e9, 1e9, 1, 4, "then - mean, one or one per channel" },
    { "std", VN_PARAM_REAL, "1", NULL, 1e-9, 1e9, 1, 4, "then / std" },
    { "scale", VN_PARAM_REAL, "1", NULL, -1e9, 1e9, 1, 4, "or * scale; not with std" },
    { 0 }
};

STEP(normalise)
{
    double mean[VN_MAX_CHANNELS], last[VN_MAX_CHANNELS];
    const int divide = s->value[DIVIDE].given, multiply = s->value[GAIN].given;
    if ((divide && s->value[TIMES].given) || (multiply && s->value[STD].given))
        return vn_fail(e, VN_E_INPUT, "step normalise: expected one of %s, got both",
                       divide && s->value[TIMES].given ? "divide and times" : "std and scale");
    struct vn_normalisation n = { .scale = (float)s->value[divide ? DIVIDE : TIMES].v[0],
                                  .divide = divide,
                                  .multiply = multiply };
    per_channel(mean, &s->value[MEAN]);
    per_channel(last, &s->value[multiply ? GAIN : STD]);
    for (int i = 0; i < VN_MAX_CHANNELS; i++) {
        n.mean[i] = (float)mean[i];
        n.std[i] = (float)last[i];
    }
    TRY(to_picture(f, a, e));
    return vn_normalise(&f->p, a, &f->p, &n, e);
}

static const struct vn_step_param layout_params[] = {
    { "to", VN_PARAM_WORD, NULL, "NCHW|NHWC|CHW|HWC", 0, 0, 0, 0, "with N: batch of 1" }, { 0 }
};

STEP(layout)
{
    static const enum vn_dtype types[] = {
        [VN_PIXEL_U8] = VN_U8, [VN_PIXEL_U16] = VN_U16, [VN_PIXEL_F32] = VN_F32
    };
    const char *to = word(s, 0);
    const int batch = *to == 'N', last = to[batch] == 'H';
    TRY(to_picture(f, a, e));
    TRY(vn_picture_tensor(&f->t, a, &f->p, types[f->p.type], last, 0, e));
    f->channels_first = !last;
    if (!batch)
        f->t->shape = vn_shape_of(3, f->t->shape.d + 1);
    return VN_OK;
}

static const struct vn_step_param dtype_params[] = {
    { "to", VN_PARAM_WORD, NULL, "float32|uint8|int8|int16|int32", 0, 0, 0, 0,
      "floats to integers: rounded half to even, saturated" },
    { "minus_128", VN_PARAM_BOOL, "false", NULL, 0, 0, 0, 0, "for the *_128 input types: pixel - 128" },
    { 0 }
};

STEP(dtype)
{
    struct vn_tensor *from = vn_frame_tensor(f, a),
                     *to = vn_tensor_new(a, vn_dtype_from_name(word(s, 0)), &from->shape);
    const int64_t n = vn_shape_count(&from->shape);
    (void)e;
    for (int64_t i = 0; i < n; i++)
        vn_tensor_set_f64(to, i, vn_tensor_f64(from, i) - (flag(s, 1) ? 128 : 0));
    f->t = to;
    return VN_OK;
}

/* ---- the table ---- */

static const struct vn_step_kind kinds[] = {
    { "decode", "decodes the file; if omitted, as Pillow", decode_params, 0, decode },
    { "colour", "RGB, BGR, gray", colour_params, 0, colour },
    { "swap", "swaps the first and third channel", no_params, 0, swap },
    { "yuv", "converts by BT.601, with 4:2:0 if the layout says so", yuv_params, 0, yuv },
    { "resize", "resizes to the size that the rule yields", resize_params, 0, resize },
    { "short_side", "resize with rule short_side", short_side_params, 0, resize },
    { "center_crop", "cuts out the centre", center_crop_params, 0, center_crop },
    { "crop", "cuts out a box", crop_params, 0, crop },
    { "pad", "adds a border", pad_params, 0, pad },
    { "pad_to", "adds a border up to a size", pad_to_params, 0, pad_to },
    { "pad_multiple", "adds a border up to the next multiple", pad_multiple_params, 0, pad_multiple },
    { "letterbox", "resize, then pad_to the same size", letterbox_params, 0, letterbox },
    { "warp", "cv2.warpAffine, bilinear", warp_params, 0, warp },
    { "orient", "rotates and mirrors", orient_params, 0, orient },
    { "normalise", "((x / divide or x * times) - mean) / std or * scale, float32", normalise_params, 1,
      normalise, 1 },
    { "layout", "order of the axes", layout_params, 1, layout },
    { "dtype", "element type", dtype_params, 1, dtype },
};
#define N_KINDS ((int)(sizeof kinds / sizeof *kinds))

const struct vn_step_kind *vn_step_kinds(int *n)
{
    *n = N_KINDS;
    return kinds;
}

const struct vn_step_kind *vn_step_find(const char *name)
{
    for (int i = 0; i < N_KINDS; i++)
        if (!strcmp(kinds[i].name, name))
            return &kinds[i];
    return NULL;
}

/* ---- running ---- */

/* Axes in a new order. */
static void transposed(struct vn_frame *f, const double order[3])
{
    int place[3];
    for (int i = 0; i < 3; i++)
        place[(int)order[i]] = i;
    const int rows = f->channels_first, channels = f->channels_first ? 0 : 2;
    if (place[rows] > place[rows + 1])
        vn_origin_step(&f->from, (const double[6]){ 0, 1, 0, 1, 0, 0 });
    f->channels_first = place[channels] == 0;
}

/* The published functions act on arrays. */
static int run_transform(struct vn_frame *f, struct vn_arena *a, const struct vn_pipe_step *s,
                         struct vn_err *e)
{
    const char *name = s->transform->name;
    struct vn_tensor in = *vn_frame_tensor(f, a);
    if (in.shape.rank == 2)
        in.shape = vn_shape_of(3, (const int64_t[]){ in.shape.d[0], in.shape.d[1], 1 });
    TRY(s->transform->run(&f->t, a, &in, s->transform, s->arg, &f->from, e));
    if (!strcmp(name, "HWC2CHW") || !strcmp(name, "CHW2HWC"))
        f->channels_first = *name == 'H';
    if (!strcmp(name, "TransposeTransformer"))
        transposed(f, s->arg[0].v);
    if (!strcmp(name, "BGR2RGB") || !strcmp(name, "RGB2BGR"))
        f->colours = *name == 'B' ? VN_COLOURS_RGB : VN_COLOURS_BGR;
    return VN_OK;
}

int vn_pipe_step_run(struct vn_frame *f, struct vn_arena *a, const struct vn_pipe_step *s, struct vn_err *e)
{
    return s->transform ? run_transform(f, a, s, e) : s->kind->run(f, a, s, e);
}

/* The function of a step, for messages: "P.yaml:5: " before what went wrong. */
static int run_step(struct vn_frame *f, struct vn_arena *a, const struct vn_pipeline *p, int i,
                    struct vn_err *e)
{
    const struct vn_pipe_step *s = &p->steps.v[i];
    const int status = vn_pipe_step_run(f, a, s, e);
    return status < 0 && p->path ? vn_fail_at(e, "%s:%d", p->path, s->line) : status;
}

static int is_decode(const struct vn_pipeline *p)
{
    return p && p->steps.n && p->steps.v[0].kind == &kinds[0];
}

int vn_pipeline_file(struct vn_frame *out, struct vn_arena *a, const struct vn_pipeline *p, const char *path,
                     vn_stage_seen *seen, void *user, struct vn_err *e)
{
    const int first = is_decode(p);
    TRY(read_file(out, a, first ? &p->steps.v[0] : NULL, path, e));
    if (seen)
        TRY(seen(user, first ? p->steps.v[0].stage : "decode", out, e));
    for (int i = first; i < p->steps.n; i++) {
        if (run_step(out, a, p, i, e) < 0)
            return vn_fail_at(e, "%s", path);
        if (seen)
            TRY(seen(user, p->steps.v[i].stage, out, e));
    }
    return VN_OK;
}

/* Steps up to the first that makes other values than pixels. */
static int pixel_steps(struct vn_frame *f, struct vn_arena *a, const struct vn_pipeline *p, int from,
                       struct vn_err *e)
{
    for (int i = from; i < p->steps.n && !(p->steps.v[i].kind && p->steps.v[i].kind->to_values); i++)
        TRY(run_step(f, a, p, i, e));
    TRY(to_picture(f, a, e));
    if (f->p.type != VN_PIXEL_U8 || f->colours > VN_COLOURS_GRAY)
        return vn_fail(e, VN_E_INPUT,
                       "the pipeline yields %s pixels of %s; calibration requires uint8 of rgb, bgr or gray",
                       vn_pixel_name(f->p.type), colour_names[f->colours]);
    if (f->colours == VN_COLOURS_BGR)
        return vn_swap_channels(&f->p, a, &f->p, e);
    return f->p.c == 3 ? VN_OK : vn_three_channels(&f->p, a, &f->p, e);
}

int vn_pipeline_pixels(struct vn_frame *out, struct vn_arena *a, const struct vn_pipeline *p,
                       const char *path, struct vn_err *e)
{
    const int first = is_decode(p);
    TRY(read_file(out, a, first ? &p->steps.v[0] : NULL, path, e));
    return p && pixel_steps(out, a, p, first, e) < 0 ? vn_fail_at(e, "%s", path) : VN_OK;
}

/* not used in src: vn_pipeline_run: tests and fuzz targets have pixels, no files */
int vn_pipeline_run(struct vn_picture *out, struct vn_arena *a, const struct vn_pipeline *p,
                    const struct vn_picture *in, struct vn_err *e)
{
    struct vn_frame f = { .p = *in, .colours = in->c == 1 ? VN_COLOURS_GRAY : VN_COLOURS_RGB };
    TRY(pixel_steps(&f, a, p, is_decode(p), e));
    *out = f.p;
    return VN_OK;
}
