/* The flow: one short function for each stage, in the order in which data goes.
 *
 *     config -> front -> original_float -> optimized_float -> calibrated -> quantized -> .bin
 */
#include "convert/conversion.h"

#include "base/file.h"
#include "base/hash.h"
#include "front/front.h"
#include "session/input_text.h"
#include "tensor/npy.h"
#include "ops/op.h"

#define INFO(c, ...) vn_say(&(c)->listener, VN_LOG_INFO, __VA_ARGS__)
#define WARN(c, ...) vn_say(&(c)->listener, VN_LOG_WARNING, __VA_ARGS__)

/* ---- config ---- */

static int read_config(struct vn_conversion *c, const char *path, struct vn_err *e)
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

/* ---- front: the model with its inputs made static ---- */

static int read_model(struct vn_conversion *c, struct vn_err *e)
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

static int match_inputs(struct vn_conversion *c, struct vn_err *e)
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
        const struct preprocess_spec s = { .type_rt = in->type_rt, .type_train = in->type_train, .video_range = in->range == RANGE_BT601_VIDEO,
                                           .channels_last = in->layout_train == LAYOUT_NHWC, .n_mean = in->n_mean,
                                           .n_scale = in->n_scale, .mean = in->mean, .scale = in->scale };
        TRY(vn_insert_preprocess(g, g->inputs.v[i], &s, e));
        if (in->type_rt == VN_IN_NV12 && (g->inputs.v[i]->shape.d[s.channels_last ? 1 : 2] % 2 || g->inputs.v[i]->shape.d[s.channels_last ? 2 : 3] % 2))
            return vn_fail(e, VN_E_INPUT, "nv12 type does not support odd number input size (input %s)", in->name);
    }
    return VN_OK;
}

static int hash_of(const char **text, struct vn_arena *a, const char *path, struct vn_err *e)
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

static int note_hash(struct vn_conversion *c, struct graph *g, const char *key, const char *path, struct vn_err *e)
{
    const char *text;
    TRY(hash_of(&text, c->arena, path, e));
    vn_graph_meta_set(g, key, text);
    return VN_OK;
}

static int note_origin(struct vn_conversion *c, struct graph *g, struct vn_err *e)
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

static int write_onnx(struct vn_conversion *c, const struct graph *g, const char *stage, int int8_inputs, struct vn_err *e)
{
    const char *file = vn_arena_fmt(c->arena, "%s_%s_model.onnx", c->config->prefix, stage);
    const char *path = vn_path_join(c->arena, c->config->working_dir, file);
    const struct vn_onnx_write_options o = { .int8_inputs = int8_inputs, .producer_version = VN_VERSION };
    TRY(vn_onnx_write(g, path, &o, e));
    INFO(c, "Saving model to: %s.", file);
    const struct meta m = { stage, path };
    VEC_PUSH(c->arena, &c->products, m);
    return VN_OK;
}

static int make_original(struct vn_conversion *c, struct vn_err *e)
{
    INFO(c, "Start to prepare the onnx model.");
    if (c->config->prototxt)
        INFO(c, "Input Caffe Model Information: %d nodes", c->original->nodes.n);
    else
        INFO(c, "Input ONNX Model Information: ONNX IR version %d, opset %d, %d nodes", c->original->ir_version, c->original->opset, c->original->nodes.n);
    TRY(insert_preprocess(c, c->original, e));
    if (vn_passes_prepare(c->original, e) < 0)
        return vn_fail_at(e, "%s", c->original->source);
    TRY(note_origin(c, c->original, e));
    INFO(c, "End to prepare the onnx model.");
    return VN_OK;
}

static const struct node *find_node(const struct graph *g, const char *name)
{
    for (int i = 0; i < g->nodes.n; i++)
        if (!strcmp(g->nodes.v[i]->name, name))
            return g->nodes.v[i];
    return NULL;
}

/* The name of a node, or of an operator, that a rule means: an error with the nearest one where there is none. */
static int check_rule(struct vn_conversion *c, const struct type_rule *r, struct vn_err *e)
{
    const int kind = r->level == LEVEL_KIND;
    const struct graph *g = c->optimized;
    if (r->level == LEVEL_ALL || (kind ? vn_op_find(r->name, NULL) != NULL : find_node(g, r->name) != NULL))
        return VN_OK;
    if (!kind && find_node(c->original, r->name)) {
        WARN(c, "%s:%d: %s: node %s has no effect: optimization has merged it into others", c->config->path, r->line, r->given->key->name, r->name);
        return VN_OK;
    }
    const char **names = NEW_ARRAY(c->arena, const char *, g->nodes.n + vn_ops_count);
    int n = 0;
    for (int i = 0; i < (kind ? vn_ops_count : g->nodes.n); i++)
        names[n++] = kind ? vn_ops[i]->onnx : g->nodes.v[i]->name;
    const char *near = vn_nearest(r->name, names, n);
    return vn_config_fail_rule(c->config, r, e, VN_E_INPUT, "%s '%s'%s%s%s", kind ? "there is no operator" : "the model has no node", r->name,
                               near ? "; nearest name: '" : "", near ? near : "", near ? "'" : "");
}

static int make_optimized(struct vn_conversion *c, struct vn_err *e)
{
    INFO(c, "Start to optimize the onnx model.");
    c->optimized = vn_graph_clone(c->arena, c->original);
    c->passes = NEW_ARRAY(c->arena, struct pass_report, vn_passes_count);
    TRY(vn_passes_optimize(c->optimized, c->passes, e));
    for (int i = 0; i < vn_passes_count; i++)
        if (c->passes[i].changes) {
            const struct pass_report *p = &c->passes[i];
            INFO(c, "Summary info for %s:", p->name);
            INFO(c, "  After %s, the number of nodes has changed from %d to %d.", p->name, p->nodes_before, p->nodes_after);
            INFO(c, "  After %s, the number of parameters has changed from %lld to %lld.", p->name, (long long)p->params_before,
                 (long long)p->params_after);
        }
    for (int i = 0; i < c->config->types.n; i++)
        TRY(check_rule(c, &c->config->types.v[i], e));
    INFO(c, "End to optimize the onnx model.");
    return VN_OK;
}

/* ---- calibration ---- */

static int hash_samples(struct vn_conversion *c, struct vn_err *e)
{
    uint64_t h = 0;
    for (int i = 0; i < vn_samples_count(c->samples); i++) {
        const char *of_file;
        TRY(hash_of(&of_file, c->arena, vn_samples_name(c->samples, i), e));
        const char *pair = vn_arena_fmt(c->arena, "%016llx%s", (unsigned long long)h, of_file);
        h = vn_hash(pair, strlen(pair), SIZE_MAX);
    }
    vn_graph_meta_set(c->original, "calibration.hash", vn_arena_fmt(c->arena, "%016llx", (unsigned long long)h));
    vn_graph_meta_set(c->optimized, "calibration.hash", vn_graph_meta(c->original, "calibration.hash"));
    return VN_OK;
}

#define RANDOM_SAMPLES 8

static int check_samples(struct vn_conversion *c, struct vn_err *e)
{
    TRY(vn_dataset_check(&c->data, c->arena, c->config, c->original, c->samples, NULL, e));
    for (int i = 0; i < c->data.findings.n; i++) {
        const struct data_finding *f = &c->data.findings.v[i];
        if (f->severity == DATA_ERROR && !c->accept_data)
            return vn_fail(e, VN_E_INPUT, "%s", f->text);
        WARN(c, "%s", f->text);
    }
    return VN_OK;
}

/* The middle 4 x 4 pixels, R, G, B, in hexadecimal. */
static const char *small_crop(struct vn_arena *a, const struct vn_picture *p)
{
    const int w = p->w < 4 ? p->w : 4, h = p->h < 4 ? p->h : 4, left = (p->w - w) / 2, top = (p->h - h) / 2;
    const char *text = "";
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w * p->c; x++)
            text = vn_arena_fmt(a, "%s%02x", text, p->data[((size_t)(top + y) * p->w + left) * p->c + x]);
    return text;
}

/* How pictures became calibration data, and one of them as a golden example: a device's preprocessing can be held against it. */
static int note_pipeline(struct vn_conversion *c, struct vn_err *e)
{
    const char *first = vn_samples_name(c->samples, 0);
    const struct graph *g = c->original;
    struct vn_pixel_format f;
    struct vn_pipeline *p;
    struct vn_frame frame;
    struct vn_arena *a = c->arena;
    const char *of_file;
    if (!c->config->preprocess_on || !vn_picture_is_image_name(first) || !vn_input_format(&f, &c->config->inputs[0], &g->inputs.v[0]->shape))
        return VN_OK;
    TRY(vn_pipeline_parse(&p, a, c->config->pipeline ? c->config->pipeline : vn_arena_fmt(a, "resize %d %d", f.w, f.h), e));
    TRY(vn_pipeline_pixels(&frame, a, p, first, e));
    TRY(hash_of(&of_file, a, first, e));
    const struct vn_picture out = frame.p;
    const unsigned long long h = vn_hash(out.data, vn_picture_values(&out), SIZE_MAX);
    const char *const notes[][2] = {
        { "pipeline", vn_pipeline_line(p, a) },
        { "pipeline.golden_input", vn_arena_fmt(a, "%s %s", vn_path_base(first), of_file) },
        { "pipeline.golden_output", vn_arena_fmt(a, "%dx%dx%d rgb uint8 %016llx, middle %s", out.h, out.w, out.c, h, small_crop(a, &out)) },
    };
    for (int i = 0; i < 3; i++) {
        vn_graph_meta_set(c->original, notes[i][0], notes[i][1]);
        vn_graph_meta_set(c->optimized, notes[i][0], notes[i][1]);
    }
    return VN_OK;
}

static int open_samples(struct vn_conversion *c, struct vn_err *e)
{
    const int random = c->config->calibration_type == CALIBRATION_SKIP;
    if (random) {
        TRY(vn_samples_random(&c->samples, c->arena, c->config, c->original, RANDOM_SAMPLES, e));
    } else {
        TRY(vn_samples_open(&c->samples, c->arena, c->config, c->original, e));
        TRY(check_samples(c, e));
    }
    TRY(note_pipeline(c, e));
    INFO(c, "num of calibration data: %d", vn_samples_count(c->samples));
    INFO(c, "First calibration picture name: %s", vn_samples_name(c->samples, 0));
    INFO(c, "validating calibration_parameters finished");
    return random ? VN_OK : hash_samples(c, e);
}

static int collect_ranges(struct vn_conversion *c, struct vn_err *e)
{
    INFO(c, "Start to calibrate the model.");
    INFO(c, "There are %d samples in the data set.", vn_samples_count(c->samples));
    const struct vn_calibrate_options o = { .run = c->run, .listener = &c->listener };
    return vn_calibrate(&c->ranges, c->arena, c->optimized, c->samples, &o, e);
}

static int dump_calibration(struct vn_conversion *c, struct vn_err *e)
{
    for (int i = 0; c->config->dump_calibration && i < vn_samples_count(c->samples); i++) {
        struct vn_arena *a = vn_arena_new();
        float **x = NEW_ARRAY(a, float *, c->original->inputs.n);
        int status = vn_samples_load(c->samples, i, a, x, e);
        for (int k = 0; status == VN_OK && k < c->original->inputs.n; k++) {
            const struct value *v = c->original->inputs.v[k];
            const struct vn_tensor t = { VN_F32, v->shape, x[k] };
            const char *dir = vn_path_join(a, c->config->working_dir, vn_arena_fmt(a, "calibration_data/%s", v->name));
            status = vn_dir_make(dir, e);
            if (status == VN_OK)
                status = vn_npy_write(vn_path_join(a, dir, vn_arena_fmt(a, "%d.npy", i)), &t, e);
        }
        vn_arena_free(&a);
        TRY(status);
    }
    return VN_OK;
}

/* ---- quantization with one method ---- */

static int quantize(const struct vn_conversion *c, struct vn_arena *a, const struct vn_quant_method *m, struct graph **calibrated,
                    struct graph **quantized, struct vn_err *e)
{
    const struct vn_quant_options o = { .method = *m, .target = &c->target, .outputs_int8 = c->config->outputs_int8,
                                         .outputs_int16 = c->config->outputs_int16, .rules = c->config->types.v,
                                         .n_rules = c->config->types.n, .listener = calibrated == &c->calibrated ? &c->listener : NULL };
    *calibrated = vn_graph_clone(a, c->optimized);
    TRY(vn_quantize_annotate(*calibrated, c->ranges, &o, e));
    *quantized = vn_graph_clone(a, *calibrated);
    return vn_quantize_store(*quantized, e);
}

/* Mean cosine of the outputs over a few samples; the worst output counts. */
#define SEARCH_SAMPLES 10

static double worst_output(const struct graph *g, const struct comparison *cmp)
{
    double worst = 1;
    for (int i = 0; i < g->outputs.n; i++) {
        const struct node_similarity *s = &cmp->of[g->outputs.v[i]->id];
        if (s->samples && s->mean < worst)
            worst = s->mean;
    }
    return worst;
}

static int compare(struct comparison **out, struct vn_arena *a, const struct vn_conversion *c,
                   const struct graph *quantized, int limit, const char *what, struct vn_err *e)
{
    const struct compare_options o = { .run = c->run, .limit = limit, .listener = &c->listener, .what = what };
    return vn_compare_graphs(out, a, c->optimized, quantized, c->samples, &o, e);
}

static int score(const struct vn_conversion *c, const struct vn_quant_method *m, double *cosine, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    struct graph *calibrated, *quantized;
    struct comparison *cmp;
    const char *text = vn_quant_method_text(m, a);
    int status = quantize(c, a, m, &calibrated, &quantized, e);
    if (status == VN_OK)
        status = compare(&cmp, a, c, quantized, SEARCH_SAMPLES, text, e);
    if (status == VN_OK) {
        *cosine = worst_output(quantized, cmp);
        INFO(c, "  %s: output cosine %.6f", text, *cosine);
    }
    vn_arena_free(&a);
    return status;
}

static const struct {
    const char *calibrator;
    double parameter;
} candidates[] = { { "max", 1 }, { "max-percentile", 0.99999 }, { "max-percentile", 0.99995 }, { "max-percentile", 0.9999 } };

static struct vn_quant_method method_of(const struct vn_conversion *c, const char *calibrator, double parameter)
{
    return (struct vn_quant_method){ vn_calibrator_find(calibrator), parameter, c->config->asymmetric ? ZERO_POINTS_ASYMMETRIC : c->target.zero_points, c->config->bias_correction };
}

/* Keep the better of what was best so far and m. */
static int try_method(struct vn_conversion *c, struct vn_quant_method m, double *best, struct vn_err *e)
{
    double cosine;
    TRY(score(c, &m, &cosine, e));
    if (cosine > *best) {
        *best = cosine;
        c->method = m;
    }
    return VN_OK;
}

static int search_method(struct vn_conversion *c, struct vn_err *e)
{
    double best = -2;
    INFO(c, "Run calibration model with modelwise search method.");
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++)
        TRY(try_method(c, method_of(c, candidates[i].calibrator, candidates[i].parameter), &best, e));
    struct vn_quant_method corrected = c->method;
    corrected.bias_correction = 1;
    return c->method.bias_correction ? VN_OK : try_method(c, corrected, &best, e);
}

static int choose_method(struct vn_conversion *c, struct vn_err *e)
{
    const double p = c->config->max_percentile;
    c->method = method_of(c, p < 1 ? "max-percentile" : "max", p);
    if (c->config->calibration_type == CALIBRATION_DEFAULT)
        TRY(search_method(c, e));
    c->method_text = vn_quant_method_text(&c->method, c->arena);
    INFO(c, "Select %s method.", c->method_text);
    INFO(c, "End to calibrate the model.");
    return VN_OK;
}

static int make_quantized(struct vn_conversion *c, struct vn_err *e)
{
    INFO(c, "Start to quantize the model.");
    TRY(quantize(c, c->arena, &c->method, &c->calibrated, &c->quantized, e));
    INFO(c, "End to quantize the model.");
    TRY(compare(&c->comparison, c->arena, c, c->quantized, c->compare_limit, "comparison with float", e));
    for (int i = 0; i < 2; i++) {
        struct graph *g = i ? c->quantized : c->calibrated;
        vn_graph_meta_set(g, "calibration.method", c->method_text);
        vn_graph_meta_set(g, "accuracy.output_cosine_mean", vn_arena_fmt(c->arena, "%.6f", worst_output(c->quantized, c->comparison)));
    }
    return VN_OK;
}

/* ---- compile ---- */

static int compile(struct vn_conversion *c, struct vn_err *e)
{
    struct compile_input *in = NEW_ARRAY(c->arena, struct compile_input, c->quantized->inputs.n);
    for (int i = 0; i < c->quantized->inputs.n; i++) {
        in[i].type = c->config->inputs[i].type_rt;
        in[i].channels_last = c->config->inputs[i].layout_rt == LAYOUT_NHWC;
    }
    const struct compile_options o = { .march = c->target.name, .isa = c->target.isa, .level = c->config->level, .inputs = in };
    INFO(c, "Start to compile the model with march %s.", c->target.name);
    TRY(vn_compile(&c->bin, c->arena, c->quantized, &o, e));
    INFO(c, "  %d instructions, %zu bytes of weights, %zu bytes of working memory", c->bin.instructions, c->bin.const_bytes, c->bin.arena_bytes);
    INFO(c, "End to compile the model with march %s.", c->target.name);
    return VN_OK;
}

static int write_bin(struct vn_conversion *c, struct vn_err *e)
{
    INFO(c, "start convert to *.bin file....");
    const char *path = vn_path_join(c->arena, c->config->working_dir, vn_arena_fmt(c->arena, "%s.bin", c->config->prefix));
    TRY(vn_file_write(path, c->bin.data, c->bin.bytes, e));
    const struct meta m = { "bin", path };
    VEC_PUSH(c->arena, &c->products, m);
    INFO(c, "Convert to runtime bin file successfully!");
    return VN_OK;
}

/* ---- tables ---- */

/* What a node's similarity is measured on: a tensor that shares the parameters of the clamp behind it has lost what the clamp
 * would remove, so the clamp's result is compared. */
static const struct value *visible_output(const struct node *n)
{
    const struct value *v = n->out[0];
    while (v->q && v->q->implied)
        v = vn_graph_sole_user(v)->out[0];
    return v;
}

/* What an integer node computes in. */
static const char *type_text(const struct node *n)
{
    const struct qparam *x = n->n_in && n->in[0] ? n->in[0]->q : NULL, *y = n->out[0]->q;
    return vn_node_is_wide(n) || (x && x->dtype == VN_I16) || (y && y->dtype == VN_I16) ? "int16" : "int8";
}

/* Quantized nodes that hang together form a subgraph; each CPU node between them starts a new one. */
static void fill_node_rows(struct vn_conversion *c, const struct graph *g)
{
    int subgraph = 0, open = 0;
    for (int i = 0; i < g->nodes.n; i++) {
        const struct node *n = g->nodes.v[i];
        const int integer = vn_node_is_integer(n);
        const struct node_similarity *s =
            c->comparison && n->out[0] ? &c->comparison->of[visible_output(n)->id] : NULL;
        struct vn_node_row r = { .node = n->name, .on = integer ? "BPU" : "CPU", .type = n->op->onnx, .why_float = integer ? NULL : n->why_float };
        if (!integer && open)
            subgraph++;
        open = integer;
        r.subgraph = integer ? vn_arena_fmt(c->arena, "id(%d)", subgraph) : "--";
        r.threshold = integer && n->n_in && n->in[0] ? n->in[0]->threshold : 0;
        r.dtype = integer ? type_text(n) : "float";
        if (s && s->samples) {
            r.compared = 1;
            r.cosine = s->first.cosine;
            r.cosine_min = s->min;
            r.cosine_mean = s->mean;
        }
        VEC_PUSH(c->arena, &c->nodes, r);
    }
}

static void fill_output_rows(struct vn_conversion *c)
{
    for (int i = 0; i < c->quantized->outputs.n; i++) {
        const struct value *v = c->quantized->outputs.v[i];
        const struct node_similarity *s = &c->comparison->of[v->id];
        const struct vn_output_row r = { v->name, s->first.cosine, s->first.l1, s->first.l2, s->first.chebyshev, s->min, s->mean };
        VEC_PUSH(c->arena, &c->outputs, r);
    }
}

/* ---- the commands ---- */

/* From ranges and a method to the last files and tables. */
static int make_products(struct vn_conversion *c, struct vn_err *e)
{
    TRY(make_quantized(c, e));
    TRY(write_onnx(c, c->calibrated, "calibrated", 0, e));
    TRY(write_onnx(c, c->quantized, "quantized", 1, e));
    TRY(compile(c, e));
    fill_node_rows(c, c->quantized);
    fill_output_rows(c);
    return write_bin(c, e);
}

static int convert(struct vn_conversion *c, const char *config, struct vn_err *e)
{
    INFO(c, "Start Model Convert....");
    TRY(read_config(c, config, e));
    TRY(read_model(c, e));
    TRY(match_inputs(c, e));
    TRY(vn_dir_make(c->config->working_dir, e));
    TRY(make_original(c, e));
    TRY(write_onnx(c, c->original, "original_float", 0, e));
    TRY(make_optimized(c, e));
    TRY(write_onnx(c, c->optimized, "optimized_float", 0, e));
    TRY(open_samples(c, e));
    TRY(dump_calibration(c, e));
    TRY(collect_ranges(c, e));
    TRY(choose_method(c, e));
    TRY(make_products(c, e));
    INFO(c, "End Model Convert");
    return VN_OK;
}

static struct vn_conversion *new_conversion(struct vn_arena *a, const struct vn_options *run, const struct vn_listener *l)
{
    struct vn_conversion *c = NEW(a, struct vn_conversion);
    c->arena = a;
    c->run = *run;
    c->listener = *l;
    return c;
}

void vn_convert_options_default(struct vn_convert_options *o)
{
    *o = (struct vn_convert_options){ 0 };
    vn_options_default(&o->run);
}

static int convert_by_config(struct vn_conversion *c, const void *options, struct vn_err *e)
{
    const struct vn_convert_options *o = options;
    c->compare_limit = o->compare_limit;
    c->accept_data = o->accept_data;
    return convert(c, o->config, e);
}

/* Do `work` on a new conversion, which the caller gets where it succeeds; running out of memory is an error as any other. */
static int guarded(struct vn_conversion **out, int (*work)(struct vn_conversion *c, const void *options, struct vn_err *e), const void *options,
                   const struct vn_options *run, const struct vn_listener *l, struct vn_err *e)
{
    struct vn_options defaults;
    struct vn_oom guard;
    *out = NULL;
    vn_options_default(&defaults);
    if (VN_OOM_GUARD(&guard)) {
        vn_oom_leave(&guard);
        return vn_fail(e, VN_E_NOMEM, "out of memory");
    }
    struct vn_arena *a = vn_arena_new();
    struct vn_conversion *c = new_conversion(a, run ? run : &defaults, l);
    const int status = work(c, options, e);
    vn_oom_leave(&guard);
    if (status < 0)
        vn_arena_free(&a);
    else
        *out = c;
    return status;
}

int vn_convert(struct vn_conversion **out, const struct vn_convert_options *o, struct vn_err *e)
{
    return guarded(out, convert_by_config, o, &o->run, &o->listener, e);
}

void vn_conversion_free(struct vn_conversion **c)
{
    if (!c || !*c)
        return;
    struct vn_arena *a = (*c)->arena;
    vn_arena_free(&a);
    *c = NULL;
}

const struct vn_node_row *vn_conversion_nodes(const struct vn_conversion *c, int *n)
{
    *n = c->nodes.n;
    return c->nodes.v;
}

const struct vn_output_row *vn_conversion_outputs(const struct vn_conversion *c, int *n)
{
    *n = c->outputs.n;
    return c->outputs.v;
}

const char *vn_conversion_product(const struct vn_conversion *c, const char *stage)
{
    for (int i = 0; i < c->products.n; i++)
        if (!strcmp(c->products.v[i].key, stage))
            return c->products.v[i].text;
    return NULL;
}

const char *vn_conversion_method(const struct vn_conversion *c) { return c->method_text; }

/* ---- check ---- */

/* Random data in every input: enough to see which nodes can compute in integers, and that everything lowers. */
static int feature_inputs(struct vn_conversion *c)
{
    struct config *cfg = NEW(c->arena, struct config);
    cfg->path = cfg->folder = "";
    cfg->n_inputs = c->original->inputs.n;
    cfg->inputs = NEW_ARRAY(c->arena, struct input_config, cfg->n_inputs);
    cfg->calibration_type = CALIBRATION_SKIP;
    cfg->max_percentile = 1;
    cfg->level = 3;
    for (int i = 0; i < cfg->n_inputs; i++) {
        vn_input_parse(&cfg->inputs[i], c->arena, NULL);
        cfg->inputs[i].name = c->original->inputs.v[i]->name;
    }
    c->config = cfg;
    return VN_OK;
}

/* The last problem is held back: it is the error that a check ends with. */
static void tell_problem(struct vn_conversion *c)
{
    if (c->problem.code != VN_OK)
        vn_problem(&c->listener, &c->problem);
    c->problem.code = VN_OK;
}

static void add_problem(void *user, const struct vn_err *problem)
{
    struct vn_conversion *c = user;
    tell_problem(c);
    c->problem = *problem;
}

static void forward_log(void *user, enum vn_log_level level, const char *line)
{
    const struct vn_conversion *c = user;
    vn_say(&c->listener, level, "%s", line);
}

/* The model with the shapes that options give; what is wrong with it goes to `survey`, or (NULL) is an error. */
static int read_named(struct vn_conversion *c, const struct check_options *o, const struct vn_listener *survey, struct vn_err *e)
{
    struct vn_onnx_input_shape *shapes = NEW_ARRAY(c->arena, struct vn_onnx_input_shape, o->n_shapes);
    for (int i = 0; i < o->n_shapes; i++) {
        shapes[i].name = o->shape_names[i];
        TRY(vn_shape_parse(&shapes[i].shape, o->shape_texts[i], e));
    }
    const struct vn_onnx_options read = { .shapes = shapes, .n_shapes = o->n_shapes, .survey = survey != NULL,
                                          .listener = survey ? survey : &c->listener };
    return vn_model_read(&c->original, c->arena, o->model, o->prototxt, &read, e);
}

/* The model with static shapes; all that is wrong with it in one go. */
static int check_model(struct vn_conversion *c, const struct check_options *o, struct vn_err *e)
{
    const struct vn_listener survey = { .log = forward_log, .problem = add_problem, .user = c };
    TRY(read_named(c, o, &survey, e));
    TRY(vn_passes_survey(c->original, &survey, e));
    if (c->problem.code != VN_OK) {
        *e = c->problem;
        c->problem.code = VN_OK;
        return e->code;
    }
    if (vn_passes_prepare(c->original, e) < 0)
        return vn_fail_at(e, "%s", c->original->source);
    return VN_OK;
}

/* How many nodes each target would compute in integers. */
static int compare_marches(struct vn_conversion *c, struct vn_err *e)
{
    const char **names;
    const int n = vn_target_list(c->arena, &names);
    const struct target chosen = c->target;
    for (int i = 0; i < n; i++) {
        struct vn_arena *a = vn_arena_new();
        struct graph *calibrated, *quantized;
        struct march_row r = { .name = names[i] };
        int status = vn_target_read(&c->target, c->arena, names[i], e);
        if (status == VN_OK) {
            r.description = c->target.description;
            status = quantize(c, a, &c->method, &calibrated, &quantized, e);
            r.integer = status == VN_OK ? vn_quantize_count(quantized) : 0;
            VEC_PUSH(c->arena, &c->marches, r);
        }
        vn_arena_free(&a);
    }
    c->target = chosen;
    return VN_OK;
}

static int check(struct vn_conversion *c, const struct check_options *o, struct vn_err *e)
{
    TRY(vn_target_read(&c->target, c->arena, o->march, e));
    TRY(check_model(c, o, e));
    feature_inputs(c);
    TRY(make_optimized(c, e));
    TRY(vn_samples_random(&c->samples, c->arena, c->config, c->optimized, 1, e));
    TRY(collect_ranges(c, e));
    c->method = method_of(c, "max", 1);
    TRY(compare_marches(c, e));
    TRY(quantize(c, c->arena, &c->method, &c->calibrated, &c->quantized, e));
    TRY(compile(c, e));
    fill_node_rows(c, c->quantized);
    return VN_OK;
}

static int check_and_tell(struct vn_conversion *c, const void *options, struct vn_err *e)
{
    const struct check_options *o = options;
    const int status = check(c, o, e);
    if (status == VN_E_INPUT || status == VN_E_UNSUPPORTED) {
        tell_problem(c);
        vn_problem(&c->listener, e);
    }
    return status;
}

int vn_check(struct vn_conversion **out, const struct check_options *o, struct vn_err *e)
{
    return guarded(out, check_and_tell, o, NULL, &o->listener, e);
}

/* ---- check --data ---- */

/* A folder of pictures or arrays for the only input of a model. */
static int folder_as_config(struct vn_conversion *c, const struct check_data_options *o, struct vn_err *e)
{
    const struct graph *g = c->original;
    if (g->inputs.n != 1)
        return vn_fail(e, VN_E_USAGE, "%s has %d inputs: check its data with a configuration, -c FILE.yaml", o->model, g->inputs.n);
    feature_inputs(c);
    struct input_config *in = &c->config->inputs[0];
    const struct vn_shape *s = &g->inputs.v[0]->shape;
    const char **names;
    int n;
    in->cal_dir = o->folder;
    TRY(vn_dir_list(c->arena, o->folder, &names, &n, e));
    if (!n)
        return vn_fail(e, VN_E_INPUT, "%s: no files", o->folder);
    if (!vn_picture_is_image_name(names[0]) || s->rank != 4 || (s->d[1] != 3 && s->d[1] != 1 && s->d[3] != 3 && s->d[3] != 1))
        return VN_OK;
    const int last = s->d[1] != 3 && s->d[1] != 1;
    c->config->preprocess_on = 1;
    in->type_train = in->type_rt = s->d[last ? 3 : 1] == 1 ? VN_IN_GRAY : VN_IN_RGB;
    in->layout_train = in->layout_rt = last ? LAYOUT_NHWC : LAYOUT_NCHW;
    in->cal_type = VN_U8;
    return VN_OK;
}

static int check_data(struct vn_conversion *c, const void *options, struct vn_err *e)
{
    const struct check_data_options *o = options;
    if (o->config) {
        TRY(read_config(c, o->config, e));
        TRY(read_model(c, e));
        TRY(match_inputs(c, e));
        if (c->config->calibration_type == CALIBRATION_SKIP)
            return vn_fail(e, VN_E_INPUT, "%s: calibration_type is skip: there are no calibration data", o->config);
    } else {
        const struct vn_onnx_options read = { .listener = &c->listener };
        TRY(vn_model_read(&c->original, c->arena, o->model, o->prototxt, &read, e));
    }
    if (vn_passes_prepare(c->original, e) < 0)
        return vn_fail_at(e, "%s", c->original->source);
    if (!o->config)
        TRY(folder_as_config(c, o, e));
    TRY(vn_samples_open(&c->samples, c->arena, c->config, c->original, e));
    return vn_dataset_check(&c->data, c->arena, c->config, c->original, c->samples, o->images, e);
}

int vn_check_data(struct vn_conversion **out, const struct check_data_options *o, struct vn_err *e)
{
    return guarded(out, check_data, o, NULL, &o->listener, e);
}

/* ---- fast-perf ---- */

/* A configuration without a file: random features, everything in integers. */
static void fast_config(struct vn_conversion *c, const struct fast_options *o)
{
    const struct type_rule all = { .level = LEVEL_ALL, .on = UNIT_INTEGER };
    feature_inputs(c);
    c->config->model = o->model.model;
    c->config->prototxt = o->model.prototxt;
    c->config->prefix = o->prefix;
    c->config->working_dir = o->working_dir;
    c->config->outputs_int8 = 1;
    VEC_PUSH(c->arena, &c->config->types, all);
}

static int convert_fast(struct vn_conversion *c, const void *options, struct vn_err *e)
{
    const struct fast_options *o = options;
    INFO(c, "Start Model Convert....");
    WARN(c, "fast-perf: calibrated with random numbers; the products show speed, their results mean nothing");
    TRY(vn_target_read(&c->target, c->arena, o->model.march, e));
    TRY(read_named(c, &o->model, NULL, e));
    fast_config(c, o);
    TRY(vn_dir_make(c->config->working_dir, e));
    if (vn_passes_prepare(c->original, e) < 0)
        return vn_fail_at(e, "%s", c->original->source);
    TRY(note_origin(c, c->original, e));
    vn_graph_meta_set(c->original, "fast_perf", "calibrated with random numbers; not for accuracy");
    TRY(write_onnx(c, c->original, "original_float", 0, e));
    c->optimized = vn_graph_clone(c->arena, c->original);
    TRY(vn_passes_optimize(c->optimized, NULL, e));
    vn_trim_ends(c->optimized, &c->listener);
    TRY(write_onnx(c, c->optimized, "optimized_float", 0, e));
    TRY(vn_samples_random(&c->samples, c->arena, c->config, c->optimized, 1, e));
    TRY(collect_ranges(c, e));
    c->method = method_of(c, "max", 1);
    c->method_text = vn_quant_method_text(&c->method, c->arena);
    TRY(make_products(c, e));
    INFO(c, "End Model Convert");
    return VN_OK;
}

int vn_convert_fast(struct vn_conversion **out, const struct fast_options *o, struct vn_err *e)
{
    return guarded(out, convert_fast, o, &o->run, &o->model.listener, e);
}
