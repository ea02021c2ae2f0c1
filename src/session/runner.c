#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/random.h"
#include "front/front.h"
#include "interp/interp.h"
#include "passes/pass.h"
#include "session/runner.h"
#include "tensor/npy.h"

/* ---- what artefacts say of their inputs ---- */

const char *vn_input_text(const struct input_config *in, struct vn_arena *a)
{
    return vn_arena_fmt(a, "train=%s layout_train=%s rt=%s layout_rt=%s range=%s", vn_input_type_word(in->type_train),
                        vn_layout_word(in->layout_train), vn_input_type_word(in->type_rt), vn_layout_word(in->layout_rt),
                        vn_word_of(vn_words_value_range, (int)in->range));
}

/* The word behind "key=", or NULL where it is none of the words. */
static const struct config_word *field(struct vn_arena *a, const char *text, const char *key,
                                       const struct config_word *words)
{
    const size_t n = strlen(key);
    for (const char *p = text; (p = strstr(p, key)); p += n)
        if ((p == text || p[-1] == ' ') && p[n] == '=')
            return vn_word_find(words, vn_arena_strn(a, p + n + 1, strcspn(p + n + 1, " ")));
    return NULL;
}

void vn_input_parse(struct input_config *in, struct vn_arena *a, const char *text)
{
    *in = (struct input_config){ .cal_type = VN_F32 }; /* a feature map */
    if (!text)
        return;
    const struct config_word *train = field(a, text, "train", vn_words_input_type_train),
                             *rt = field(a, text, "rt", vn_words_input_type_rt),
                             *layout_train = field(a, text, "layout_train", vn_words_layout),
                             *layout_rt = field(a, text, "layout_rt", vn_words_layout),
                             *range = field(a, text, "range", vn_words_value_range);
    if (!train || !rt || !layout_train || !layout_rt || train->value == VN_IN_FEATUREMAP || rt->value == VN_IN_FEATUREMAP)
        return;
    *in = (struct input_config){ .type_train = (enum vn_input_type)train->value, .type_rt = (enum vn_input_type)rt->value,
                                 .layout_train = (enum input_layout)layout_train->value, .layout_rt = (enum input_layout)layout_rt->value,
                                 .range = range ? (enum value_range)range->value : RANGE_REGULAR, .cal_type = VN_U8 };
}

static const char *runner_meta(const struct runner *r, const char *key)
{
    return r->kind == RUN_BIN ? vn_model_meta(r->program.model, key) : vn_graph_meta(r->graph, key);
}

/* ---- opening ---- */

static void allocate_names(struct runner *r)
{
    r->in_name = NEW_ARRAY(r->arena, const char *, r->n_in);
    r->in_shape = NEW_ARRAY(r->arena, struct vn_shape, r->n_in);
    r->in = NEW_ARRAY(r->arena, struct input_config, r->n_in);
    r->in_int8 = NEW_ARRAY(r->arena, int, r->n_in);
    r->out_name = NEW_ARRAY(r->arena, const char *, r->n_out);
    r->out = NEW_ARRAY(r->arena, struct vn_tensor *, r->n_out);
}

/* The network's input shape of an image input, whose own shape is that of its bytes. */
static int tensor_shape(struct vn_shape *s, const struct runner *r, int i, struct vn_err *e)
{
    const struct vn_io *io = &r->program.in[i];
    *s = vn_shape_of(io->rank, io->shape);
    if (io->type == VN_IN_FEATUREMAP)
        return VN_OK;
    const int nv12 = io->type == VN_IN_NV12;
    if (io->rank != (nv12 ? 3 : 4) || r->in[i].type_rt == VN_IN_FEATUREMAP)
        return vn_fail(e, VN_E_INPUT, "%s: input %s is an image, but the file does not say of which kind", r->path, io->name);
    const int64_t n = io->shape[0], c = nv12 ? 3 : io->shape[io->channels_last ? 3 : 1];
    const int64_t h = nv12 ? io->shape[1] / 3 * 2 : io->shape[io->channels_last ? 1 : 2], w = nv12 ? io->shape[2] : io->shape[io->channels_last ? 2 : 3];
    *s = r->in[i].layout_train == LAYOUT_NHWC ? vn_shape_of(4, (int64_t[]){ n, h, w, c }) : vn_shape_of(4, (int64_t[]){ n, c, h, w });
    return VN_OK;
}

/* The file is not trusted: an image must have the channels and bytes of its kind, since buffers are sized by either. */
static int check_image(const struct runner *r, int i, struct vn_err *e)
{
    const struct vn_shape *s = &r->in_shape[i];
    struct vn_pixel_format f;
    char text[VN_SHAPE_TEXT];
    if (r->in[i].type_rt == VN_IN_FEATUREMAP)
        return VN_OK;
    int good = s->rank == 4 && s->d[0] > 0 && vn_input_format(&f, &r->in[i], s) && f.w > 0 && f.h > 0 &&
               s->d[f.channels_last_train ? 3 : 1] == vn_pixel_channels(&f) && (f.rt != VN_IN_NV12 || (f.w % 2 == 0 && f.h % 2 == 0));
    if (good && r->kind == RUN_BIN) {
        const struct vn_io *io = &r->program.in[i];
        good = io->type != VN_IN_FEATUREMAP ? io->bytes == (size_t)s->d[0] * vn_pixels_bytes(&f) : io->dtype == VN_F32 || io->dtype == VN_I8;
    }
    return good ? VN_OK : vn_fail(e, VN_E_INPUT, "%s: input %s of shape %s is no %s image, as the file says", r->path, r->in_name[i],
                                  vn_shape_text(s, text), vn_input_type_word(r->in[i].type_rt));
}

static void make_outputs(struct runner *r)
{
    r->program.result = NEW_ARRAY(r->arena, void *, r->n_out);
    for (int i = 0; i < r->n_out; i++) {
        const struct vn_io *io = &r->program.out[i];
        const struct vn_shape s = vn_shape_of(io->rank, io->shape);
        r->out[i] = vn_tensor_new(r->arena, io->dtype, &s);
        r->program.result[i] = r->out[i]->data;
    }
}

static int open_bin(struct runner *r, const struct runner_options *o, struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    r->kind = RUN_BIN;
    TRY(vn_file_map(r->arena, r->path, &data, &bytes, e));
    if (vn_program_load(&r->program, r->arena, data, bytes, &o->run, e) < 0)
        return vn_fail_at(e, "%s", r->path);
    r->n_in = r->program.n_in;
    r->n_out = r->program.n_out;
    allocate_names(r);
    for (int i = 0; i < r->n_in; i++) {
        r->in_name[i] = r->program.in[i].name;
        vn_input_parse(&r->in[i], r->arena, runner_meta(r, vn_arena_fmt(r->arena, "input.%s", r->in_name[i])));
        r->in[i].name = r->in_name[i];
        TRY(tensor_shape(&r->in_shape[i], r, i, e));
        TRY(check_image(r, i, e));
    }
    for (int i = 0; i < r->n_out; i++)
        r->out_name[i] = r->program.out[i].name;
    make_outputs(r);
    return VN_OK;
}

static int open_onnx(struct runner *r, const struct runner_options *o, struct vn_err *e)
{
    r->kind = RUN_ONNX;
    r->reference = o->reference;
    TRY(vn_model_read(&r->graph, r->arena, r->path, o->prototxt, NULL, e));
    if (vn_passes_prepare(r->graph, e) < 0)
        return vn_fail_at(e, "%s", r->path);
    vn_graph_imply(r->graph);
    r->n_in = r->graph->inputs.n;
    r->n_out = r->graph->outputs.n;
    allocate_names(r);
    for (int i = 0; i < r->n_in; i++) {
        const struct value *v = r->graph->inputs.v[i];
        r->in_name[i] = v->name;
        r->in_shape[i] = v->shape;
        r->in_int8[i] = v->q != NULL && v->q->scale[0] == 1 && v->q->zero[0] == 0;
        vn_input_parse(&r->in[i], r->arena, runner_meta(r, vn_arena_fmt(r->arena, "input.%s", v->name)));
        r->in[i].name = v->name;
        TRY(check_image(r, i, e));
    }
    for (int i = 0; i < r->n_out; i++)
        r->out_name[i] = r->graph->outputs.v[i]->name;
    if (r->reference)
        return VN_OK;
    struct compile_options c;
    vn_compile_defaults(&c);
    c.level = o->level;
    TRY(vn_program_start(&r->program, r->arena, r->graph, &c, &o->run, e));
    make_outputs(r);
    return VN_OK;
}

int vn_runner_open(struct runner **out, struct vn_arena *a, const char *path, const struct runner_options *o, struct vn_err *e)
{
    struct runner *r = NEW(a, struct runner);
    r->arena = a;
    r->path = vn_arena_str(a, path);
    *out = r;
    if (o->prototxt || vn_path_has_suffix(path, ".onnx") || vn_path_has_suffix(path, ".caffemodel"))
        return open_onnx(r, o, e);
    if (o->reference)
        return vn_fail(e, VN_E_USAGE, "%s: the reference executor runs .onnx files", path);
    const int status = open_bin(r, o, e);
    if (status == VN_E_INPUT && !vn_path_has_suffix(path, ".bin")) {
        const struct vn_err why = *e;
        return vn_fail(e, why.code, "%s (want a file that ends in .onnx, or a .bin)", why.msg);
    }
    return status;
}

int vn_runner_again(struct runner **out, struct vn_arena *a, const struct runner *r, const struct vn_options *run, struct vn_err *e)
{
    struct runner *again = *out = NEW(a, struct runner);
    *again = *r;
    again->arena = a;
    again->out = NEW_ARRAY(a, struct vn_tensor *, r->n_out);
    if (vn_program_load(&again->program, a, r->program.image, r->program.image_bytes, run, e) < 0)
        return vn_fail_at(e, "%s", r->path);
    make_outputs(again);
    return VN_OK;
}

/* ---- feeding ---- */

/* The type of an input that is fed as it is: neither float32 nor pixels nor quantized. VN_NONE: another one. */
static enum vn_dtype plain_type(const struct runner *r, int i)
{
    const struct vn_io *io = r->kind == RUN_BIN ? &r->program.in[i] : NULL;
    const enum vn_dtype t = io ? io->dtype : r->graph->inputs.v[i]->dtype;
    const int quantized = io ? io->scale > 0 : r->graph->inputs.v[i]->q != NULL;
    return t == VN_F32 || quantized || r->in[i].type_rt != VN_IN_FEATUREMAP ? VN_NONE : t;
}

struct feed vn_feed_new(const struct runner *r, struct vn_arena *a)
{
    struct feed f = { NEW_ARRAY(a, float *, r->n_in), NEW_ARRAY(a, uint8_t *, r->n_in), NEW_ARRAY(a, struct vn_tensor *, r->n_in),
                      NEW_ARRAY(a, struct vn_origin, r->n_in) };
    for (int i = 0; i < r->n_in; i++) {
        struct vn_pixel_format p;
        const int64_t n = vn_shape_count(&r->in_shape[i]);
        if (plain_type(r, i) != VN_NONE) {
            f.plain[i] = vn_tensor_new(a, plain_type(r, i), &r->in_shape[i]);
            continue;
        }
        f.tensor[i] = NEW_ARRAY(a, float, n);
        if (vn_input_format(&p, &r->in[i], &r->in_shape[i]))
            f.bytes[i] = vn_arena_alloc(a, vn_pixels_bytes(&p) * (size_t)(r->in_shape[i].d[0] > 0 ? r->in_shape[i].d[0] : 1));
    }
    return f;
}

/* Runtime bytes of image i to the network's tensor. */
static void bytes_to_tensor(struct feed *f, const struct runner *r, int i)
{
    struct vn_pixel_format p;
    vn_input_format(&p, &r->in[i], &r->in_shape[i]);
    const int channels = vn_pixel_channels(&p);
    const size_t n = (size_t)p.w * p.h;
    struct vn_arena *a = vn_arena_new();
    uint8_t *px = NEW_ARRAY(a, uint8_t, n * channels);
    for (int64_t b = 0; b < r->in_shape[i].d[0]; b++) {
        const uint8_t *x = f->bytes[i] + (size_t)b * vn_pixels_bytes(&p);
        for (size_t k = 0; k < n; k++)
            for (int c = 0; c < channels; c++) {
                const size_t row = k / (size_t)p.w, col = k % (size_t)p.w;
                px[k * channels + c] = p.rt == VN_IN_NV12 ? (c ? x[n + row / 2 * p.w + col / 2 * 2 + c - 1] : x[k])
                                     : x[p.channels_last_rt ? k * channels + c : c * n + k];
            }
        vn_pixels_tensor(f->tensor[i] + (size_t)b * n * channels, px, &p);
    }
    vn_arena_free(&a);
}

/* A .npy of any number type, or raw bytes of the input's own. */
static int feed_plain(struct vn_tensor *to, const char *name, const char *path, struct vn_arena *a, struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    char want[VN_SHAPE_TEXT], got[VN_SHAPE_TEXT];
    TRY(vn_file_map(a, path, &data, &bytes, e));
    struct vn_tensor *t;
    if (!vn_npy_is(data, bytes)) {
        if (bytes != vn_tensor_bytes(to))
            return vn_fail(e, VN_E_INPUT, "%s: %zu bytes, input %s wants %zu for shape %s of %s", path, bytes, name, vn_tensor_bytes(to),
                           vn_shape_text(&to->shape, want), vn_dtype_name(to->dtype));
        memcpy(to->data, data, bytes);
        return VN_OK;
    }
    TRY(vn_npy_parse(&t, a, data, bytes, path, e));
    if (vn_shape_count(&t->shape) != vn_shape_count(&to->shape))
        return vn_fail(e, VN_E_INPUT, "%s: array of shape %s, input %s wants %s", path, vn_shape_text(&t->shape, got), name, vn_shape_text(&to->shape, want));
    memcpy(to->data, vn_tensor_cast(a, t, to->dtype)->data, vn_tensor_bytes(to));
    return VN_OK;
}

int vn_feed_file(struct feed *f, const struct runner *r, int i, const char *path, const struct vn_pipeline *p, struct vn_err *e)
{
    struct vn_pixel_format format;
    f->from[i] = (struct vn_origin){ .w = 0 };
    if (f->plain[i]) {
        struct vn_arena *a = vn_arena_new();
        const int status = feed_plain(f->plain[i], r->in_name[i], path, a, e);
        vn_arena_free(&a);
        return status;
    }
    const int image = vn_input_format(&format, &r->in[i], &r->in_shape[i]);
    const int is_picture = vn_picture_is_image_name(path);
    if (is_picture || !image || r->kind == RUN_BIN) {
        if (image && !is_picture && r->kind == RUN_BIN) { /* raw runtime bytes */
            const uint8_t *data;
            size_t bytes;
            struct vn_arena *a = vn_arena_new();
            int status = vn_file_map(a, path, &data, &bytes, e);
            struct vn_tensor *t = NULL;
            if (status == VN_OK && vn_npy_is(data, bytes)) {
                status = vn_npy_parse(&t, a, data, bytes, path, e);
                if (status == VN_OK && t->dtype != VN_U8)
                    status = vn_fail(e, VN_E_INPUT, "%s: input %s wants uint8 %s bytes, got %s", path, r->in_name[i],
                                     vn_input_type_word(format.rt), vn_dtype_name(t->dtype));
                data = t ? t->data : data;
                bytes = t ? vn_tensor_bytes(t) : bytes;
            }
            if (status == VN_OK && bytes != r->program.in[i].bytes)
                status = vn_fail(e, VN_E_INPUT, "%s: %zu bytes, input %s wants %zu bytes of %s", path, bytes, r->in_name[i], r->program.in[i].bytes,
                                 vn_input_type_word(format.rt));
            if (status == VN_OK)
                memcpy(f->bytes[i], data, bytes);
            vn_arena_free(&a);
            TRY(status);
            bytes_to_tensor(f, r, i);
            return VN_OK;
        }
        return vn_sample_file(f->tensor[i], f->bytes[i], &f->from[i], &r->in[i], &r->in_shape[i], p, path, e);
    }
    struct input_config raw; /* the tensor itself: "pixel - 128" as float32 or int8 */
    vn_input_parse(&raw, r->arena, NULL);
    raw.name = r->in_name[i];
    raw.cal_type = r->in_int8[i] ? VN_I8 : VN_F32;
    return vn_sample_file(f->tensor[i], NULL, NULL, &raw, &r->in_shape[i], NULL, path, e);
}

void vn_feed_random(struct feed *f, const struct runner *r, uint64_t seed)
{
    for (int i = 0; i < r->n_in; i++) {
        struct vn_pixel_format p;
        const int64_t n = vn_shape_count(&r->in_shape[i]);
        if (f->plain[i]) {
            for (int64_t k = 0; k < n; k++) /* small: good as an index, too */
                vn_tensor_set_f64(f->plain[i], k, vn_dtype_is_float(f->plain[i]->dtype) ? (double)(vn_random(&seed) >> 40) * 0x1p-23 - 1 : vn_random(&seed) >> 63);
        } else if (vn_input_format(&p, &r->in[i], &r->in_shape[i])) {
            const size_t bytes = vn_pixels_bytes(&p) * (size_t)r->in_shape[i].d[0];
            for (size_t k = 0; k < bytes; k++)
                f->bytes[i][k] = (uint8_t)(vn_random(&seed) >> 56);
            bytes_to_tensor(f, r, i);
        } else
            for (int64_t k = 0; k < n; k++)
                f->tensor[i][k] = (float)(vn_random(&seed) >> 40) * 0x1p-23f - 1;
    }
}

/* ---- running ---- */

static const void *program_input(const struct runner *r, const struct feed *f, int i, struct vn_arena *a)
{
    const struct vn_io *io = &r->program.in[i];
    if (f->plain[i])
        return f->plain[i]->data;
    if (io->type != VN_IN_FEATUREMAP)
        return f->bytes[i];
    return vn_program_input(a, io, f->tensor[i]);
}

static int run_reference(struct runner *r, const struct feed *f, struct vn_err *e)
{
    const struct vn_tensor **in = NEW_ARRAY(r->arena, const struct vn_tensor *, r->n_in);
    for (int i = 0; i < r->n_in; i++) {
        struct vn_tensor x = { VN_F32, r->in_shape[i], f->tensor[i] };
        if (f->plain[i]) {
            in[i] = f->plain[i];
            continue;
        }
        const enum vn_dtype want = r->in_int8[i] ? VN_F32 : r->graph->inputs.v[i]->dtype;
        in[i] = vn_tensor_cast(r->arena, &x, want == VN_NONE ? VN_F32 : want);
    }
    return vn_interp_run(r->arena, r->graph, in, r->out, NULL, NULL, e);
}

struct saved {
    struct vn_arena *a;
    struct vn_map *taken;
    const char *dir, *model;
};

static int save_array(const struct saved *s, const char *way, const char *name, const struct vn_tensor *t, struct vn_err *e)
{
    const char *file = vn_file_name(s->a, s->taken, vn_arena_fmt(s->a, "%s.%s.%s", vn_path_stem(s->a, s->model), way, name));
    return vn_npy_write(vn_path_join(s->a, s->dir, vn_arena_fmt(s->a, "%s.npy", file)), t, e);
}

/* The picture's folder, as `align` wants it. */
static int sample_folder(const char **dir, const struct runner *r, struct vn_arena *a, struct vn_err *e)
{
    char *path = realpath(r->sample, NULL);
    const char *line = vn_arena_fmt(a, "%s\n", path ? path : r->sample);
    free(path);
    *dir = vn_path_join(a, *dir, vn_path_stem(a, r->sample));
    TRY(vn_dir_make(*dir, e));
    return vn_file_write(vn_path_join(a, *dir, "source.txt"), line, strlen(line), e);
}

/* VERNIER_SAVE_IO=DIR: what goes in and out of every run, as .npy; pixels as the runtime's bytes. */
static int save_io(const struct runner *r, const struct feed *f, const char *dir, struct vn_arena *a, struct vn_err *e)
{
    TRY(vn_dir_make(dir, e));
    if (r->sample)
        TRY(sample_folder(&dir, r, a, e));
    const struct saved to = { a, vn_map_new(a), dir, r->path };
    for (int i = 0; i < r->n_in; i++) {
        const int pixels = r->kind == RUN_BIN && r->program.in[i].type != VN_IN_FEATUREMAP;
        const struct vn_shape flat = vn_shape_of(1, (const int64_t[]){ pixels ? (int64_t)r->program.in[i].bytes : 0 });
        const struct vn_tensor bytes = { VN_U8, flat, f->bytes[i] }, values = { VN_F32, r->in_shape[i], f->tensor[i] };
        TRY(save_array(&to, "input", r->in_name[i], f->plain[i] ? f->plain[i] : pixels ? &bytes : &values, e));
    }
    for (int i = 0; i < r->n_out; i++)
        TRY(save_array(&to, "output", r->out_name[i], r->out[i], e));
    return VN_OK;
}

static int run_model(struct runner *r, const struct feed *f, const struct vn_watch *watch, struct vn_err *e)
{
    if (r->reference)
        return run_reference(r, f, e);
    struct vn_arena *a = vn_arena_new();
    const void **in = NEW_ARRAY(a, const void *, r->n_in);
    for (int i = 0; i < r->n_in; i++)
        in[i] = program_input(r, f, i, a);
    vn_model_watch(r->program.model, watch);
    const int status = vn_model_run(r->program.model, in, r->program.result, e);
    vn_model_watch(r->program.model, NULL);
    for (int i = 0; i < r->n_out; i++)
        vn_model_output_shape(r->program.model, i, r->out[i]->shape.d);
    vn_arena_free(&a);
    return status;
}

int vn_runner_run(struct runner *r, const struct feed *f, const struct vn_watch *watch, struct vn_err *e)
{
    const char *dir = getenv("VERNIER_SAVE_IO");
    TRY(run_model(r, f, watch, e));
    if (!dir || !*dir)
        return VN_OK;
    struct vn_arena *a = vn_arena_new();
    const int status = save_io(r, f, dir, a, e);
    vn_arena_free(&a);
    return status;
}
