/* What a network is fed with: arrays, files, the device's bytes, random numbers; all become the network's
 * tensor and what the program takes. */
#include <stdio.h>
#include <stdlib.h>

#include "session/network.h"

#include "base/file.h"
#include "base/random.h"
#include "base/words.h"
#include "data/samples.h"
#include "num/num.h"
#include "tensor/npy.h"

/* ---- buffers ---- */

static struct vn_shape shape_of(const struct vn_port *p) { return vn_shape_of(p->rank, p->shape); }

static const struct vn_io *io_of(const struct vn_session *s, int i)
{
    int n;
    return s->model ? &vn_model_inputs(s->model, &n)[i] : NULL;
}

static int takes_pixels(const struct vn_session *s, int i)
{
    return s->model && io_of(s, i)->type != VN_IN_FEATUREMAP;
}

static int make_buffers(struct vn_session *s, int i, struct vn_err *e)
{
    const struct vn_port *p = &s->net->in[i];
    const struct vn_io *io = io_of(s, i);
    struct fed_input *f = &s->in[i];
    f->t = (struct vn_tensor){ .dtype = p->dtype, .shape = shape_of(p) };
    const int pixels = vn_network_is_pixels(s->net, i),
              own = io && !takes_pixels(s, i) && io->dtype != f->t.dtype;
    const size_t bytes = vn_tensor_bytes(&f->t);
    TRY(vn_session_take(s, bytes + (pixels ? p->bytes : 0) + (own ? io->bytes : 0), "an input", e));
    f->t.data = vn_arena_alloc(s->arena, bytes);
    if (pixels)
        f->pixels = vn_arena_alloc(s->arena, p->bytes);
    f->given = takes_pixels(s, i) ? f->pixels : own ? vn_arena_alloc(s->arena, io->bytes) : f->t.data;
    s->given[i] = f->given;
    return VN_OK;
}

int vn_session_feed_init(struct vn_session *s, struct vn_err *e)
{
    s->in = NEW_ARRAY(s->arena, struct fed_input, s->net->n_in);
    s->given = NEW_ARRAY(s->arena, const void *, s->net->n_in);
    for (int i = 0; i < s->net->n_in; i++)
        TRY(make_buffers(s, i, e));
    return VN_OK;
}

int vn_session_check_fed(const struct vn_session *s, struct vn_err *e)
{
    for (int i = 0; i < s->net->n_in; i++)
        if (!s->in[i].fed)
            return vn_fail(e, VN_E_USAGE, "%s: input %s has no data", s->net->path, s->net->in[i].name);
    return VN_OK;
}

const struct vn_tensor *vn_session_fed(const struct vn_session *s, int i) { return &s->in[i].t; }
const struct vn_origin *vn_session_origin(const struct vn_session *s, int i) { return &s->in[i].from; }
int vn_session_makes_features(const struct vn_session *s) { return s->net->features != NULL; }
void vn_session_set_origin(struct vn_session *s, int i, const struct vn_origin *from)
{
    s->in[i].from = *from;
}

int vn_session_main_input(const struct vn_session *s) { return s->main_input; }
void vn_session_set_main_input(struct vn_session *s, int i) { s->main_input = i; }

static int check_input(const struct vn_session *s, int i, struct vn_err *e)
{
    if (i < 0 || i >= s->net->n_in)
        return vn_fail(e, VN_E_USAGE, "%s has %d inputs, got index %d", s->net->path, s->net->n_in, i);
    s->in[i].fed = 0;
    s->given[i] = s->in[i].given;
    s->in[i].from = (struct vn_origin){ .w = 0 };
    return VN_OK;
}

/* Are its bytes the integers of a quantized tensor, as for "pixel - 128"? */
static int takes_quantized(const struct vn_port *p)
{
    return p->type == VN_IN_FEATUREMAP && p->scale > 0 && (p->given == VN_I8 || p->given == VN_I16);
}

/* For a program with integer inputs: quantizes the fed tensor, or converts it as C does where the input is
 * not quantized. */
static void give_integers(struct vn_session *s, int i)
{
    struct fed_input *f = &s->in[i];
    const struct vn_io *io = io_of(s, i);
    const struct vn_port *p = &s->net->in[i];
    const float *x = f->t.data, scale = takes_quantized(p) ? p->scale : 1;
    const int32_t zero = takes_quantized(p) ? p->zero : 0;
    if (io->dtype == VN_I8) {
        for (size_t k = 0; k < io->bytes; k++)
            ((int8_t *)f->given)[k] = (int8_t)vn_quantize(x[k], scale, zero, INT8_MIN, INT8_MAX);
        return;
    }
    if (takes_quantized(p)) {
        for (size_t k = 0; k < io->bytes / 2; k++)
            ((int16_t *)f->given)[k] = (int16_t)vn_quantize(x[k], scale, zero, INT16_MIN, INT16_MAX);
        return;
    }
    struct vn_arena *a = vn_arena_new();
    memcpy(f->given, vn_tensor_cast(a, &f->t, io->dtype)->data, io->bytes);
    vn_arena_free(&a);
}

/* The tensor (and its pixels) are there. */
static void finish(struct vn_session *s, int i)
{
    if (s->in[i].given != s->in[i].t.data && s->in[i].given != s->in[i].pixels)
        give_integers(s, i);
    s->in[i].fed = 1;
}

/* ---- pixels: the device's bytes and "pixel - 128" ---- */

static void unpack(uint8_t *px, const uint8_t *x, const struct vn_pixel_format *p)
{
    const size_t n = (size_t)p->w * p->h, channels = (size_t)vn_pixel_channels(p);
    for (size_t k = 0; k < n; k++)
        for (size_t c = 0; c < channels; c++) {
            const size_t row = k / (size_t)p->w, col = k % (size_t)p->w;
            px[k * channels + c] = p->rt == VN_IN_NV12
                                       ? (c ? x[n + row / 2 * p->w + col / 2 * 2 + c - 1] : x[k])
                                       : x[p->channels_last_rt ? k * channels + c : c * n + k];
        }
}

static void pixels_of_values(uint8_t *px, const float *x, const struct vn_pixel_format *p)
{
    const size_t n = (size_t)p->w * p->h, channels = (size_t)vn_pixel_channels(p);
    for (size_t k = 0; k < n; k++)
        for (size_t c = 0; c < channels; c++)
            px[k * channels + c] =
                (uint8_t)(vn_quantize(x[p->channels_last_train ? k * channels + c : c * n + k], 1, 0, -128,
                                      127) +
                          128);
}

/* All images of the batch: from the tensor to the device's bytes where `to_bytes`; then always from them to
 * the tensor, which so is what the program computes with. */
static void convert_pixels(struct vn_session *s, int i, int to_bytes)
{
    const struct vn_shape shape = shape_of(&s->net->in[i]);
    struct fed_input *f = &s->in[i];
    struct vn_pixel_format p;
    vn_input_format(&p, &s->net->config[i], &shape);
    const size_t n = (size_t)p.w * p.h * (size_t)vn_pixel_channels(&p);
    struct vn_arena *a = vn_arena_new();
    uint8_t *px = NEW_ARRAY(a, uint8_t, n);
    for (int64_t b = 0; b < shape.d[0]; b++) {
        float *x = (float *)f->t.data + (size_t)b * n;
        uint8_t *bytes = f->pixels + (size_t)b * vn_pixels_bytes(&p);
        if (to_bytes) {
            pixels_of_values(px, x, &p);
            vn_pixels_pack(bytes, px, &p);
        }
        unpack(px, bytes, &p);
        vn_pixels_tensor(x, px, &p);
    }
    vn_arena_free(&a);
}

/* ---- the device's bytes ---- */

static void take_integers(struct vn_session *s, int i, const void *data)
{
    const struct vn_port *p = &s->net->in[i];
    struct fed_input *f = &s->in[i];
    const struct vn_tensor from = { p->given, f->t.shape, (void *)(uintptr_t)data };
    const int quantized = takes_quantized(p);
    for (int64_t k = 0, n = vn_shape_count(&f->t.shape); k < n; k++) {
        const double x = vn_tensor_f64(&from, k);
        vn_tensor_set_f64(&f->t, k, quantized ? vn_dequantize((int32_t)x, p->scale, p->zero) : x);
    }
}

static int feed_bytes(struct vn_session *s, int i, const void *data, size_t bytes, struct vn_err *e)
{
    TRY(check_input(s, i, e));
    const struct vn_port *p = &s->net->in[i];
    struct fed_input *f = &s->in[i];
    if (bytes != p->bytes)
        return vn_fail(e, VN_E_INPUT, "%s: input %s: expected %zu bytes, got %zu", s->net->path, p->name,
                       p->bytes, bytes);
    if (f->pixels) {
        memcpy(f->pixels, data, bytes);
        convert_pixels(s, i, 0);
    } else if (p->given == f->t.dtype)
        memcpy(f->t.data, data, bytes);
    else
        take_integers(s, i, data);
    finish(s, i);
    return VN_OK;
}

int vn_session_feed_bytes(struct vn_session *s, int i, const void *data, size_t bytes, struct vn_err *e)
{
    int status;
    VN_GUARDED(status, e, feed_bytes(s, i, data, bytes, e));
    return status;
}

/* ---- arrays ---- */

static void take_array(struct vn_session *s, int i, const struct vn_view *v)
{
    const struct vn_port *p = &s->net->in[i];
    struct vn_tensor *t = &s->in[i].t;
    if (p->scale > 0 && !vn_dtype_is_float(v->dtype)) {
        struct vn_view stored = *v;
        stored.n_scale = 1;
        stored.scale = &p->scale;
        stored.zero = &p->zero;
        vn_view_real(t->data, &stored);
        return;
    }
    if (v->dtype == t->dtype) {
        vn_view_copy(t->data, v);
        return;
    }
    struct vn_arena *a = vn_arena_new();
    memcpy(t->data, vn_tensor_cast(a, vn_view_tensor(v, a), t->dtype)->data, vn_tensor_bytes(t));
    vn_arena_free(&a);
}

static int check_array(struct vn_session *s, int i, const struct vn_view *v, struct vn_err *e)
{
    TRY(check_input(s, i, e));
    const struct vn_port *p = &s->net->in[i];
    const struct vn_shape got = vn_shape_of(v->rank, v->shape), want = shape_of(p);
    char x[VN_SHAPE_TEXT], y[VN_SHAPE_TEXT];
    if (!vn_dtype_size(v->dtype))
        return vn_fail(e, VN_E_USAGE, "%s: input %s: unknown element type %d", s->net->path, p->name,
                       v->dtype);
    if (!vn_shape_equal(&got, &want))
        return vn_fail(e, VN_E_INPUT, "%s: input %s: expected shape %s, got %s", s->net->path, p->name,
                       vn_shape_text(&want, x), vn_shape_text(&got, y));
    return VN_OK;
}

static int feed_array(struct vn_session *s, int i, const struct vn_view *v, struct vn_err *e)
{
    TRY(check_array(s, i, v, e));
    take_array(s, i, v);
    if (takes_pixels(s, i))
        convert_pixels(s, i, 1);
    finish(s, i);
    return VN_OK;
}

static int view_of(struct vn_view *v, const struct vn_session *s, enum vn_dtype dtype, int rank,
                   const int64_t *shape, const int64_t *stride, const void *data, struct vn_err *e)
{
    if (rank < 0 || rank > VN_MAX_RANK)
        return vn_fail(e, VN_E_USAGE, "%s: expected an array of rank 0 to %d, got %d", s->net->path,
                       VN_MAX_RANK, rank);
    const struct vn_shape of = vn_shape_of(rank, shape);
    *v = (struct vn_view){ .dtype = dtype, .rank = rank, .data = data, .axis = -1 };
    memcpy(v->shape, of.d, sizeof v->shape);
    vn_shape_strides(&of, v->stride);
    if (stride)
        memcpy(v->stride, stride, (size_t)rank * sizeof *stride);
    return VN_OK;
}

int vn_session_feed_array(struct vn_session *s, int i, enum vn_dtype dtype, int rank, const int64_t *shape,
                          const int64_t *stride, const void *data, struct vn_err *e)
{
    int status;
    struct vn_view v;
    TRY(view_of(&v, s, dtype, rank, shape, stride, data, e));
    VN_GUARDED(status, e, feed_array(s, i, &v, e));
    return status;
}

/* ---- in place ---- */

/* Does only the program read what input i was fed with? */
static int only_program_reads(const struct vn_session *s, int i)
{
    const char *saved = getenv("VERNIER_SAVE_IO");
    return s->model && i >= 0 && i < s->net->n_in && !(saved && *saved);
}

static int lend(struct vn_session *s, int i, const void *data)
{
    s->given[i] = data ? data : s->in[i].given;
    s->in[i].fed = data != NULL;
    return VN_OK;
}

int vn_session_lend_bytes(struct vn_session *s, int i, const void *data, size_t bytes, struct vn_err *e)
{
    TRY(check_input(s, i, e));
    if (data && (!only_program_reads(s, i) || bytes != s->net->in[i].bytes ||
                 (s->in[i].pixels && !takes_pixels(s, i))))
        return vn_session_feed_bytes(s, i, data, bytes, e);
    return lend(s, i, data);
}

int vn_session_lend_array(struct vn_session *s, int i, enum vn_dtype dtype, int rank, const int64_t *shape,
                          const int64_t *stride, const void *data, struct vn_err *e)
{
    struct vn_view v;
    TRY(check_input(s, i, e));
    if (!data)
        return lend(s, i, NULL);
    if (!only_program_reads(s, i) || takes_pixels(s, i) || dtype != io_of(s, i)->dtype)
        return vn_session_feed_array(s, i, dtype, rank, shape, stride, data, e);
    TRY(view_of(&v, s, dtype, rank, shape, stride, data, e));
    TRY(check_array(s, i, &v, e));
    return vn_view_is_plain(&v) ? lend(s, i, data)
                                : vn_session_feed_array(s, i, dtype, rank, shape, stride, data, e);
}

int vn_session_is_turned(const struct vn_session *s, const char *input)
{
    char key[256];
    const int n = snprintf(key, sizeof key, VN_TURNED_KEY "%s", input);
    return n > 0 && n < (int)sizeof key && vn_session_meta(s, key) != NULL;
}

/* Elements of input i where the axes are those of training; NULL: as they are. */
static const int64_t *training_strides(const struct vn_session *s, int i, int64_t *stride)
{
    const struct vn_port *p = &s->net->in[i];
    if (!p->nhwc || !vn_session_is_turned(s, p->name))
        return NULL;
    const int64_t h = p->shape[1], w = p->shape[2], c = p->shape[3];
    memcpy(stride, (const int64_t[]){ c * h * w, w, 1, h * w }, 4 * sizeof *stride);
    return stride;
}

int vn_session_feed_values(struct vn_session *s, float *const *x, struct vn_err *e)
{
    int64_t stride[VN_MAX_RANK];
    for (int i = 0; i < s->net->n_in; i++)
        TRY(vn_session_feed_array(s, i, VN_F32, s->net->in[i].rank, s->net->in[i].shape,
                                  training_strides(s, i, stride), x[i], e));
    return VN_OK;
}

/* ---- files ---- */

static int check_axes(const struct vn_tensor *t, const struct vn_shape *shape, const char *name,
                      const char *path, struct vn_err *e)
{
    char want[VN_SHAPE_TEXT], got[VN_SHAPE_TEXT];
    return vn_samples_same_axes(&t->shape, shape)
               ? VN_OK
               : vn_fail(e, VN_E_INPUT, "%s: array of shape %s, input %s requires %s", path,
                         vn_shape_text(&t->shape, got), name, vn_shape_text(shape, want));
}

/* A .npy of any number type, or raw bytes of the input's own. */
static int file_as_tensor(struct vn_tensor *to, const char *name, const char *path, struct vn_arena *a,
                          struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    char want[VN_SHAPE_TEXT];
    TRY(vn_file_map(a, path, &data, &bytes, e));
    struct vn_tensor *t;
    if (!vn_npy_is(data, bytes)) {
        if (bytes != vn_tensor_bytes(to))
            return vn_fail(e, VN_E_INPUT, "%s: %zu bytes, input %s requires %zu for shape %s of %s", path,
                           bytes, name, vn_tensor_bytes(to), vn_shape_text(&to->shape, want),
                           vn_dtype_name(to->dtype));
        memcpy(to->data, data, bytes);
        return VN_OK;
    }
    TRY(vn_npy_parse(&t, a, data, bytes, path, e));
    TRY(check_axes(t, &to->shape, name, path, e));
    memcpy(to->data, vn_tensor_cast(a, t, to->dtype)->data, vn_tensor_bytes(to));
    return VN_OK;
}

struct vn_shape vn_session_pixel_shape(const struct vn_session *s, int i)
{
    const struct vn_port *p = &s->net->in[i];
    const struct vn_shape net = vn_shape_of(p->rank, p->shape);
    struct vn_pixel_format f;
    vn_input_format(&f, &s->net->config[i], &net);
    const int64_t n = net.d[0], h = f.h, w = f.w, c = vn_pixel_channels(&f);
    if (f.rt == VN_IN_NV12)
        return vn_shape_of(3, (int64_t[]){ n, h * 3 / 2, w });
    return p->channels_last ? vn_shape_of(4, (int64_t[]){ n, h, w, c })
                            : vn_shape_of(4, (int64_t[]){ n, c, h, w });
}

/* The device's bytes of an image, raw or as .npy of uint8. */
static int file_as_pixels(struct vn_session *s, int i, const char *path, struct vn_arena *a, struct vn_err *e)
{
    const struct vn_port *p = &s->net->in[i];
    const char *word = vn_input_type_word(p->type);
    const uint8_t *data;
    size_t bytes;
    struct vn_tensor *t;
    TRY(vn_file_map(a, path, &data, &bytes, e));
    if (vn_npy_is(data, bytes)) {
        TRY(vn_npy_parse(&t, a, data, bytes, path, e));
        if (t->dtype != VN_U8)
            return vn_fail(e, VN_E_INPUT, "%s: input %s requires uint8 %s bytes, got %s", path, p->name, word,
                           vn_dtype_name(t->dtype));
        const struct vn_shape shape = vn_session_pixel_shape(s, i);
        TRY(check_axes(t, &shape, p->name, path, e));
        data = t->data;
        bytes = vn_tensor_bytes(t);
    }
    if (bytes != p->bytes)
        return vn_fail(e, VN_E_INPUT, "%s: %zu bytes, input %s requires %zu bytes of %s", path, bytes,
                       p->name, p->bytes, word);
    memcpy(s->in[i].pixels, data, bytes);
    convert_pixels(s, i, 0);
    return VN_OK;
}

/* "pixel - 128" itself, as float32 or int8: arrays for networks that are not .bin files. */
static int file_as_shifted_pixels(struct vn_session *s, int i, const char *path, struct vn_err *e)
{
    const struct vn_port *p = &s->net->in[i];
    const struct vn_shape shape = shape_of(p);
    const struct input_config raw = { .name = p->name,
                                      .cal_type = p->scale == 1 && p->zero == 0 ? VN_I8 : VN_F32 };
    TRY(vn_sample_file(s->in[i].t.data, NULL, NULL, &raw, &shape, NULL, path, e));
    if (takes_pixels(s, i))
        convert_pixels(s, i, 1);
    return VN_OK;
}

/* A .npy, or an image through the steps, whose axes are those of training where the input's are not. Returns
 * 1; 0: it is another file. */
static int file_as_trained(struct vn_session *s, int i, const char *path, struct vn_arena *a,
                           struct vn_err *e)
{
    const struct vn_port *p = &s->net->in[i];
    struct fed_input *f = &s->in[i];
    int64_t stride[VN_MAX_RANK];
    struct vn_tensor *t;
    struct vn_view v;
    if (!training_strides(s, i, stride) || (f->pixels && s->net->kind == VN_ARTEFACT_BIN))
        return 0;
    const int64_t *d = p->shape;
    const struct vn_shape own = shape_of(p), trained = vn_shape_of(4, (int64_t[]){ d[0], d[3], d[1], d[2] });
    if (vn_picture_is_image_name(path)) {
        if (p->type != VN_IN_FEATUREMAP)
            return 0;
        t = vn_tensor_new(a, VN_F32, &trained);
        TRY(vn_sample_file(t->data, NULL, &f->from, &s->net->config[i], &trained, s->net->features, path, e));
    } else {
        const uint8_t *data;
        size_t bytes;
        TRY(vn_file_map(a, path, &data, &bytes, e));
        if (!vn_npy_is(data, bytes))
            return 0;
        TRY(vn_npy_parse(&t, a, data, bytes, path, e));
        if (vn_samples_same_axes(&t->shape, &own) || !vn_samples_same_axes(&t->shape, &trained))
            return 0;
    }
    TRY(view_of(&v, s, t->dtype, 4, d, stride, t->data, e));
    take_array(s, i, &v);
    if (takes_pixels(s, i))
        convert_pixels(s, i, 1);
    return 1;
}

/* The integers of a quantized input: a .npy of integers, or as many raw bytes as they have. Returns 1; 0: it
 * is another file. */
static int file_as_integers(struct vn_session *s, int i, const char *path, struct vn_arena *a,
                            struct vn_err *e)
{
    const struct vn_port *p = &s->net->in[i];
    const struct vn_shape shape = shape_of(p);
    const uint8_t *data;
    size_t bytes;
    struct vn_tensor *t;
    if (!takes_quantized(p) || vn_picture_is_image_name(path))
        return 0;
    TRY(vn_file_map(a, path, &data, &bytes, e));
    if (!vn_npy_is(data, bytes)) {
        if (bytes != p->bytes)
            return 0;
        take_integers(s, i, data);
        return 1;
    }
    TRY(vn_npy_parse(&t, a, data, bytes, path, e));
    if (vn_dtype_is_float(t->dtype))
        return 0;
    TRY(check_axes(t, &shape, p->name, path, e));
    take_integers(s, i, vn_tensor_cast(a, t, p->given)->data);
    return 1;
}

static int file_as_input(struct vn_session *s, int i, const char *path, struct vn_arena *a, struct vn_err *e)
{
    struct fed_input *f = &s->in[i];
    const struct vn_shape shape = shape_of(&s->net->in[i]);
    int taken = file_as_trained(s, i, path, a, e);
    if (!taken)
        taken = file_as_integers(s, i, path, a, e);
    if (taken)
        return taken < 0 ? taken : VN_OK;
    if (f->t.dtype != VN_F32)
        return file_as_tensor(&f->t, s->net->in[i].name, path, a, e);
    if (f->pixels && !vn_picture_is_image_name(path))
        return s->net->kind == VN_ARTEFACT_BIN ? file_as_pixels(s, i, path, a, e)
                                               : file_as_shifted_pixels(s, i, path, e);
    return vn_sample_file(f->t.data, f->pixels, &f->from, &s->net->config[i], &shape,
                          f->pixels ? s->net->pipeline : s->net->features, path, e);
}

static int feed_file(struct vn_session *s, int i, const char *path, struct vn_err *e)
{
    TRY(check_input(s, i, e));
    struct vn_arena *a = vn_arena_new();
    const int status = file_as_input(s, i, path, a, e);
    vn_arena_free(&a);
    if (status == VN_OK)
        finish(s, i);
    return status;
}

int vn_session_feed_file(struct vn_session *s, int i, const char *path, struct vn_err *e)
{
    int status;
    VN_GUARDED(status, e, feed_file(s, i, path, e));
    return status;
}

static int no_input(const struct vn_session *s, struct vn_arena *a, const char *name, struct vn_err *e)
{
    const char **names = NEW_ARRAY(a, const char *, s->net->n_in);
    for (int i = 0; i < s->net->n_in; i++)
        names[i] = s->net->in[i].name;
    const char *near = vn_nearest(name, names, s->net->n_in);
    return vn_fail(e, VN_E_USAGE, "%s has no input '%s'; nearest: '%s'", s->net->path, name,
                   near ? near : names[0]);
}

int vn_session_split_input(const struct vn_session *s, struct vn_arena *a, const char *word, int *input,
                           const char **rest, struct vn_err *e)
{
    const char *eq = strchr(word, '=');
    *rest = word;
    if (!eq)
        return VN_OK;
    const char *name = vn_arena_strn(a, word, (size_t)(eq - word));
    const int named = vn_session_input(s, name);
    if (named < 0)
        return strchr(name, '/') ? VN_OK : no_input(s, a, name, e);
    *input = named;
    *rest = eq + 1;
    return VN_OK;
}

static int feed_named(struct vn_session *s, const char *word, int place, int n, struct vn_arena *a,
                      struct vn_err *e)
{
    const char *file;
    TRY(vn_session_split_input(s, a, word, &place, &file, e));
    if (place >= s->net->n_in)
        return vn_fail(e, VN_E_USAGE, "%s: expected at most %d files, one per input, got %d", s->net->path,
                       s->net->n_in, n);
    return feed_file(s, place, file, e);
}

static int feed_files(struct vn_session *s, const char *const *files, int n, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    int status = VN_OK;
    for (int i = 0; i < n && status == VN_OK; i++)
        status = feed_named(s, files[i], i, n, a, e);
    vn_arena_free(&a);
    return status;
}

int vn_session_feed_files(struct vn_session *s, const char *const *files, int n, struct vn_err *e)
{
    int status;
    VN_GUARDED(status, e, feed_files(s, files, n, e));
    return status;
}

/* ---- random numbers ---- */

static double random_real(uint64_t *seed) { return (double)(vn_random(seed) >> 40) * 0x1p-23 - 1; }

/* Of an input with its channels last that training has first; 1: of others. */
static int64_t turned_channels(const struct vn_session *s, int i)
{
    const struct vn_port *p = &s->net->in[i];
    return p->rank == 4 && p->shape[0] == 1 && p->shape[3] > 0 && vn_session_is_turned(s, p->name)
               ? p->shape[3]
               : 1;
}

static void random_input(struct vn_session *s, int i, uint64_t *seed)
{
    struct fed_input *f = &s->in[i];
    const int real = vn_dtype_is_float(f->t.dtype);
    if (f->pixels) {
        for (size_t k = 0; k < s->net->in[i].bytes; k++)
            f->pixels[k] = (uint8_t)(vn_random(seed) >> 56);
        convert_pixels(s, i, 0);
        return;
    }
    const int64_t n = vn_shape_count(&f->t.shape), channels = turned_channels(s, i), plane = n / channels;
    for (int64_t k = 0; k < n; k++) /* 0 and 1: good as an index, too */
        vn_tensor_set_f64(&f->t, k % plane * channels + k / plane,
                          real ? random_real(seed) : (double)(vn_random(seed) >> 63));
}

static int feed_random(struct vn_session *s, uint64_t seed, struct vn_err *e)
{
    for (int i = 0; i < s->net->n_in; i++) {
        TRY(check_input(s, i, e));
        random_input(s, i, &seed);
        finish(s, i);
    }
    return VN_OK;
}

int vn_session_feed_random(struct vn_session *s, uint64_t seed, struct vn_err *e)
{
    int status;
    VN_GUARDED(status, e, feed_random(s, seed, e));
    return status;
}
