/* convert --fast-perf: everything in integers that can be, calibrated with random numbers. */
#include "convert/stages.h"

#include "base/file.h"

/* A configuration without a file: random features, everything in integers. */
static void fast_config(struct vn_conversion *c, const struct vn_fast_options *o)
{
    const struct type_rule all = { .level = LEVEL_ALL, .on = UNIT_INTEGER };
    vn_convert_feature_inputs(c);
    c->config->model = o->source.model;
    c->config->prototxt = o->source.prototxt;
    c->config->prefix = o->prefix ? o->prefix : vn_path_stem(c->arena, o->source.model);
    c->config->working_dir = o->output_dir ? o->output_dir : "model_output";
    c->config->outputs_int8 = 1;
    VEC_PUSH(c->arena, &c->config->types, all);
}

static int convert_fast(struct vn_conversion *c, const void *options, struct vn_err *e)
{
    const struct vn_fast_options *o = options;
    INFO(c, "Start Model Convert....");
    WARN(c, "fast-perf: random calibration; use the products for speed measurements only");
    TRY(vn_target_read(&c->target, c->arena, o->march ? o->march : "generic", e));
    TRY(vn_convert_read_named(c, &o->source, NULL, e));
    fast_config(c, o);
    TRY(vn_convert_begin_products(c, e));
    if (vn_passes_prepare(c->original, e) < 0)
        return vn_fail_at(e, "%s", c->original->source);
    TRY(vn_convert_note_origin(c, c->original, e));
    vn_graph_meta_set(c->original, "fast_perf", "calibrated with random numbers; not for accuracy");
    TRY(vn_convert_write_onnx(c, c->original, "original_float", 0, e));
    c->optimized = vn_graph_clone(c->arena, c->original);
    TRY(vn_passes_optimize(c->optimized, NULL, e));
    vn_trim_ends(c->optimized, &c->listener);
    TRY(vn_convert_write_onnx(c, c->optimized, "optimized_float", 0, e));
    TRY(vn_samples_random(&c->samples, c->arena, c->config, c->optimized, 1, e));
    TRY(vn_convert_collect_ranges(c, e));
    c->method = vn_convert_method(c, "max", 1);
    vn_convert_name_method(c);
    TRY(vn_convert_make_products(c, e));
    INFO(c, "End Model Convert");
    return VN_OK;
}

void vn_fast_options_default(struct vn_fast_options *o)
{
    *o = (struct vn_fast_options){ 0 };
    vn_options_default(&o->run);
}

int vn_convert_fast(struct vn_conversion **out, const struct vn_fast_options *o, struct vn_err *e)
{
    return vn_convert_guarded(out, convert_fast, o, &o->run, &o->listener, e);
}
