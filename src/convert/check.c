/* check: no data, no files: can this model be imported, quantized and compiled? */
#include "convert/stages.h"

#include "front/front.h"
#include "session/input_text.h"

int vn_convert_feature_inputs(struct vn_conversion *c)
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

int vn_convert_read_named(struct vn_conversion *c, const struct check_options *o,
                          const struct vn_listener *survey, struct vn_err *e)
{
    struct vn_onnx_input_shape *shapes = NEW_ARRAY(c->arena, struct vn_onnx_input_shape, o->n_shapes);
    for (int i = 0; i < o->n_shapes; i++) {
        shapes[i].name = o->shape_names[i];
        TRY(vn_shape_parse(&shapes[i].shape, o->shape_texts[i], e));
    }
    const struct vn_onnx_options read = { .shapes = shapes,
                                          .n_shapes = o->n_shapes,
                                          .survey = survey != NULL,
                                          .listener = survey ? survey : &c->listener };
    return vn_model_read(&c->original, c->arena, o->model, o->prototxt, &read, e);
}

/* The model with static shapes; all that is wrong with it in one go. */
static int check_model(struct vn_conversion *c, const struct check_options *o, struct vn_err *e)
{
    const struct vn_listener survey = { .log = forward_log, .problem = add_problem, .user = c };
    TRY(vn_convert_read_named(c, o, &survey, e));
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
            status = vn_convert_quantize(c, a, &c->method, &calibrated, &quantized, e);
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
    vn_convert_feature_inputs(c);
    TRY(vn_convert_optimize(c, e));
    TRY(vn_samples_random(&c->samples, c->arena, c->config, c->optimized, 1, e));
    TRY(vn_convert_collect_ranges(c, e));
    c->method = vn_convert_method(c, "max", 1);
    TRY(compare_marches(c, e));
    TRY(vn_convert_quantize(c, c->arena, &c->method, &c->calibrated, &c->quantized, e));
    TRY(vn_convert_compile(c, e));
    vn_convert_fill_nodes(c, c->quantized);
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
    return vn_convert_guarded(out, check_and_tell, o, NULL, &o->listener, e);
}
