/* The flow: one short function for each stage, in the order in which data goes.
 *
 *     config -> front -> original_float -> optimized_float -> calibrated -> quantized -> .bin
 *
 * What a stage needs beside this stands in the file of its name: original.c, optimized.c, calibration_data.c,
 * equalize.c, method_search.c, accuracy.c, edits.c, products.c, tables.c. Other ways through the stages:
 * check.c, check_data.c, fast.c.
 */
#include "convert/held_samples.h"
#include "convert/stages.h"

/* The model as far as it can be taken; what is wrong ends it, or is noted. */
static int make_graphs(struct vn_conversion *c, struct vn_err *e)
{
    struct vn_err why;
    const int before = c->config->problems.n;
    if (!c->config->model)
        return VN_OK;
    if (vn_convert_read_model(c, e) < 0) {
        c->original = NULL;
        return e->code;
    }
    int status = vn_convert_match_inputs(c, &why);
    if (status == VN_OK)
        status = vn_convert_make_original(c, &why);
    TRY(vn_convert_note(c, status, &why));
    if (status == VN_OK)
        vn_convert_note_steps(c, &why); /* vn_samples_check reports errors in them */
    if (c->config->problems.n == before)
        TRY(vn_convert_optimize(c, e));
    return vn_convert_check_rules(c, e);
}

/* Can the samples be judged: are there any, and is it known what they should be? */
static int may_open_samples(const struct vn_conversion *c, int problems)
{
    static const char *const from[] = { "input_type_train", "input_type_rt", "cal_data_type",
                                        "preprocess_on",    "pipeline",      NULL };
    const int there = c->config->random_data || vn_config_used(c->config, "cal_data_dir");
    return c->optimized && there && c->config->problems.n == problems && !vn_config_doubtful(c->config, from);
}

int vn_convert_check_all(struct vn_conversion *c, const char *config, struct vn_err *e)
{
    TRY(vn_convert_read_config(c, config, e));
    TRY(vn_convert_note(c, make_graphs(c, e), e));
    TRY(vn_convert_note(c, vn_convert_check_folder(c, e), e));
    const int before = c->config->problems.n;
    TRY(vn_samples_check(c->config, c->arena, e));
    if (may_open_samples(c, before))
        TRY(vn_convert_note(c, vn_convert_open_samples(c, e), e));
    return vn_convert_verdict(c, e);
}

static int write_floats(struct vn_conversion *c, struct vn_err *e)
{
    TRY(vn_convert_begin_products(c, e));
    TRY(vn_convert_write_onnx(c, c->original, "original_float", 0, e));
    return vn_convert_write_onnx(c, c->optimized, "optimized_float", 0, e);
}

/* The largest magnitude is known without; int16 looks at how values are distributed. */
static int needs_bins(const struct config *c)
{
    const enum calibration_type how = c->calibration_type;
    return (how != CALIBRATION_MAX && how != CALIBRATION_SKIP && how != CALIBRATION_LOAD) ||
           c->max_percentile < 1 || c->combinations > 1 || c->types.n || c->outputs_int16;
}

static int needs_means(const struct config *c)
{
    return c->bias_correction || vn_convert_searches(c) || vn_convert_refines(c);
}

/* In folds, where a method is searched for. */
static int collect(struct vn_conversion *c, struct vn_ranges **out, struct vn_folds *folds,
                   const struct graph *g, const struct vn_calibrate_options *o, struct vn_err *e)
{
    if (!folds->n)
        return vn_calibrate(out, c->arena, g, c->samples, o, e);
    TRY(vn_calibrate_folds(folds, c->arena, g, c->samples, o, folds->n, c->fold_of, e));
    return vn_folds_join(out, c->arena, g, folds, -1, e);
}

/* Without it as well: what is fixed needs no second network. */
static int tries_per_channel(const struct config *c)
{
    return c->search[SEARCH_PER_CHANNEL].n > 1 || (c->vendor_search && !c->per_channel);
}

int vn_convert_collect_ranges(struct vn_conversion *c, struct vn_err *e)
{
    INFO(c, "Start to calibrate the model.");
    vn_convert_tell_samples(c);
    struct vn_calibrate_options o;
    vn_calibrate_options_default(&o);
    o.run = c->run;
    o.listener = &c->listener;
    o.bins = needs_bins(c->config);
    o.means = needs_means(c->config);
    o.random = c->config->random_data;
    if (vn_convert_searches(c->config) || vn_convert_refines(c->config))
        TRY(vn_held_folds(c, e));
    TRY(collect(c, &c->ranges, &c->folds, c->optimized, &o, e));
    if (!tries_per_channel(c->config))
        return VN_OK;
    TRY(vn_convert_scale_channels(c, e));
    c->scaled.folds.n = c->folds.n;
    return collect(c, &c->scaled.ranges, &c->scaled.folds, c->scaled.graph, &o, e);
}

int vn_convert_choose_method(struct vn_conversion *c, struct vn_err *e)
{
    static const char *const calibrators[] = {
        [CALIBRATION_DEFAULT] = "max", [CALIBRATION_MAX] = "max", [CALIBRATION_SKIP] = "max",
        [CALIBRATION_LOAD] = "max",    [CALIBRATION_KL] = "kl",   [CALIBRATION_MSE] = "mse",
        [CALIBRATION_MIX] = "kl",
    };
    const double p = c->config->max_percentile;
    c->method = vn_convert_method(c, p < 1 ? "max-percentile" : calibrators[c->config->calibration_type], p);
    if (vn_convert_searches(c->config))
        TRY((c->config->vendor_search ? vn_convert_vendor_search : vn_convert_search)(c, e));
    if (c->method.per_channel && c->scaled.graph) {
        c->optimized = c->scaled.graph;
        c->ranges = c->scaled.ranges;
        c->folds = c->scaled.folds;
    }
    if (vn_convert_refines(c->config))
        TRY(vn_convert_refine(c, e));
    vn_convert_name_method(c);
    INFO(c, "Select %s method.", c->summary.method);
    if (c->method.per_channel)
        DETAIL(c, "Perchannel quantization is enabled.");
    if (c->method.zero_points == ZERO_POINTS_ASYMMETRIC)
        DETAIL(c, "Asymmetric quantization is enabled.");
    INFO(c, "End to calibrate the model.");
    return VN_OK;
}

static int calibrate(struct vn_conversion *c, struct vn_err *e)
{
    TRY(vn_convert_note_samples(c, e));
    TRY(vn_convert_collect_ranges(c, e));
    const struct graph *written = c->optimized;
    TRY(vn_convert_choose_method(c, e));
    return c->optimized == written ? VN_OK : vn_convert_write_onnx(c, c->optimized, "optimized_float", 0, e);
}

static int make_quantized(struct vn_conversion *c, struct vn_err *e)
{
    INFO(c, "Start to quantize the model.");
    TRY(vn_convert_quantize(c, c->arena, &c->method, c->ranges, &c->calibrated, &c->quantized, e));
    vn_convert_tell_requests(c);
    vn_convert_check_arithmetic(c);
    INFO(c, "End to quantize the model.");
    INFO(c, "Start to compare the quantized model with the float model.");
    return vn_convert_compare(c, e);
}

static int write_quantized(struct vn_conversion *c, struct vn_err *e)
{
    vn_graph_meta_set(c->calibrated, "calibration.method", c->summary.method);
    vn_graph_meta_set(c->turned, "calibration.method", c->summary.method);
    vn_convert_note_accuracy(c, c->calibrated);
    vn_convert_note_accuracy(c, c->turned);
    TRY(vn_convert_write_onnx(c, c->calibrated, "calibrated", 0, e));
    return vn_convert_write_onnx(c, c->turned, "quantized", 1, e);
}

int vn_convert_compile(struct vn_conversion *c, struct vn_err *e)
{
    TRY(vn_convert_make_batch(c, e));
    struct compile_input *in = NEW_ARRAY(c->arena, struct compile_input, c->program->inputs.n);
    for (int i = 0; i < c->program->inputs.n; i++) {
        const struct input_config *from = vn_convert_program_input(c, i);
        in[i] = (struct compile_input){ from->type_rt, from->layout_rt == LAYOUT_NHWC };
    }
    const struct compile_options o = {
        .march = c->target.name,
        .isa = c->target.isa,
        .level = c->config->level,
        .economy = c->config->economy,
        .batch_last = c->config->batch_last,
        .inputs = in,
    };
    INFO(c, "Start to compile the model with march %s.", c->target.name);
    vn_convert_note_settings(c);
    TRY(vn_compile(&c->bin, c->arena, c->program, &o, e));
    INFO(c, "  %d instructions, %zu bytes of weights, %zu bytes of working memory", c->bin.instructions,
         c->bin.const_bytes, c->bin.arena_bytes);
    if (c->config->batch_last && !c->bin.batch_last)
        WARN(c, "%s: lstm_batch_last has no effect: the model has no LSTM with a batch above 1",
             c->config->path);
    INFO(c, "End to compile the model with march %s.", c->target.name);
    return VN_OK;
}

int vn_convert_make_products(struct vn_conversion *c, struct vn_err *e)
{
    TRY(make_quantized(c, e));
    TRY(vn_convert_turn_inputs(c, e));
    TRY(write_quantized(c, e));
    TRY(vn_convert_compile(c, e));
    TRY(vn_convert_remove_nodes(c, e));
    vn_convert_fill_tables(c);
    TRY(vn_convert_write_bin(c, e));
    TRY(vn_convert_write_map(c, e));
    TRY(vn_convert_write_quant_info(c, e));
    TRY(vn_convert_dump_samples(c, e));
    return vn_convert_end_products(c, e);
}

static int convert(struct vn_conversion *c, const void *options, struct vn_err *e)
{
    const struct vn_convert_options *o = options;
    c->compare_limit = o->compare_limit;
    c->odd = o->odd;
    c->accept_data = o->accept_data;
    c->format = o->format;
    INFO(c, "Start Model Convert....");
    DETAIL(c, "validating model_parameters...");
    TRY(vn_convert_check_all(c, o->config, e));
    if (c->config->plan.wanted)
        WARN(c, "%s: node_info auto has no effect: no plan was made", c->config->path);
    TRY(vn_convert_equalize(c, e));
    TRY(write_floats(c, e));
    TRY(calibrate(c, e));
    TRY(vn_convert_make_products(c, e));
    INFO(c, "End Model Convert");
    return VN_OK;
}

void vn_convert_options_default(struct vn_convert_options *o)
{
    *o = (struct vn_convert_options){ 0 };
    vn_options_default(&o->run);
}

int vn_convert(struct vn_conversion **out, const struct vn_convert_options *o, struct vn_err *e)
{
    return vn_convert_guarded(out, convert, o, &o->run, &o->listener, e);
}
