#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/random.h"
#include "data/manifest.h"
#include "data/samples.h"
#include "tensor/npy.h"

struct source {
    const struct input_config *in;
    struct vn_shape shape;
    int n, images; /* images: files are decoded */
    const char **paths;
};

struct vn_samples {
    int n, n_inputs, random;
    struct source *inputs;
    struct vn_pipeline *pipeline;
};

int vn_input_format(struct vn_pixel_format *f, const struct input_config *in, const struct vn_shape *shape)
{
    if (in->type_rt == VN_IN_FEATUREMAP)
        return 0;
    const int last = in->layout_train == LAYOUT_NHWC;
    *f = (struct vn_pixel_format){ .train = in->type_train,
                                   .rt = in->type_rt,
                                   .video_range = in->range == RANGE_BT601_VIDEO,
                                   .w = (int)shape->d[last ? 2 : 3],
                                   .h = (int)shape->d[last ? 1 : 2],
                                   .channels_last_train = last,
                                   .channels_last_rt = in->layout_rt == LAYOUT_NHWC };
    return 1;
}

/* ---- identity ---- */

static uint64_t hash_text(uint64_t h, const char *text)
{
    const uint64_t both[2] = { h, vn_hash(text, strlen(text), SIZE_MAX) };
    return vn_hash(both, sizeof both, SIZE_MAX);
}

static uint64_t hash_input(uint64_t h, const struct source *x, struct vn_arena *a)
{
    const struct input_config *in = x->in;
    char shape[VN_SHAPE_TEXT];
    vn_shape_text(&x->shape, shape);
    return hash_text(h, vn_arena_fmt(a, "%s %d %d %d %d %d %d", shape, in->type_train, in->type_rt,
                                     in->layout_train, in->layout_rt, in->range, in->cal_type));
}

static int hash_file(uint64_t *h, const char *path, struct vn_arena *a, struct vn_err *e)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return vn_fail(e, VN_E_IO, "%s: %s", path, strerror(errno));
    *h = hash_text(*h, vn_arena_fmt(a, "%s %lld", vn_path_base(path), (long long)st.st_size));
    return VN_OK;
}

static int hash_all(uint64_t *h, const struct vn_samples *s, struct vn_arena *a, struct vn_err *e)
{
    const char *steps = s->pipeline ? vn_pipeline_line(s->pipeline, a) : "";
    *h = hash_text(0, vn_arena_fmt(a, "%s %d %d %s", VN_VERSION, s->n, s->random, steps));
    for (int k = 0; k < s->n_inputs; k++) {
        *h = hash_input(*h, &s->inputs[k], a);
        for (int i = 0; i < s->n && !s->random; i++)
            TRY(hash_file(h, s->inputs[k].paths[i], a, e));
    }
    return VN_OK;
}

int vn_samples_hash(uint64_t *h, const struct vn_samples *s, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    const int status = hash_all(h, s, a, e);
    vn_arena_free(&a);
    return status;
}

/* ---- a raw dump or .npy, in the training type and layout ---- */

/* Other types of that size are named. */
static int wrong_size(const char *path, size_t got, int64_t n, const struct vn_shape *shape,
                      enum vn_dtype type, struct vn_err *e)
{
    char text[VN_SHAPE_TEXT], types[80] = "";
    size_t at = 0;
    for (const struct config_word *w = vn_words_cal_data_type; w->text; w++)
        if (got == (size_t)n * vn_dtype_size((enum vn_dtype)w->value))
            at += (size_t)snprintf(types + at, sizeof types - at, "%s%s", at ? " or " : "", w->text);
    return vn_fail(e, VN_E_INPUT, "%s: %zu bytes, expected %zu for shape %s of %s%s%s%s", path, got,
                   (size_t)n * vn_dtype_size(type), vn_shape_text(shape, text), vn_dtype_name(type),
                   at ? "; if the values are of type " : "", types, at ? ", set cal_data_type" : "");
}

static int long_axes(int64_t d[], const struct vn_shape *s)
{
    int n = 0;
    for (int i = 0; i < s->rank; i++)
        if (s->d[i] != 1)
            d[n++] = s->d[i];
    return n;
}

int vn_samples_same_axes(const struct vn_shape *got, const struct vn_shape *want)
{
    int64_t x[VN_MAX_RANK], y[VN_MAX_RANK];
    const int n = long_axes(x, got), m = long_axes(y, want);
    return n <= 1 ? vn_shape_count(got) == vn_shape_count(want)
                  : n == m && !memcmp(x, y, (size_t)n * sizeof *x);
}

static int load_values(float *out, const struct input_config *in, const struct vn_shape *shape,
                       const char *path, struct vn_arena *a, struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    TRY(vn_file_map(a, path, &data, &bytes, e));
    const int64_t n = vn_shape_count(shape);
    struct vn_tensor raw = { .dtype = in->cal_type == VN_NONE ? VN_F32 : in->cal_type,
                             .shape = *shape,
                             .data = (void *)data };
    struct vn_tensor *t = &raw;
    if (vn_npy_is(data, bytes)) {
        TRY(vn_npy_view(&t, a, data, bytes, path, e));
        if (!vn_samples_same_axes(&t->shape, shape)) {
            char got[VN_SHAPE_TEXT], want[VN_SHAPE_TEXT];
            return vn_fail(e, VN_E_INPUT, "%s: array of shape %s, expected %s", path,
                           vn_shape_text(&t->shape, got), vn_shape_text(shape, want));
        }
    } else if (bytes != (size_t)n * vn_dtype_size(raw.dtype))
        return wrong_size(path, bytes, n, shape, raw.dtype, e);
    vn_tensor_to_f32(out, t);
    return VN_OK;
}

static int is_rgb(enum vn_input_type t) { return t == VN_IN_RGB || t == VN_IN_BGR; }

/* Training values (0..255, training layout) of one picture to the network's input. Where colours must be
 * converted, values are pixels and are rounded to 8 bits, as on the device; else they keep their fractions.
 */
static void values_to_tensor(float *x, uint8_t *pixels, const struct vn_pixel_format *f, struct vn_arena *a)
{
    const size_t n = (size_t)f->w * f->h;
    const int channels = vn_pixel_channels(f), same = f->train == f->rt;
    if (!pixels && (same || (is_rgb(f->train) && is_rgb(f->rt)))) {
        for (size_t i = 0; i < n && !same; i++) {
            float *p = x + (f->channels_last_train ? 3 * i : i),
                  *q = x + (f->channels_last_train ? 3 * i + 2 : 2 * n + i), t = *p;
            *p = *q;
            *q = t;
        }
        for (size_t i = 0; i < n * (size_t)channels; i++)
            x[i] -= 128;
        return;
    }
    uint8_t *train = NEW_ARRAY(a, uint8_t, n * channels), *runtime = NEW_ARRAY(a, uint8_t, n * channels);
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < channels; c++) {
            const float v = x[f->channels_last_train ? i * channels + c : c * n + i];
            train[i * channels + c] = (uint8_t)(v > 0 ? v < 255 ? rintf(v) : 255 : 0);
        }
    vn_pixels_runtime(runtime, train, f);
    vn_pixels_tensor(x, runtime, f);
    if (pixels)
        vn_pixels_pack(pixels, runtime, f);
}

/* A picture at the input's size in the training type, H x W x C. */
static int train_pixels(uint8_t **train, struct vn_origin *from, const struct vn_pixel_format *f,
                        const struct vn_pipeline *p, const char *path, struct vn_arena *a, struct vn_err *e)
{
    struct vn_frame frame;
    TRY(vn_pipeline_pixels(&frame, a, p, path, e));
    struct vn_picture ready = frame.p;
    if (!p) {
        vn_resize_pillow_bilinear(&ready, a, &frame.p, f->w, f->h);
        vn_origin_resized(&frame.from, frame.p.w, frame.p.h, f->w, f->h);
    }
    *from = frame.from;
    if (ready.w != f->w || ready.h != f->h)
        return vn_fail(e, VN_E_INPUT,
                       "%s: the pipeline yields %d x %d pixels, expected %d x %d for the input", path,
                       ready.w, ready.h, f->w, f->h);
    *train = NEW_ARRAY(a, uint8_t, (size_t)f->w * f->h * 3);
    vn_pixels_train(*train, &ready, f);
    return VN_OK;
}

static int load_picture(float *out, uint8_t *pixels, struct vn_origin *from, const struct vn_pixel_format *f,
                        const struct vn_pipeline *p, const char *path, struct vn_arena *a, struct vn_err *e)
{
    uint8_t *train, *runtime = NEW_ARRAY(a, uint8_t, (size_t)f->w * f->h * 3);
    TRY(train_pixels(&train, from, f, p, path, a, e));
    vn_pixels_runtime(runtime, train, f);
    vn_pixels_tensor(out, runtime, f);
    if (pixels)
        vn_pixels_pack(pixels, runtime, f);
    return VN_OK;
}

/* The same extents, but for 1s in front that t lacks. */
static int same_but_batch(const struct vn_shape *s, const struct vn_shape *t)
{
    const int more = s->rank - t->rank;
    for (int i = 0; i < more; i++)
        if (s->d[i] != 1)
            return 0;
    return more >= 0 && !memcmp(s->d + more, t->d, (size_t)t->rank * sizeof *t->d);
}

/* Steps that make such a tensor of an image, as an example. */
static const char *example_steps(struct vn_arena *a, const struct vn_shape *s)
{
    const int image = s->rank == 4, last = image && s->d[1] != 1 && s->d[1] != 3;
    return vn_arena_fmt(
        a, "a pipeline must produce the tensor, such as 'resize %d %d; normalise divide=255; layout %s'",
        image ? (int)s->d[last ? 2 : 3] : 32, image ? (int)s->d[last ? 1 : 2] : 24, last ? "NHWC" : "NCHW");
}

/* An image for a feature map: the steps go on to the tensor itself. */
static int load_features(float *out, struct vn_origin *from, const struct input_config *in,
                         const struct vn_shape *shape, const struct vn_pipeline *p, const char *path,
                         struct vn_arena *a, struct vn_err *e)
{
    const char *advice = example_steps(a, shape);
    struct vn_frame frame;
    char got[VN_SHAPE_TEXT], want[VN_SHAPE_TEXT];
    if (!p)
        return vn_fail(e, VN_E_INPUT, "%s: an image, but input %s is a featuremap: %s", path,
                       in->name ? in->name : "", advice);
    TRY(vn_pipeline_file(&frame, a, p, path, NULL, NULL, e));
    const struct vn_tensor *t = vn_frame_tensor(&frame, a);
    if (t->dtype == VN_U8)
        return vn_fail(e, VN_E_INPUT,
                       "%s: the pipeline yields uint8 pixels, but input %s is a featuremap: %s, or end with "
                       "'dtype float32'",
                       path, in->name ? in->name : "", advice);
    if (!same_but_batch(shape, &t->shape))
        return vn_fail(e, VN_E_INPUT, "%s: the pipeline yields %s of shape %s, input %s requires %s", path,
                       vn_dtype_name(t->dtype), vn_shape_text(&t->shape, got), in->name ? in->name : "",
                       vn_shape_text(shape, want));
    memcpy(out, vn_tensor_cast(a, t, VN_F32)->data, (size_t)vn_shape_count(shape) * sizeof *out);
    *from = frame.from;
    return VN_OK;
}

static int load_file(float *out, uint8_t *pixels, struct vn_origin *from, const struct input_config *in,
                     const struct vn_shape *shape, const struct vn_pipeline *p, const char *path,
                     struct vn_arena *a, struct vn_err *e)
{
    struct vn_pixel_format f;
    const int image = vn_input_format(&f, in, shape);
    if (vn_picture_is_image_name(path)) {
        if (!image)
            return load_features(out, from, in, shape, p, path, a, e);
        if (shape->d[0] != 1)
            return vn_fail(e, VN_E_UNSUPPORTED, "%s: images require an input of batch 1, got batch %lld",
                           path, (long long)shape->d[0]);
        return load_picture(out, pixels, from, &f, p, path, a, e);
    }
    TRY(load_values(out, in, shape, path, a, e));
    const size_t one = (size_t)(vn_shape_count(shape) / (shape->d[0] ? shape->d[0] : 1));
    for (int64_t n = 0; image && n < shape->d[0]; n++)
        values_to_tensor(out + (size_t)n * one, pixels ? pixels + (size_t)n * vn_pixels_bytes(&f) : NULL, &f,
                         a);
    return VN_OK;
}

int vn_sample_file(float *out, uint8_t *pixels, struct vn_origin *from, const struct input_config *in,
                   const struct vn_shape *shape, const struct vn_pipeline *p, const char *path,
                   struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    struct vn_origin origin = { .w = 0 };
    const int status = load_file(out, pixels, &origin, in, shape, p, path, a, e);
    vn_arena_free(&a);
    if (from)
        *from = origin;
    return status;
}

/* ---- the set ---- */

struct file_list {
    VEC(const char *) of;
};

static int add_files(struct file_list *l, struct vn_arena *a, const char *folder, const char *sub,
                     struct vn_err *e)
{
    const char **names;
    int n;
    TRY(vn_dir_list(a, *sub ? vn_path_join(a, folder, sub) : folder, &names, &n, e));
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], VN_MANIFEST) != 0)
            VEC_PUSH(a, &l->of, *sub ? vn_path_join(a, sub, names[i]) : names[i]);
    return VN_OK;
}

int vn_samples_files(const char ***names, int *n, struct vn_arena *a, const char *folder, struct vn_err *e)
{
    struct file_list l = { { 0 } };
    const char **classes;
    int n_classes = 0;
    TRY(add_files(&l, a, folder, "", e));
    if (!l.of.n)
        TRY(vn_dir_folders(a, folder, &classes, &n_classes, e));
    for (int i = 0; i < n_classes; i++)
        TRY(add_files(&l, a, folder, classes[i], e));
    *names = l.of.v;
    *n = l.of.n;
    return VN_OK;
}

int vn_samples_is_input(const char *name)
{
    return vn_picture_is_image_name(name) || vn_path_has_suffix(name, ".npy") ||
           vn_path_has_suffix(name, ".bin");
}

int vn_samples_paths(const char ***paths, int *n, struct vn_arena *a, const char *folder, struct vn_err *e)
{
    const char **names;
    VEC(const char *) v = { 0 };
    TRY(vn_dir_list(a, folder, &names, n, e));
    for (int i = 0; i < *n; i++)
        if (vn_samples_is_input(names[i]))
            VEC_PUSH(a, &v, vn_path_join(a, folder, names[i]));
    *paths = v.v;
    *n = v.n;
    return v.n ? VN_OK : vn_fail(e, VN_E_INPUT, "%s: no images, .npy or .bin files", folder);
}

/* preprocess_on is for the inputs that take images: a feature map beside them, without steps that would make
 * it, takes arrays. */
static int takes_images(const struct source *s, const struct config *c, const char *const *names)
{
    int images = 0;
    for (int i = 0; i < s->n; i++)
        images += vn_picture_is_image_name(names[i]);
    return c->preprocess_on &&
           (images || c->n_inputs == 1 || c->pipeline || s->in->type_rt != VN_IN_FEATUREMAP);
}

static int open_source(struct source *s, struct vn_arena *a, const struct config *c, struct vn_err *e)
{
    static const char features[] = "pipeline to steps that produce the featuremap tensor, such as 'resize 32 "
                                   "24; normalise divide=255; layout NCHW'";
    const int feature_map = s->in->type_rt == VN_IN_FEATUREMAP;
    const char **names;
    if (vn_samples_files(&names, &s->n, a, s->in->cal_dir, e) < 0) {
        const struct vn_err why = *e;
        return vn_config_fail(c, vn_config_given(c, "cal_data_dir"), e, why.code, "%s", why.msg);
    }
    VEC(const char *) paths = { 0 };
    s->images = takes_images(s, c, names);
    for (int i = 0; i < s->n; i++)
        if (!s->images || vn_picture_is_image_name(names[i]))
            VEC_PUSH(a, &paths, vn_path_join(a, s->in->cal_dir, names[i]));
    s->n = paths.n;
    s->paths = paths.v;
    if (!s->n)
        return vn_config_fail(c, vn_config_given(c, "cal_data_dir"), e, VN_E_INPUT, "no %s in %s",
                              s->images ? "images (jpg, png)" : "files", s->in->cal_dir);
    if (!c->preprocess_on && vn_picture_is_image_name(names[0]))
        return vn_config_fail(
            c, vn_config_given(c, "cal_data_dir"), e, VN_E_INPUT,
            "%s is an image; expected raw data. Set preprocess_on: True to decode images%s%s", s->paths[0],
            feature_map ? ", and " : "", feature_map ? features : "");
    if (s->images && feature_map && !c->pipeline)
        return vn_config_fail(c, vn_config_given(c, "preprocess_on"), e, VN_E_INPUT,
                              "images for a featuremap input: set %s", features);
    return VN_OK;
}

static struct vn_samples *new_samples(struct vn_arena *a, const struct config *c, const struct graph *g)
{
    struct vn_samples *s = NEW(a, struct vn_samples);
    s->n_inputs = g->inputs.n;
    s->inputs = NEW_ARRAY(a, struct source, s->n_inputs);
    for (int i = 0; i < s->n_inputs; i++) {
        s->inputs[i].in = &c->inputs[i];
        s->inputs[i].shape = g->inputs.v[i]->shape;
    }
    return s;
}

int vn_samples_pipeline(struct vn_pipeline **p, struct vn_arena *a, const struct config *c, struct vn_err *e)
{
    *p = NULL;
    if (!c->pipeline || vn_pipeline_parse(p, a, c->pipeline, e) >= 0)
        return VN_OK;
    const struct vn_err why = *e;
    return vn_config_fail(c, vn_config_given(c, "pipeline"), e, why.code, "%s", why.msg);
}

/* The folder of input i; as many files as the first input has. */
static int open_input(struct source *all, int i, struct vn_arena *a, const struct config *c, struct vn_err *e)
{
    const struct input_config *in = all[i].in;
    const struct setting *at = vn_config_given(c, "cal_data_dir");
    if (!in->cal_dir)
        return vn_config_fail(c, at, e, VN_E_INPUT, "no folder for input %s", in->name ? in->name : "");
    TRY(open_source(&all[i], a, c, e));
    return all[i].n == all[0].n || !all[0].n
               ? VN_OK
               : vn_config_fail(c, at, e, VN_E_INPUT, "%d files for input %s, but %d for input %s", all[0].n,
                                all[0].in->name, all[i].n, in->name);
}

int vn_samples_check(struct config *c, struct vn_arena *a, struct vn_err *e)
{
    struct vn_pipeline *p;
    TRY(vn_config_note(c, a, vn_samples_pipeline(&p, a, c, e), e));
    struct source *all = NEW_ARRAY(a, struct source, c->n_inputs);
    for (int i = 0; i < c->n_inputs && vn_config_used(c, "cal_data_dir"); i++) {
        all[i].in = &c->inputs[i];
        TRY(vn_config_note(c, a, open_input(all, i, a, c, e), e));
    }
    return VN_OK;
}

int vn_samples_open(struct vn_samples **out, struct vn_arena *a, const struct config *c,
                    const struct graph *g, struct vn_err *e)
{
    struct vn_samples *s = new_samples(a, c, g);
    TRY(vn_samples_pipeline(&s->pipeline, a, c, e));
    for (int i = 0; i < s->n_inputs; i++)
        TRY(open_input(s->inputs, i, a, c, e));
    s->n = s->n_inputs ? s->inputs[0].n : 0;
    *out = s;
    return VN_OK;
}

int vn_samples_random(struct vn_samples **out, struct vn_arena *a, const struct config *c,
                      const struct graph *g, int n, struct vn_err *e)
{
    (void)e;
    struct vn_samples *s = new_samples(a, c, g);
    s->random = 1;
    s->n = n;
    *out = s;
    return VN_OK;
}

int vn_samples_count(const struct vn_samples *s) { return s->n; }
const char *vn_samples_name(const struct vn_samples *s, int i)
{
    return s->random ? "random data" : s->inputs[0].paths[i];
}

/* Pixels uniform in -128..127; feature maps uniform in [-1, 1). */
static void random_values(float *x, int64_t n, int image, uint64_t seed)
{
    for (int64_t i = 0; i < n; i++) {
        const uint64_t r = vn_random(&seed);
        x[i] = image ? (float)(r >> 56) - 128 : (float)((double)(r >> 11) * 0x1p-52 - 1);
    }
}

static float *room_of(const struct source *s, struct vn_arena *a)
{
    return NEW_ARRAY(a, float, vn_shape_count(&s->shape));
}

float **vn_samples_room(const struct vn_samples *s, struct vn_arena *a)
{
    float **x = NEW_ARRAY(a, float *, s->n_inputs);
    for (int k = 0; k < s->n_inputs; k++)
        x[k] = room_of(&s->inputs[k], a);
    return x;
}

int vn_samples_read(float *const *x, const struct vn_samples *s, int i, struct vn_err *e)
{
    for (int k = 0; k < s->n_inputs; k++) {
        const struct source *src = &s->inputs[k];
        if (s->random)
            random_values(x[k], vn_shape_count(&src->shape), src->in->type_rt != VN_IN_FEATUREMAP,
                          (uint64_t)i * 64 + (uint64_t)k + 1);
        else
            TRY(vn_samples_tensor(x[k], s, i, k, e));
    }
    return VN_OK;
}

int vn_samples_load(const struct vn_samples *s, int i, struct vn_arena *a, float **out, struct vn_err *e)
{
    for (int k = 0; k < s->n_inputs; k++)
        out[k] = room_of(&s->inputs[k], a);
    return vn_samples_read(out, s, i, e);
}

int vn_samples_tensor(float *out, const struct vn_samples *s, int i, int input, struct vn_err *e)
{
    const struct source *src = &s->inputs[input];
    return vn_sample_file(out, NULL, NULL, src->in, &src->shape, s->pipeline, src->paths[i], e);
}

int vn_samples_are_images(const struct vn_samples *s, int input) { return s->inputs[input].images; }

const char *vn_samples_path(const struct vn_samples *s, int i, int input)
{
    return s->random ? NULL : s->inputs[input].paths[i];
}

int vn_samples_picture(uint8_t **train, const struct vn_samples *s, int input, const char *path,
                       struct vn_arena *a, struct vn_err *e)
{
    struct vn_pixel_format f;
    struct vn_origin from;
    vn_input_format(&f, s->inputs[input].in, &s->inputs[input].shape);
    return train_pixels(train, &from, &f, s->pipeline, path, a, e);
}

int vn_samples_train_values(struct vn_train_values *out, const struct vn_samples *s, int i, int input,
                            struct vn_arena *a, struct vn_err *e)
{
    const struct source *src = &s->inputs[input];
    const char *path = src->paths[i];
    struct vn_pixel_format f;
    vn_input_format(&f, src->in, &src->shape);
    const int64_t n = vn_shape_count(&src->shape);
    float *v = NEW_ARRAY(a, float, n);
    *out = (struct vn_train_values){ v, n, (int64_t)f.w * f.h, f.channels_last_train };
    if (!vn_picture_is_image_name(path))
        return load_values(v, src->in, &src->shape, path, a, e);
    uint8_t *train;
    struct vn_origin from;
    TRY(train_pixels(&train, &from, &f, s->pipeline, path, a, e));
    out->channels_last = 1;
    out->count = (int64_t)f.w * f.h * vn_pixel_channels(&f);
    for (int64_t k = 0; k < out->count && k < n; k++)
        v[k] = train[k];
    out->count = out->count < n ? out->count : n;
    return VN_OK;
}
