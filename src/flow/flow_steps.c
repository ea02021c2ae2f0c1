/* The steps: which two things each compares, and what it says. */
#include <math.h>
#include <stdio.h>

#include <vernier/verify.h>

#include "base/file.h"
#include "base/shell.h"
#include "convert/float_network.h"
#include "flow/flow_compared.h"
#include "flow/flow_job.h"
#include "flow/jitter.h"
#include "graph/graph.h"
#include "image/image.h"

#define FEW_SAMPLES 3

static const struct flow_step steps[] = {
    { "float", "float model, against the saved outputs of the training program", vn_flow_float, 1, 0 },
    { "convert", "configuration, calibration data, conversion", vn_flow_convert, 0, 0 },
    { "original_float", "float model with its preprocessing node, against the float model", vn_flow_original,
      1, 0 },
    { "optimized_float", "optimized float model, against original_float", vn_flow_optimized, 1, 0 },
    { "quantized", "quantized model, against float: task score or similarity", vn_flow_quantized, 1, 1 },
    { "bin", "program, against the quantized model: every tensor", vn_flow_program, 1, 0 },
    { "board", "dumps of a device, against the quantized model", vn_flow_board, 0, 0 },
};

const struct flow_step *vn_flow_table(int *n)
{
    *n = sizeof steps / sizeof *steps;
    return steps;
}

/* ---- float against training ---- */

/* Every tensor that both have, in the order of the network. */
static const char *compare_command(struct flow_job *j, const struct vn_input_settings *in)
{
    struct vn_arena *a = j->arena;
    const char *line = vn_arena_fmt(a, "vernier compare %s %s --all --sort order",
                                    vn_shell_word(a, j->config->model), vn_shell_word(a, j->o->reference));
    if (j->config->prototxt)
        line = vn_arena_fmt(a, "%s --proto %s", line, vn_shell_word(a, j->config->prototxt));
    for (int i = 0; i < in->n_shapes; i++)
        line = vn_arena_fmt(a, "%s --input-shape %s %s", line, vn_shell_word(a, in->shape_names[i]),
                            in->shapes[i]);
    return line;
}

/* Is it the first tensor behind what is equal to the last bit: the input that one side hands to the other? */
static int is_first(const struct vn_comparison *c, const struct vn_compared *r)
{
    int n;
    const struct vn_compared *rows = vn_comparison_rows(c, &n);
    for (int i = 0; r && i < n && &rows[i] != r; i++)
        if (rows[i].differs || rows[i].metric[VN_COMPARE_MAX] > 0)
            return 0;
    return r != NULL;
}

int vn_flow_float(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e)
{
    struct vn_compare_options o;
    struct vn_comparison *c;
    if (!j->o->reference)
        return vn_flow_skipped(j, s,
                               "no --reference: save inputs and outputs of the training program as "
                               "NAME.npy");
    vn_compare_options_default(&o);
    o.left = j->config->model; /* rows come in the order of its run */
    o.right = j->o->reference;
    o.with.prototxt = j->config->prototxt;
    o.with.run = j->o->run;
    vn_flow_float_settings(&o.with.inputs, j);
    TRY(vn_compare(&c, &o, e));
    const struct vn_compared *below = vn_first_below(c, VN_COMPARE_SQNR, SAME_DB, 1);
    const struct vn_compared *shown = below ? below : vn_worst_output(c);
    const char *text = vn_compared_text(j->arena, shown),
               *tensor = below ? vn_arena_str(j->arena, below->name) : NULL;
    const int samples = vn_comparison_summary(c)->samples, outputs = vn_worst_output(c) != NULL,
              at_once = is_first(c, below);
    vn_comparison_free(&c);
    if (below) {
        vn_flow_failed(j, s, "float_differs", vn_flow_node_of(j, j->config->model, tensor),
                       "%s; expected at least %g dB", text, SAME_DB);
        s->failure.next_command = compare_command(j, &o.with.inputs);
        return at_once ? vn_flow_first_node(j, s, tensor, e) : VN_OK;
    }
    return outputs ? vn_flow_passed(j, s, "%d sample%s, %s", samples, samples == 1 ? "" : "s", text)
                   : vn_flow_skipped(j, s, "%s contains no output of the network", j->o->reference);
}

/* ---- conversion ---- */

struct conversion_log {
    struct vn_arena *arena;
    struct vn_err first; /* problem; code VN_OK: none */
    int n;
};

static void keep_problem(void *user, const struct vn_err *problem)
{
    struct conversion_log *l = user;
    if (!l->n++)
        l->first = *problem;
}

/* No warning, or what contradicts the network. */
static int is_serious(const struct vn_finding *f)
{
    return f->severity != VN_FINDING_WARNING || !strcmp(f->detector, "network_input");
}

/* Does the setting leave the numbers of a key as they are? */
static int leaves(const char *setting, const char *key, const double *now, int n_now, double none)
{
    const char *text = strstr(setting, key);
    double v[3] = { none, none, none };
    const int n = text ? sscanf(text + strlen(key), "%lf %lf %lf", v, v + 1, v + 2) : 0;
    for (int i = 0; i < 3; i++) {
        const double x = v[n == 1 ? 0 : i], y = n_now ? now[n_now == 1 ? 0 : i] : none;
        if (fabs(x - y) > 1e-4 * fabs(y))
            return 0;
    }
    return 1;
}

/* What repairs it names the cause more closely, where it changes one key alone. */
static const char *cause_of(const struct flow_job *j, const struct vn_finding *f)
{
    const struct input_config *in = j->config->inputs;
    if (strcmp(f->detector, "network_input") != 0 || !f->setting || j->config->n_inputs != 1)
        return f->detector;
    const int mean = leaves(f->setting, "mean_value=", in->mean, in->n_mean, 0),
              scale = leaves(f->setting, "scale_value=", in->scale, in->n_scale, 1);
    return mean && !scale ? "scale_value" : scale && !mean ? "mean_value" : f->detector;
}

/* 1: the data are not what the configuration says. */
static int data_fail(struct flow_job *j, struct vn_flow_step *s)
{
    struct vn_data_options o;
    struct vn_data_check *d;
    struct vn_err why;
    int n;
    vn_data_options_default(&o);
    o.config = j->path;
    if (vn_check_data(&d, &o, &why) < 0)
        return 0; /* the conversion says why */
    const struct vn_finding *all = vn_data_check_findings(d, &n), *first = NULL;
    for (int i = 0; i < n; i++) {
        j->serious += is_serious(&all[i]);
        first = first || !is_serious(&all[i]) ? first : &all[i];
    }
    if (first) {
        j->setting = first->setting ? vn_arena_str(j->arena, first->setting) : NULL;
        vn_flow_failed(j, s, vn_arena_str(j->arena, cause_of(j, first)), vn_arena_str(j->arena, first->input),
                       "%s", first->text);
    }
    vn_data_check_free(&d);
    return first != NULL;
}

static void keep_products(struct flow_job *j)
{
    static const char *const stages[FLOW_PRODUCTS] = { "original_float", "optimized_float", "calibrated",
                                                       "quantized", "bin" };
    for (int i = 0; i < FLOW_PRODUCTS; i++)
        j->product[i] = vn_conversion_product(j->c, stages[i]);
}

int vn_flow_convert(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e)
{
    struct conversion_log log = { .arena = j->arena };
    struct vn_convert_options o;
    if (data_fail(j, s))
        return VN_OK;
    vn_convert_options_default(&o);
    o.config = j->path;
    o.run = j->o->run;
    o.odd = j->o->odd;
    o.listener = (struct vn_listener){ .problem = keep_problem, .user = &log };
    const int status = vn_convert(&j->c, &o, e);
    if (status == VN_E_NOMEM || status == VN_E_CANCELLED)
        return status;
    if (status < 0) {
        j->problems = log.n ? log.n : 1;
        return vn_flow_failed(j, s, vn_problem_id(e) ? vn_problem_id(e) : "configuration", NULL, "%s",
                              log.n ? log.first.msg : e->msg);
    }
    keep_products(j);
    const struct vn_convert_summary *sum = vn_conversion_summary(j->c);
    return vn_flow_passed(j, s, "march %s, method %s", sum->march, sum->method);
}

/* ---- original_float against float ---- */

struct routes {
    struct flow_job *j;
    enum pixel_route route;
    int n;
};

static int feed_routes(void *user, struct vn_session *session, int side, int sample, struct vn_err *e)
{
    const struct routes *r = user;
    const struct graph *g = vn_session_graph(r->j->original);
    struct vn_arena *a = vn_arena_new();
    const int i = vn_flow_sample(r->j, sample, r->n);
    float **x = NEW_ARRAY(a, float *, g->inputs.n);
    int status = vn_samples_load(r->j->samples, i, a, x, e);
    for (int k = 0; !side && k < g->inputs.n && status == VN_OK; k++)
        status = vn_flow_network_input(x[k], r->j, i, k, r->route, a, e);
    if (status == VN_OK)
        status = vn_session_feed_values(session, x, e);
    vn_arena_free(&a);
    return status;
}

static int compare_routes(struct vn_comparison **c, struct flow_job *j, enum pixel_route route, int all,
                          struct vn_err *e)
{
    struct routes r = { j, route, vn_flow_samples(j, FEW_SAMPLES) };
    struct vn_compare_options o;
    vn_compare_options_default(&o);
    o.left = j->config->model;
    o.right = j->product[ORIGINAL];
    o.with.prototxt = j->config->prototxt;
    o.with.run = j->o->run;
    struct vn_session *left;
    struct vn_session_options how;
    vn_session_options_default(&how);
    how.run = j->o->run;
    TRY(vn_flow_inputs(&how.inputs, j, e));
    TRY(vn_convert_open_float(&left, j->work, j->config, &how, e));
    o.with.inputs = left ? o.with.inputs : how.inputs;
    return vn_compare_fed(c, &o, &(struct compare_feeder){ r.n, feed_routes, &r, !all, left }, e);
}

static int has_pixels_changed(const struct flow_job *j)
{
    for (int i = 0; i < j->config->n_inputs; i++)
        if (j->config->inputs[i].type_rt != VN_IN_FEATUREMAP &&
            j->config->inputs[i].type_rt != j->config->inputs[i].type_train)
            return 1;
    return 0;
}

/* What 4:2:0 and 8 bits of other colours cost, before anything is quantized. */
static int colour_loss(const char **text, struct flow_job *j, struct vn_err *e)
{
    struct vn_comparison *c;
    *text = "";
    if (!has_pixels_changed(j) || j->config->calibration_type == CALIBRATION_SKIP)
        return VN_OK;
    TRY(compare_routes(&c, j, ROUTE_TRAINING, 0, e));
    const struct vn_compared *worst = vn_worst_output(c);
    if (worst) {
        j->routes.known = 1;
        j->routes.colours = worst->metric[VN_COMPARE_SQNR];
        j->routes.cosine = worst->metric[VN_COMPARE_COSINE];
    }
    *text = vn_arena_fmt(j->arena, "; loss of the device's colours (%s) before quantization: %s",
                         vn_input_type_word(j->config->inputs[0].type_rt), vn_compared_text(j->arena, worst));
    vn_comparison_free(&c);
    return VN_OK;
}

int vn_flow_original(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e)
{
    struct vn_comparison *c;
    const char *loss;
    if (j->config->output_nodes.n)
        return vn_flow_skipped(j, s, "output_nodes is set: the float model has other outputs");
    TRY(vn_flow_open_samples(j, e));
    TRY(compare_routes(&c, j, ROUTE_DEVICE, 1, e));
    const struct vn_compared *bad = vn_first_below(c, VN_COMPARE_SQNR, SAME_DB, 0);
    const struct vn_compared *first = bad ? vn_first_below(c, VN_COMPARE_SQNR, SAME_DB, 1) : NULL;
    const struct vn_compared *shown = bad ? bad : vn_worst_output(c);
    const char *text = vn_compared_text(j->arena, shown),
               *node = first ? vn_flow_node_of(j, j->product[ORIGINAL], first->name) : NULL;
    j->routes.conversion = shown ? shown->metric[VN_COMPARE_SQNR] : NAN;
    vn_comparison_free(&c);
    if (bad)
        return vn_flow_failed(j, s, "preprocessing_differs", node, "%s; expected at least %g dB", text,
                              SAME_DB);
    TRY(colour_loss(&loss, j, e));
    return vn_flow_passed(j, s, "%s%s", text, loss);
}

/* ---- optimized_float ---- */

int vn_flow_optimized(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e)
{
    struct vn_comparison *c;
    TRY(vn_flow_open_samples(j, e));
    TRY(vn_flow_compare(&c, j, j->product[ORIGINAL], j->product[OPTIMIZED], vn_flow_samples(j, FEW_SAMPLES),
                        0, e));
    const struct vn_compared *bad = vn_first_below(c, VN_COMPARE_SQNR, SAME_DB, 0);
    const struct vn_compared *first = bad ? vn_first_below(c, VN_COMPARE_SQNR, SAME_DB, 1) : NULL;
    const char *text = vn_compared_text(j->arena, bad ? bad : vn_worst_output(c)),
               *node = first ? vn_flow_node_of(j, j->product[OPTIMIZED], first->name) : NULL;
    vn_comparison_free(&c);
    return bad ? vn_flow_failed(j, s, "optimization_differs", node, "%s; expected at least %g dB", text,
                                SAME_DB)
               : vn_flow_passed(j, s, "%s", text);
}

/* ---- quantized ---- */

/* The same on samples that calibration has not seen; it fails only where calibration's pass. */
static int judge_test(struct flow_job *j, struct vn_flow_step *s, const char *passed, struct vn_err *e)
{
    struct vn_samples *calibration = j->samples;
    struct flow_judgement v;
    int status = vn_flow_open_folder(&j->samples, j, j->o->test, e);
    if (status == VN_OK)
        status = vn_flow_judge(&v, j, e);
    if (status == VN_OK && !v.passes) /* what repairs it is measured on these */
        return vn_flow_failed(j, s, "drift", NULL, "%s: %s; of calibration: %s", j->o->test, v.text, passed);
    j->samples = calibration;
    TRY(status);
    return vn_flow_passed(j, s, "%s; %s: %s", passed, j->o->test, v.text);
}

static int judge_similarity(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e)
{
    struct flow_judgement v;
    TRY(vn_flow_judge(&v, j, e));
    if (!v.passes)
        return vn_flow_failed(j, s, "quantization", NULL, "%s", v.text);
    if (j->o->test)
        return judge_test(j, s, v.text, e);
    return vn_flow_passed(j, s, "%s", v.text);
}

static int judge_frames(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e)
{
    struct flow_jitter t;
    TRY(vn_flow_jitter(&t, j, e));
    if (!t.text || t.ratio <= j->o->max_jitter)
        return vn_flow_passed(j, s, "%s; %s", s->why, t.text ? t.text : "no motion in the frames");
    return vn_flow_failed(j, s, "jitter", vn_flow_node_of(j, j->product[QUANTIZED], t.output),
                          "%s; expected at most %g; %s", t.text, j->o->max_jitter, s->why);
}

int vn_flow_quantized(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e)
{
    TRY(j->o->task ? vn_flow_judge_task(j, s, e) : judge_similarity(j, s, e));
    return s->state == VN_FLOW_PASS && j->o->frames ? judge_frames(j, s, e) : VN_OK;
}

/* ---- the program ---- */

/* What is wrong, and where. */
static int program_differs(struct flow_job *j, struct vn_flow_step *s, const struct vn_pair *p)
{
    struct vn_arena *a = j->arena;
    int n, faults;
    const struct vn_verification *v = vn_pair_steps(p);
    if (!v)
        return vn_flow_failed(j, s, "program_differs", NULL,
                              "its values differ from those of the quantized model");
    const struct vn_verified *rows = vn_verification_tensors(v, &n);
    const struct vn_fault *fault = vn_verification_faults(v, &faults);
    const int i = vn_verification_summary(v)->wrong;
    if (i >= 0)
        return vn_flow_failed(j, s, "program_differs", vn_arena_str(a, rows[i].node),
                              "tensor %s: %lld of %lld elements differ, the first is %.9g, expected %.9g",
                              rows[i].name, (long long)rows[i].different, (long long)rows[i].compared,
                              rows[i].got, rows[i].expected);
    return vn_flow_failed(j, s, "program_differs", faults ? vn_arena_str(a, fault->node) : NULL,
                          "%s fault%s%s", faults ? vn_fault_word(fault->kind) : "nothing was compared: no",
                          faults && fault->why ? ": " : "", faults && fault->why ? fault->why : "");
}

int vn_flow_program(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e)
{
    struct vn_verify_options o;
    struct vn_pair *p;
    vn_verify_options_default(&o);
    TRY(vn_flow_open_samples(j, e));
    const char *first = vn_samples_path(j->samples, 0, 0);
    o.files = &first;
    o.n_files = first && j->config->n_inputs == 1 && vn_picture_is_image_name(first);
    o.run = j->o->run;
    o.random_samples = 1; /* the reference executor is slow; vernier verify takes more */
    TRY(vn_verify_pair(&p, j->product[QUANTIZED], j->product[PROGRAM], &o, e));
    if (vn_pair_summary(p)->passed) {
        const struct vn_verify_summary *sum =
            vn_pair_steps(p) ? vn_verification_summary(vn_pair_steps(p)) : NULL;
        vn_flow_passed(j, s, "strict: %lld integers and %lld floats of %d tensors",
                       sum ? (long long)sum->compared : 0, sum ? (long long)sum->floats : 0,
                       sum ? sum->integer_tensors + sum->float_tensors : 0);
    } else {
        program_differs(j, s, p);
        s->failure.next_command = vn_arena_fmt(j->arena, "vernier verify %s %s --all --cpumask c",
                                               vn_shell_word(j->arena, j->product[QUANTIZED]),
                                               vn_shell_word(j->arena, j->product[PROGRAM]));
    }
    vn_pair_free(&p);
    return VN_OK;
}
