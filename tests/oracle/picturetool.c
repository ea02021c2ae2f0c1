/* Picture functions for tests in Python: requests on standard input, answers on standard output. With an
 * argument: only the CPU features of this mask.
 *
 * request   OPERATION ARGUMENTS... then a line TYPE H W C and the pixels (decode: no picture, "none")
 * answer    "ok TYPE H W C" and the pixels, or "error MESSAGE"
 *
 * TYPE: uint8 uint16 float32. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "image/image.h"
#include "image/transform.h"
#include "kernels/image/image_kernels.h"

#define MAX_WORDS 32

struct call {
    struct vn_arena *a;
    int n;
    char *word[MAX_WORDS]; /* word[0] is the operation */
    struct vn_picture in, out;
    struct vn_tensor *tensor; /* the answer instead of `out` */
    struct vn_err *e;
};

static int number(const struct call *c, int i) { return i < c->n ? atoi(c->word[i]) : 0; }
static double real(const struct call *c, int i) { return i < c->n ? strtod(c->word[i], NULL) : 0; }
static const char *text(const struct call *c, int i)
{
    return i < c->n && strcmp(c->word[i], "-") ? c->word[i] : NULL;
}

static void reals(const struct call *c, int from, int n, double *out)
{
    for (int i = 0; i < n; i++)
        out[i] = real(c, from + i);
}

/* decode PATH LIBRARY CHANNELS ORIENTATION UNCHANGED BGR DCT UPSAMPLING REDUCE DRAFT_W DRAFT_H */
static int decode(struct call *c)
{
    const struct vn_decode_options o = { .library = (enum vn_image_library)vn_library_find(c->word[2]),
                                         .channels = number(c, 3),
                                         .orientation = (enum vn_orientation)number(c, 4),
                                         .unchanged = number(c, 5),
                                         .bgr = number(c, 6),
                                         .dct = (enum vn_jpeg_dct)number(c, 7),
                                         .upsampling = (enum vn_upsampling)number(c, 8),
                                         .reduce = number(c, 9),
                                         .draft = { number(c, 10), number(c, 11) } };
    return vn_decode_file(&c->out, c->a, c->word[1], &o, c->e);
}

/* resize LIBRARY INTERPOLATION ANTIALIAS VERSION W H */
static int resize(struct call *c)
{
    const struct vn_resize_rule *r;
    TRY(vn_resize_find(&r, c->word[1], c->word[2], number(c, 3), text(c, 4), c->e));
    return vn_resize(&c->out, c->a, &c->in, r, number(c, 5), number(c, 6), c->e);
}

/* resize_box INTERPOLATION VERSION W H GAP X0 Y0 X1 Y1 */
static int resize_box(struct call *c)
{
    const struct vn_resize_rule *r;
    float box[4];
    for (int i = 0; i < 4; i++)
        box[i] = (float)real(c, 6 + i);
    TRY(vn_resize_find(&r, "pillow", c->word[1], -1, text(c, 2), c->e));
    return vn_resize_pillow_box(&c->out, c->a, &c->in, r, number(c, 3), number(c, 4), c->n > 6 ? box : NULL,
                                real(c, 5), c->e);
}

/* size RULE ARGUMENTS, or RULE A B MULTIPLE ROUNDING: a picture of that size, whose pixels do not matter */
static int size(struct call *c)
{
    const int multiples = c->n == 6;
    int arg[2], w, h;
    for (int i = 0; i < 2; i++)
        arg[i] = number(c, 2 + i);
    TRY(vn_size_multiple(&w, &h, vn_size_rule_find(c->word[1]), c->in.w, c->in.h, arg,
                         multiples ? 2 : c->n - 2, multiples ? number(c, 4) : 1,
                         multiples ? (enum vn_crop_rounding)vn_crop_rounding_find(c->word[5]) : VN_CROP_FLOOR,
                         c->e));
    return vn_picture_new(&c->out, c->a, w, h, 1, VN_PIXEL_U8, c->e);
}

static int gray(struct call *c)
{
    return vn_gray(&c->out, c->a, &c->in, (enum vn_image_library)vn_library_find(c->word[1]), number(c, 2),
                   c->e);
}

static int swap(struct call *c) { return vn_swap_channels(&c->out, c->a, &c->in, c->e); }

/* to_yuv|to_rgb|to_planes|from_planes RULE RANGE LAYOUT DOWN UP */
static int yuv(struct call *c)
{
    const struct vn_yuv_format f = {
        .rule = !strcmp(c->word[1], "opencv") ? VN_YUV_OPENCV : VN_YUV_EXACT,
        .range = !strcmp(c->word[2], "video") ? VN_YUV_VIDEO : VN_YUV_FULL,
        .down = (enum vn_chroma_down)(c->n > 4 ? vn_chroma_down_find(c->word[4]) : 0),
        .up = (enum vn_chroma_up)(c->n > 5 ? vn_chroma_up_find(c->word[5]) : 0)
    };
    const enum vn_yuv_layout l = (enum vn_yuv_layout)(c->n > 3 ? vn_yuv_layout_find(c->word[3]) : 0);
    if (!strcmp(c->word[0], "to_yuv"))
        return vn_rgb_to_yuv444(&c->out, c->a, &c->in, &f, c->e);
    if (!strcmp(c->word[0], "to_rgb"))
        return vn_yuv444_to_rgb(&c->out, c->a, &c->in, &f, c->e);
    return !strcmp(c->word[0], "to_planes") ? vn_rgb_to_planes(&c->out, c->a, &c->in, l, &f, c->e)
                                            : vn_planes_to_rgb(&c->out, c->a, &c->in, l, &f, c->e);
}

static int center_crop(struct call *c)
{
    return vn_center_crop(&c->out, c->a, &c->in, number(c, 1), number(c, 2),
                          (enum vn_crop_rounding)vn_crop_rounding_find(c->word[3]), number(c, 4), c->e);
}

static int pad_to(struct call *c)
{
    double value[VN_MAX_CHANNELS];
    reals(c, 4, VN_MAX_CHANNELS, value);
    return vn_pad_to(&c->out, c->a, &c->in, number(c, 1), number(c, 2),
                     (enum vn_pad_position)vn_pad_position_find(c->word[3]), value, c->e);
}

static int orient(struct call *c) { return vn_orient(&c->out, c->a, &c->in, number(c, 1), c->e); }

/* normalise SCALE DIVIDE MULTIPLY MEAN x 3 STD x 3 */
static int normalise(struct call *c)
{
    struct vn_normalisation n = { .scale = (float)real(c, 1),
                                  .divide = number(c, 2),
                                  .multiply = number(c, 3) };
    for (int i = 0; i < 3; i++) {
        n.mean[i] = (float)real(c, 4 + i);
        n.std[i] = (float)real(c, 7 + i);
    }
    return vn_normalise(&c->out, c->a, &c->in, &n, c->e);
}

/* warp VERSION W H INVERSE VALUE x 4 MATRIX x 6 */
static int warp(struct call *c)
{
    double value[VN_MAX_CHANNELS], m[6];
    reals(c, 5, VN_MAX_CHANNELS, value);
    reals(c, 9, 6, m);
    return vn_warp_affine(&c->out, c->a, &c->in, m, number(c, 2), number(c, 3), number(c, 4), value,
                          text(c, 1), c->e);
}

/* transform NAME(ARGUMENTS), without spaces, on the array itself */
static int transform(struct call *c)
{
    static const enum vn_dtype types[] = {
        [VN_PIXEL_U8] = VN_U8, [VN_PIXEL_U16] = VN_U16, [VN_PIXEL_F32] = VN_F32
    };
    const struct vn_tensor in = { types[c->in.type],
                                  vn_shape_of(3, (const int64_t[]){ c->in.h, c->in.w, c->in.c }),
                                  c->in.data };
    const struct vn_transform *t;
    struct vn_arg_value arg[VN_TRANSFORM_ARGS];
    TRY(vn_transform_parse(&t, arg, c->a, c->word[1], c->e));
    struct vn_origin from = { { 0 } };
    return t->run(&c->tensor, c->a, &in, t, arg, &from, c->e);
}

static const struct {
    const char *name;
    int (*run)(struct call *c);
} operations[] = {
    { "decode", decode },
    { "resize", resize },
    { "resize_box", resize_box },
    { "size", size },
    { "gray", gray },
    { "swap", swap },
    { "to_yuv", yuv },
    { "to_rgb", yuv },
    { "to_planes", yuv },
    { "from_planes", yuv },
    { "center_crop", center_crop },
    { "pad_to", pad_to },
    { "orient", orient },
    { "normalise", normalise },
    { "warp", warp },
    { "transform", transform },
};

static int run(struct call *c);

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* time N OPERATION...: milliseconds of the fastest of N runs, as a picture of one value */
static int measure(struct call *c)
{
    double best = 1e9;
    for (int i = 0, n = number(c, 1); i < n; i++) {
        struct call one = { .a = vn_arena_new(), .n = c->n - 2, .in = c->in, .e = c->e };
        memcpy(one.word, c->word + 2, (size_t)one.n * sizeof *one.word);
        const double from = seconds();
        const int status = run(&one);
        vn_arena_free(&one.a);
        const double t = seconds() - from;
        TRY(status);
        best = t < best ? t : best;
    }
    TRY(vn_picture_new(&c->out, c->a, 1, 1, 1, VN_PIXEL_F32, c->e));
    c->out.f32[0] = (float)(best * 1e3);
    return VN_OK;
}

static int read_picture(struct call *c)
{
    char line[256], type[32];
    int h, w, channels;
    if (!fgets(line, sizeof line, stdin) || sscanf(line, "%31s %d %d %d", type, &h, &w, &channels) < 1)
        return VN_E_INPUT;
    if (!strcmp(type, "none"))
        return VN_OK;
    const enum vn_pixel_type t = !strcmp(type, "uint8")    ? VN_PIXEL_U8
                                 : !strcmp(type, "uint16") ? VN_PIXEL_U16
                                                           : VN_PIXEL_F32;
    TRY(vn_picture_new(&c->in, c->a, w, h, channels, t, c->e));
    const size_t bytes = vn_picture_values(&c->in) * vn_pixel_size(t);
    return fread(c->in.data, 1, bytes, stdin) == bytes ? VN_OK : VN_E_INPUT;
}

static int run(struct call *c)
{
    if (!strcmp(c->word[0], "time") && c->n > 2 && strcmp(c->word[2], "time"))
        return measure(c);
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        if (!strcmp(operations[i].name, c->word[0]))
            return operations[i].run(c);
    return vn_fail(c->e, VN_E_USAGE, "unknown operation '%s'", c->word[0]);
}

static int answer(char *line)
{
    struct vn_err e = { 0 };
    struct call c = { .a = vn_arena_new(), .e = &e };
    char *rest = line;
    for (char *w; c.n < MAX_WORDS && (w = strtok_r(rest, " \n", &rest));)
        c.word[c.n++] = w;
    int status = c.n ? read_picture(&c) : VN_E_USAGE;
    if (status == VN_OK)
        status = run(&c);
    if (status == VN_OK && c.tensor) {
        const int64_t *d = c.tensor->shape.d;
        printf("ok %s %lld %lld %lld\n", vn_dtype_name(c.tensor->dtype), (long long)d[0], (long long)d[1],
               (long long)d[2]);
        fwrite(c.tensor->data, 1, vn_tensor_bytes(c.tensor), stdout);
    } else if (status == VN_OK) {
        const struct vn_picture *p = &c.out;
        printf("ok %s %d %d %d\n", vn_pixel_name(p->type), p->h, p->w, p->c);
        fwrite(p->data, vn_pixel_size(p->type), vn_picture_values(p), stdout);
    } else
        printf("error %d %s\n", status, e.msg);
    fflush(stdout);
    vn_arena_free(&c.a);
    return 0;
}

int main(int argc, char **argv)
{
    static char line[8192];
    vn_image_cpu(argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : ~0u);
    while (fgets(line, sizeof line, stdin))
        answer(line);
    return 0;
}
