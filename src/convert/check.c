/* check: can this model be imported, quantized and compiled, with random data, or all that a configuration
 * says? No files are written. */
#include "convert/stages.h"

#include "front/front.h"
#include "session/input_text.h"

struct vn_checked {
    struct vn_conversion *c;
};

void vn_convert_feature_inputs(struct vn_conversion *c)
{
    struct config *cfg = NEW(c->arena, struct config);
    cfg->path = cfg->folder = "";
    cfg->n_inputs = c->original->inputs.n;
    cfg->inputs = NEW_ARRAY(c->arena, struct input_config, cfg->n_inputs);
    cfg->calibration_type = CALIBRATION_SKIP;
    cfg->random_data = 1;
    cfg->max_percentile = 1;
    cfg->level = 3;
    for (int i = 0; i < cfg->n_inputs; i++) {
        vn_input_parse(&cfg->inputs[i], c->arena, NULL);
        cfg->inputs[i].name = c->original->inputs.v[i]->name;
    }
    c->config = cfg;
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

int vn_convert_read_named(struct vn_conversion *c, const struct vn_source *source,
                          const struct vn_listener *survey, struct vn_err *e)
{
    struct vn_onnx_input_shape *shapes = NEW_ARRAY(c->arena, struct vn_onnx_input_shape, source->n_shapes);
    for (int i = 0; i < source->n_shapes; i++) {
        shapes[i].name = source->shape_names[i];
        TRY(vn_shape_parse(&shapes[i].shape, source->shapes[i], e));
    }
    const struct vn_onnx_options read = { .shapes = shapes,
                                          .n_shapes = source->n_shapes,
                                          .values = source->values,
                                          .n_values = source->n_values,
                                          .survey = survey != NULL,
                                          .listener = survey ? survey : &c->listener };
    return vn_model_read(&c->original, c->arena, source->model, source->prototxt, &read, e);
}

/* The model with static shapes; all that is wrong with it in one go. */
static int check_model(struct vn_conversion *c, const struct vn_check_options *o, struct vn_err *e)
{
    const struct vn_listener survey = { .log = forward_log, .problem = add_problem, .user = c };
    TRY(vn_convert_read_named(c, &o->source, &survey, e));
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
        struct vn_march_row r = { .march = vn_arena_str(c->kept, names[i]) };
        int status = vn_target_read(&c->target, c->arena, names[i], e);
        if (status == VN_OK) {
            r.description = vn_arena_str(c->kept, c->target.description);
            status = vn_convert_quantize(c, a, &c->method, c->ranges, &calibrated, &quantized, e);
            r.integers = status == VN_OK ? vn_quantize_count(quantized) : 0;
            VEC_PUSH(c->kept, &c->marches, r);
        }
        vn_arena_free(&a);
    }
    c->target = chosen;
    return VN_OK;
}

/* As far as a configuration comes by vn_convert_check_all. */
static int prepare_named(struct vn_conversion *c, const struct vn_check_options *o, struct vn_err *e)
{
    const struct vn_map *brought;
    TRY(vn_target_read(&c->target, c->arena, o->march ? o->march : "generic", e));
    TRY(check_model(c, o, e));
    vn_convert_feature_inputs(c);
    if (vn_quantize_take(&brought, c->original))
        c->loaded = brought; /* as in the configuration that init writes */
    TRY(vn_convert_optimize(c, e));
    return vn_samples_random(&c->samples, c->arena, c->config, c->optimized, 1, e);
}

static int check(struct vn_conversion *c, const struct vn_check_options *o, struct vn_err *e)
{
    c->accept_data = o->accept_data;
    TRY(o->config ? vn_convert_check_all(c, o->config, e) : prepare_named(c, o, e));
    TRY(vn_convert_collect_ranges(c, e));
    c->method = vn_convert_method(c, "max", 1);
    TRY(compare_marches(c, e));
    TRY(vn_convert_quantize(c, c->arena, &c->method, c->ranges, &c->calibrated, &c->quantized, e));
    vn_convert_tell_requests(c);
    TRY(vn_convert_turn_inputs(c, e));
    TRY(vn_convert_compile(c, e));
    TRY(vn_convert_remove_nodes(c, e));
    vn_convert_name_method(c);
    vn_convert_fill_nodes(c);
    c->checked = NEW(c->kept, struct vn_checked);
    c->checked->c = c;
    return VN_OK;
}

static int check_and_tell(struct vn_conversion *c, const void *options, struct vn_err *e)
{
    const struct vn_check_options *o = options;
    const int status = check(c, o, e);
    const int told = c->config && c->config->problems.n; /* by vn_convert_verdict */
    if (!told && (status == VN_E_INPUT || status == VN_E_UNSUPPORTED || (o->config && status == VN_E_IO))) {
        tell_problem(c);
        vn_problem(&c->listener, e);
    }
    return status;
}

void vn_check_options_default(struct vn_check_options *o)
{
    *o = (struct vn_check_options){ 0 };
    vn_options_default(&o->run);
}

int vn_check(struct vn_checked **out, const struct vn_check_options *o, struct vn_err *e)
{
    struct vn_conversion *c;
    const int status = vn_convert_guarded(&c, check_and_tell, o, &o->run, &o->listener, e);
    *out = status < 0 ? NULL : c->checked;
    return status;
}

void vn_checked_free(struct vn_checked **c)
{
    if (c && *c)
        vn_conversion_free(&(struct vn_conversion *){ (*c)->c });
    if (c)
        *c = NULL;
}

const char *vn_checked_march(const struct vn_checked *c) { return c->c->summary.march; }
int vn_checked_integers(const struct vn_checked *c) { return c->c->integers; }
const struct vn_node_row *vn_checked_nodes(const struct vn_checked *c, int *n)
{
    return vn_conversion_nodes(c->c, n);
}

const struct vn_finding *vn_checked_findings(const struct vn_checked *c, int *n)
{
    return vn_conversion_findings(c->c, n);
}

const struct vn_march_row *vn_checked_marches(const struct vn_checked *c, int *n)
{
    *n = c->c->marches.n;
    return c->c->marches.v;
}
