/* The first stage: configuration, model, static shapes, preprocessing as a node, origin. */
#include "convert/stages.h"

#include "base/file.h"
#include "base/hash.h"
#include "front/front.h"
#include "ops/op.h"
#include "session/input_text.h"

int vn_convert_read_config(struct vn_conversion *c, const char *path, struct vn_err *e)
{
    TRY(vn_config_read(&c->config, c->arena, path, e));
    for (int i = 0; i < c->config->warnings.n; i++)
        WARN(c, "%s", c->config->warnings.v[i]);
    if (vn_target_read(&c->target, c->arena, c->config->march, e) < 0) {
        const struct vn_err why = *e;
        return vn_config_fail(c->config, vn_config_given(c->config, "march"), e, why.code, "%s", why.msg);
    }
    INFO(c, "validating model_parameters finished");
    return VN_OK;
}

int vn_convert_read_model(struct vn_conversion *c, struct vn_err *e)
{
    struct config *cfg = c->config;
    struct vn_onnx_input_shape *shapes = NEW_ARRAY(c->arena, struct vn_onnx_input_shape, cfg->n_inputs);
    struct vn_onnx_options o = { .shapes = shapes, .listener = &c->listener };
    for (int i = 0; i < cfg->n_inputs; i++)
        if (cfg->inputs[i].shape && (cfg->inputs[i].name || cfg->prototxt)) {
            shapes[o.n_shapes].name = cfg->inputs[i].name;
            TRY(vn_shape_parse(&shapes[o.n_shapes++].shape, cfg->inputs[i].shape, e));
        }
    INFO(c, "Using %s model file: %s", cfg->prototxt ? "caffe" : "onnx", cfg->model);
    if (cfg->prototxt)
        INFO(c, "Using prototxt file: %s", cfg->prototxt);
    return vn_model_read(&c->original, c->arena, cfg->model, cfg->prototxt, &o, e);
}

int vn_convert_match_inputs(struct vn_conversion *c, struct vn_err *e)
{
    const struct graph *g = c->original;
    const char **names = NEW_ARRAY(c->arena, const char *, g->inputs.n);
    for (int i = 0; i < g->inputs.n; i++)
        names[i] = g->inputs.v[i]->name;
    INFO(c, "Model has %d inputs according to model file", g->inputs.n);
    TRY(vn_config_match_inputs(c->config, c->arena, g->inputs.n, names, e));
    for (int i = 0; i < g->inputs.n; i++) {
        char shape[VN_SHAPE_TEXT];
        struct value *v = g->inputs.v[i];
        if (c->config->inputs[i].shape) /* a single unnamed input */
            TRY(vn_shape_parse(&v->shape, c->config->inputs[i].shape, e));
        INFO(c, "input '%s': %s -> %s, shape %s", v->name, vn_input_type_word(c->config->inputs[i].type_rt),
             vn_input_type_word(c->config->inputs[i].type_train), vn_shape_text(&v->shape, shape));
    }
    INFO(c, "validating input_parameters finished");
    return VN_OK;
}

static int insert_preprocess(struct vn_conversion *c, struct graph *g, struct vn_err *e)
{
    for (int i = 0; i < g->inputs.n; i++) {
        const struct input_config *in = &c->config->inputs[i];
        vn_graph_meta_set(g, vn_arena_fmt(c->arena, "input.%s", in->name), vn_input_text(in, c->arena));
        if (in->type_rt == VN_IN_FEATUREMAP)
            continue;
        const struct preprocess_spec s = { .type_rt = in->type_rt,
                                           .type_train = in->type_train,
                                           .video_range = in->range == RANGE_BT601_VIDEO,
                                           .channels_last = in->layout_train == LAYOUT_NHWC,
                                           .n_mean = in->n_mean,
                                           .n_scale = in->n_scale,
                                           .mean = in->mean,
                                           .scale = in->scale };
        TRY(vn_insert_preprocess(g, g->inputs.v[i], &s, e));
        if (in->type_rt == VN_IN_NV12 && (g->inputs.v[i]->shape.d[s.channels_last ? 1 : 2] % 2 ||
                                          g->inputs.v[i]->shape.d[s.channels_last ? 2 : 3] % 2))
            return vn_fail(e, VN_E_INPUT, "nv12 type does not support odd number input size (input %s)",
                           in->name);
    }
    return VN_OK;
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

int vn_convert_make_original(struct vn_conversion *c, struct vn_err *e)
{
    INFO(c, "Start to prepare the onnx model.");
    if (c->config->prototxt)
        INFO(c, "Input Caffe Model Information: %d nodes", c->original->nodes.n);
    else
        INFO(c, "Input ONNX Model Information: ONNX IR version %d, opset %d, %d nodes",
             c->original->ir_version, c->original->opset, c->original->nodes.n);
    TRY(insert_preprocess(c, c->original, e));
    if (vn_passes_prepare(c->original, e) < 0)
        return vn_fail_at(e, "%s", c->original->source);
    TRY(vn_convert_note_origin(c, c->original, e));
    INFO(c, "End to prepare the onnx model.");
    return VN_OK;
}
