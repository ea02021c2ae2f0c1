/* The first stage: configuration, model, static shapes, preprocessing as a node, origin. */
#include "convert/stages.h"

#include <limits.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/hash.h"
#include "front/front.h"
#include "ops/op.h"
#include "session/input_text.h"

/* What a failure says, at the place of a key. */
static int fail_key(const struct vn_conversion *c, const char *key, struct vn_err *e)
{
    const struct vn_err why = *e;
    return vn_config_fail(c->config, vn_config_given(c->config, key), e, why.code, "%s", why.msg);
}

int vn_convert_check_folder(struct vn_conversion *c, struct vn_err *e)
{
    const int status = c->config->working_dir ? vn_dir_may_make(c->config->working_dir, e) : VN_OK;
    return status < 0 ? fail_key(c, "working_dir", e) : VN_OK;
}

int vn_convert_note(struct vn_conversion *c, int status, const struct vn_err *e)
{
    return vn_config_note(c->config, c->arena, status, e);
}

int vn_convert_verdict(struct vn_conversion *c, struct vn_err *e)
{
    const struct config *cfg = c->config;
    for (int i = 0; i < cfg->problems.n; i++)
        vn_problem(&c->listener, &cfg->problems.v[i]);
    if (cfg->problems.n)
        *e = cfg->problems.v[0];
    return cfg->problems.n ? e->code : VN_OK;
}

static int read_target(struct vn_conversion *c, struct vn_err *e)
{
    if (vn_target_read(&c->target, c->arena, c->config->march, e) < 0) {
        c->target.name = c->config->march;
        return fail_key(c, "march", e);
    }
    return vn_config_check_target(c->config, &c->target, e);
}

static int check_format(const struct vn_conversion *c, struct vn_err *e)
{
    const enum vn_source_format is = c->config->prototxt ? VN_SOURCE_CAFFE : VN_SOURCE_ONNX;
    if (c->format == VN_SOURCE_ANY || !c->config->model || c->format == is)
        return VN_OK;
    return vn_config_fail(c->config, NULL, e, VN_E_INPUT,
                          is == VN_SOURCE_ONNX
                              ? "Key 'model_parameters' error: Missing keys: 'caffe_model', 'prototxt'; it "
                                "names an ONNX model"
                              : "Key 'model_parameters' error: Missing keys: 'onnx_model'; it names a Caffe "
                                "network");
}

int vn_convert_read_config(struct vn_conversion *c, const char *path, struct vn_err *e)
{
    TRY(vn_config_read_all(&c->config, c->arena, path, e));
    for (int i = 0; i < c->config->warnings.n; i++)
        WARN(c, "%s", c->config->warnings.v[i]);
    if (c->config->unreadable)
        return vn_convert_verdict(c, e);
    TRY(vn_convert_note(c, check_format(c, e), e));
    TRY(vn_convert_note(c, read_target(c, e), e));
    TRY(vn_convert_note(c, vn_config_load_custom_ops(c->config, e), e));
    return VN_OK;
}

static int read_with_shapes(struct vn_conversion *c, const struct vn_onnx_options *o, struct vn_err *e)
{
    const struct config *cfg = c->config;
    return vn_model_read(&c->original, c->arena, cfg->model, cfg->prototxt, o, e);
}

static void tell_place(const struct vn_conversion *c, const char *path)
{
    char place[PATH_MAX];
    if (realpath(path, place))
        DETAIL(c, "Using abs path %s", place);
}

int vn_convert_read_model(struct vn_conversion *c, struct vn_err *e)
{
    struct config *cfg = c->config;
    struct vn_onnx_input_shape *shapes = NEW_ARRAY(c->arena, struct vn_onnx_input_shape, cfg->n_inputs);
    struct vn_onnx_options o = {
        .shapes = shapes, .values = cfg->values, .n_values = cfg->n_values, .listener = &c->listener
    };
    for (int i = 0; i < cfg->n_inputs; i++)
        if (cfg->inputs[i].shape && (cfg->inputs[i].name || cfg->prototxt)) {
            shapes[o.n_shapes].name = cfg->inputs[i].name;
            TRY(vn_shape_parse(&shapes[o.n_shapes++].shape, cfg->inputs[i].shape, e));
        }
    tell_place(c, cfg->model);
    INFO(c, "Using %s model file: %s", cfg->prototxt ? "caffe" : "onnx", cfg->model);
    if (cfg->prototxt)
        INFO(c, "Using prototxt file: %s", cfg->prototxt);
    int status = read_with_shapes(c, &o, e);
    struct vn_err first = *e;
    if (status < 0 && e->reason == REASON_no_such_input) { /* what else is wrong? input_name is, too */
        o.n_shapes = 0;
        status = read_with_shapes(c, &o, e);
        if (status < 0) {
            *e = first;
            status = fail_key(c, "input_name", e);
        }
    }
    return status;
}

static int set_shape(struct vn_conversion *c, struct value *v, const struct input_config *in,
                     struct vn_err *e)
{
    if (in->shape && vn_shape_parse(&v->shape, in->shape, e) < 0)
        return fail_key(c, "input_shape", e);
    return VN_OK;
}

int vn_convert_match_inputs(struct vn_conversion *c, struct vn_err *e)
{
    const struct graph *g = c->original;
    const char **names = NEW_ARRAY(c->arena, const char *, g->inputs.n);
    for (int i = 0; i < g->inputs.n; i++)
        names[i] = g->inputs.v[i]->name;
    TRY(vn_config_match_inputs(c->config, c->arena, g->inputs.n, names, e));
    for (int i = 0; i < g->inputs.n; i++)
        TRY(set_shape(c, g->inputs.v[i], &c->config->inputs[i], e)); /* also of a single unnamed input */
    vn_convert_tell_inputs(c);
    return VN_OK;
}

/* The key to blame where an image type does not fit the input: its layout, if the other one would. */
static const char *misfit_key(const struct input_config *in, const struct vn_shape *shape)
{
    const int channels = in->type_rt == VN_IN_GRAY ? 1 : 3;
    const int other = in->layout_train == LAYOUT_NHWC ? 1 : 3;
    return shape->rank == 4 && shape->d[other] == channels ? "input_layout_train" : "input_type_train";
}

static int check_even(const struct input_config *in, const struct vn_shape *shape, struct vn_err *e)
{
    const int h = in->layout_train == LAYOUT_NHWC ? 1 : 2;
    return in->type_rt == VN_IN_NV12 && (shape->d[h] % 2 || shape->d[h + 1] % 2)
               ? vn_fail(e, VN_E_INPUT, "nv12 type does not support odd number input size (input %s)",
                         in->name)
               : VN_OK;
}

static struct preprocess_spec spec_of(const struct input_config *in)
{
    return (struct preprocess_spec){ .type_rt = in->type_rt,
                                     .type_train = in->type_train,
                                     .video_range = in->range == RANGE_BT601_VIDEO,
                                     .channels_last = in->layout_train == LAYOUT_NHWC,
                                     .n_mean = in->n_mean,
                                     .n_scale = in->n_scale,
                                     .mean = in->mean,
                                     .scale = in->scale };
}

int vn_convert_check_layouts(struct vn_conversion *c, struct vn_err *e)
{
    for (int i = 0; i < c->original->inputs.n; i++) {
        const struct input_config *in = &c->config->inputs[i];
        const struct value *v = c->original->inputs.v[i];
        const struct preprocess_spec s = spec_of(in);
        if (in->type_rt != VN_IN_FEATUREMAP && vn_preprocess_fits(v, &s, e) < 0)
            return fail_key(c, misfit_key(in, &v->shape), e);
    }
    return VN_OK;
}

static int insert_preprocess(struct vn_conversion *c, struct graph *g, int i, struct vn_err *e)
{
    const struct input_config *in = &c->config->inputs[i];
    struct value *v = g->inputs.v[i];
    const struct preprocess_spec s = spec_of(in);
    vn_graph_meta_set(g, vn_arena_fmt(c->arena, "input.%s", in->name), vn_input_text(in, c->arena));
    if (in->type_rt == VN_IN_FEATUREMAP)
        return VN_OK;
    if (vn_insert_preprocess(g, v, &s, e) < 0)
        return fail_key(c, misfit_key(in, &v->shape), e);
    return check_even(in, &v->shape, e) < 0 ? fail_key(c, "input_type_rt", e) : VN_OK;
}

int vn_convert_hash(const char **text, struct vn_arena *a, const char *path, struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    struct vn_arena *file = vn_arena_new();
    const int status = vn_file_map(file, path, &data, &bytes, e);
    if (status == VN_OK)
        *text = vn_arena_fmt(a, "%016llx", (unsigned long long)vn_hash(data, bytes, SIZE_MAX));
    vn_arena_free(&file);
    return status;
}

static int note_hash(struct vn_conversion *c, struct graph *g, const char *key, const char *path,
                     struct vn_err *e)
{
    const char *text;
    TRY(vn_convert_hash(&text, c->arena, path, e));
    vn_graph_meta_set(g, key, text);
    return VN_OK;
}

int vn_convert_note_origin(struct vn_conversion *c, struct graph *g, struct vn_err *e)
{
    vn_graph_meta_set(g, "vernier.version", VN_VERSION);
    vn_graph_meta_set(g, "model.file", vn_path_base(c->config->model));
    TRY(note_hash(c, g, "model.hash", c->config->model, e));
    if (c->config->prototxt)
        TRY(note_hash(c, g, "prototxt.hash", c->config->prototxt, e));
    if (*c->config->path)
        TRY(note_hash(c, g, "config.hash", c->config->path, e));
    vn_graph_meta_set(g, "march", c->target.name);
    return VN_OK;
}

/* The network cannot be prepared; where shapes were given, because of these. */
static int fail_shapes(const struct vn_conversion *c, struct vn_err *e)
{
    const struct setting *s = vn_config_used(c->config, "input_shape");
    const struct vn_err why = *e;
    if (!s)
        return vn_fail_at(e, "%s", c->original->source);
    return vn_config_fail(c->config, s, e, why.code, "the network cannot take %s: %s", s->text, why.msg);
}

/* A network that was quantized before is a float one with parameters. */
static int take_parameters(struct vn_conversion *c, struct vn_err *e)
{
    const struct vn_map *loaded;
    const int n = vn_quantize_take(&loaded, c->original),
              wanted = c->config->calibration_type == CALIBRATION_LOAD;
    if (wanted && !n)
        return vn_config_fail(c->config, vn_config_given(c->config, "calibration_type"), e, VN_E_INPUT,
                              "load requires a network with QuantizeLinear and DequantizeLinear, %s has none",
                              c->original->source);
    if (n && !wanted)
        WARN(c,
             "%s: %d tensors have scales of their own, which are not used; calibration_type load keeps them",
             c->original->source, n);
    c->loaded = wanted ? loaded : NULL;
    return VN_OK;
}

int vn_convert_make_original(struct vn_conversion *c, struct vn_err *e)
{
    TRY(take_parameters(c, e));
    vn_convert_tell_settings(c);
    vn_convert_tell_calibration(c);
    vn_convert_tell_compiler(c);
    INFO(c, "Start to prepare the onnx model.");
    if (c->config->prototxt)
        INFO(c, "Input Caffe Model Information: %d nodes", c->original->nodes.n);
    else
        INFO(c, "Input ONNX Model Information: ONNX IR version %d, opset %d, %d nodes",
             c->original->ir_version, c->original->opset, c->original->nodes.n);
    const int before = c->config->problems.n;
    TRY(vn_convert_note(c, vn_convert_set_outputs(c, e), e));
    for (int i = 0; i < c->original->inputs.n; i++)
        TRY(vn_convert_note(c, insert_preprocess(c, c->original, i, e), e));
    if (c->config->problems.n > before)
        return VN_OK;
    if (vn_passes_prepare(c->original, e) < 0)
        return fail_shapes(c, e);
    TRY(vn_convert_note_origin(c, c->original, e));
    INFO(c, "End to prepare the onnx model.");
    return VN_OK;
}
