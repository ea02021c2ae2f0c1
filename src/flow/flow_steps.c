/* The steps: which two things each compares, and what it says. */
#include <math.h>

#include <vernier/eval.h>
#include <vernier/verify.h>

#include "base/file.h"
#include "base/shell.h"
#include "flow/flow_job.h"
#include "graph/graph.h"
#include "image/image.h"

#define SAME_DB 60.0 /* two float programs of one network: their rounding errors lie far below */
#define FEW_SAMPLES 3

static const struct flow_step steps[] = {
    { "float", "float model against the training program's saved outputs", vn_flow_float, 1 },
    { "convert", "configuration, calibration data, conversion", vn_flow_convert, 0 },
    { "original_float", "with its preprocessing node against the float model", vn_flow_original, 1 },
    { "optimized_float", "against original_float", vn_flow_optimized, 1 },
    { "quantized", "against float: the task's score, or similarity", vn_flow_quantized, 1 },
    { "bin", "the program against the quantized model, every tensor", vn_flow_program, 1 },
    { "board", "dumps of a device against the quantized model", vn_flow_board, 0 },
};

const struct flow_step *vn_flow_table(int *n)
{
    *n = sizeof steps / sizeof *steps;
    return steps;
}

/* ---- what a comparison says ---- */

/* Integers and booleans are judged by the floats in front of them. */
static int is_below(const struct vn_compared *r, enum vn_compare_metric m, double least)
{
    return r->differs || (!r->exact && !(r->metric[m] >= least));
}

/* Of the outputs (all: of all tensors), in the order of the run: the first below `least`; NULL: none. */
static const struct vn_compared *first_below(const struct vn_comparison *c, enum vn_compare_metric m,
                                             double least, int all)
{
    int n;
    const struct vn_compared *r = vn_comparison_rows(c, &n);
    for (int i = 0; i < n; i++)
        if ((all || r[i].output || r[i].judge) && is_below(&r[i], m, least))
            return &r[i];
    return NULL;
}

static int is_worse(const struct vn_compared *r, const struct vn_compared *worst)
{
    if (!worst || worst->exact || r->exact)
        return !worst || !r->exact;
    return !(r->metric[VN_COMPARE_SQNR] >= worst->metric[VN_COMPARE_SQNR]);
}

/* The output, or what integer outputs are judged by, with the least SQNR. */
static const struct vn_compared *worst_output(const struct vn_comparison *c)
{
    int n;
    const struct vn_compared *r = vn_comparison_rows(c, &n), *worst = NULL;
    for (int i = 0; i < n; i++)
        if ((r[i].output || r[i].judge) && is_worse(&r[i], worst))
            worst = &r[i];
    return worst;
}

static const char *numbers(struct vn_arena *a, const struct vn_compared *r)
{
    if (!r)
        return "no output was compared";
    if (r->differs)
        return vn_arena_fmt(a, "%s: %s", r->name, r->differs);
    if (r->exact)
        return vn_arena_fmt(a, "%s: %.2f %% of the elements are equal", r->name,
                            100 * r->metric[VN_COMPARE_AGREEMENT]);
    return vn_arena_fmt(a, "%s: cosine %.6f, SQNR %.1f dB, agreement %.4f", r->name,
                        r->metric[VN_COMPARE_COSINE], r->metric[VN_COMPARE_SQNR],
                        r->metric[VN_COMPARE_AGREEMENT]);
}

/* The node that makes a tensor of this ONNX file; the tensor's name where there is none. */
static const char *node_of(struct flow_job *j, const char *onnx, const char *tensor)
{
    struct vn_session **s = vn_session_slot(j->work);
    struct vn_session_options o;
    struct vn_err ignored;
    vn_session_options_default(&o);
    o.inspect = 1;
    if (vn_session_open(s, onnx, &o, &ignored) < 0)
        return tensor;
    const struct value *v = vn_graph_find(vn_session_graph(*s), tensor);
    return vn_arena_str(j->arena, v && v->producer ? v->producer->name : tensor);
}

/* ---- float against training ---- */

static int settings_of_config(struct vn_input_settings *s, struct flow_job *j)
{
    const struct config *c = j->config;
    const char **names = NEW_ARRAY(j->work, const char *, c->n_inputs),
               **shapes = NEW_ARRAY(j->work, const char *, c->n_inputs);
    *s = (struct vn_input_settings){ 0, names, shapes, c->n_values, c->values };
    for (int i = 0; i < c->n_inputs; i++)
        if (c->inputs[i].name && c->inputs[i].shape) {
            names[s->n_shapes] = c->inputs[i].name;
            shapes[s->n_shapes++] = c->inputs[i].shape;
        }
    return VN_OK;
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
    settings_of_config(&o.with.inputs, j);
    TRY(vn_compare(&c, &o, e));
    const struct vn_compared *below = first_below(c, VN_COMPARE_SQNR, SAME_DB, 1);
    const struct vn_compared *shown = below ? below : worst_output(c);
    const char *text = numbers(j->arena, shown), *tensor = below ? vn_arena_str(j->arena, below->name) : NULL;
    const int samples = vn_comparison_summary(c)->samples, outputs = worst_output(c) != NULL;
    vn_comparison_free(&c);
    if (below)
        return vn_flow_failed(j, s, "float_differs", node_of(j, j->config->model, tensor),
                              "%s; expected at least %g dB", text, SAME_DB);
    return outputs ? vn_flow_passed(j, s, "%d sample%s, %s", samples, samples == 1 ? "" : "s", text)
                   : vn_flow_skipped(j, s, "%s holds no output of the network", j->o->reference);
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
        vn_flow_failed(j, s, vn_arena_str(j->arena, first->detector), NULL, "%s", first->text);
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
    o.listener = (struct vn_listener){ .problem = keep_problem, .user = &log };
    const int status = vn_convert(&j->c, &o, e);
    if (status == VN_E_NOMEM || status == VN_E_CANCELLED)
        return status;
    if (status < 0)
        return vn_flow_failed(j, s, vn_problem_id(e) ? vn_problem_id(e) : "configuration", NULL, "%s",
                              log.n ? log.first.msg : e->msg);
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
    TRY(vn_flow_inputs(&o.with.inputs, j, e));
    return vn_compare_fed(c, &o, &(struct compare_feeder){ r.n, feed_routes, &r, !all }, e);
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
    *text =
        vn_arena_fmt(j->arena, "; loss of the device's colours (%s) before quantization: %s",
                     vn_input_type_word(j->config->inputs[0].type_rt), numbers(j->arena, worst_output(c)));
    vn_comparison_free(&c);
    return VN_OK;
}

int vn_flow_original(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e)
{
    struct vn_comparison *c;
    const char *loss;
    if (j->config->output_nodes.n)
        return vn_flow_skipped(j, s, "output_nodes: the float model has other outputs");
    TRY(vn_flow_open_samples(j, e));
    TRY(compare_routes(&c, j, ROUTE_DEVICE, 1, e));
    const struct vn_compared *bad = first_below(c, VN_COMPARE_SQNR, SAME_DB, 0);
    const struct vn_compared *first = bad ? first_below(c, VN_COMPARE_SQNR, SAME_DB, 1) : NULL;
    const char *text = numbers(j->arena, bad ? bad : worst_output(c)),
               *node = first ? node_of(j, j->product[ORIGINAL], first->name) : NULL;
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
    const struct vn_compared *bad = first_below(c, VN_COMPARE_SQNR, SAME_DB, 0);
    const struct vn_compared *first = bad ? first_below(c, VN_COMPARE_SQNR, SAME_DB, 1) : NULL;
    const char *text = numbers(j->arena, bad ? bad : worst_output(c)),
               *node = first ? node_of(j, j->product[OPTIMIZED], first->name) : NULL;
    vn_comparison_free(&c);
    return bad ? vn_flow_failed(j, s, "optimization_differs", node, "%s; expected at least %g dB", text,
                                SAME_DB)
               : vn_flow_passed(j, s, "%s", text);
}

/* ---- quantized ---- */

static int judge_task(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e)
{
    const char *const models[] = { j->product[ORIGINAL], j->product[QUANTIZED] };
    struct vn_eval_options o;
    struct vn_evaluation *v;
    int n;
    vn_eval_options_default(&o);
    o.task = j->o->task;
    o.models = models;
    o.n_models = 2;
    o.run = j->o->run;
    o.listener = j->o->listener;
    TRY(vn_eval(&v, &o, e));
    const struct vn_eval_summary *sum = vn_evaluation_summary(v);
    const struct vn_eval_model *m = vn_evaluation_models(v, &n);
    const struct vn_eval_score *q = sum->n_scores ? &m[1].scores[0] : NULL;
    const char *text =
        q ? vn_arena_fmt(j->arena, "%s %.2f, float %.2f: %+.2f %s (95 %% %+.2f to %+.2f), %d samples",
                         q->name, q->value, m[0].scores[0].value, q->difference, sum->unit, q->low, q->high,
                         sum->samples)
          : "the task's metric has no score";
    const double difference = q ? q->difference : 0, score = q ? m[0].scores[0].value : 0;
    vn_evaluation_free(&v);
    if (!q)
        return vn_flow_skipped(j, s, "%s", text);
    if (score == 0)
        return vn_flow_failed(j, s, "task_fails_in_float", NULL, "%s: float scores 0", text);
    return difference < -j->o->max_drop ? vn_flow_failed(j, s, "quantization", NULL,
                                                         "%s; expected at most %g less", text, j->o->max_drop)
                                        : vn_flow_passed(j, s, "%s", text);
}

static int judge_similarity(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e)
{
    struct flow_judgement v;
    TRY(vn_flow_judge(&v, j, e));
    if (!v.passes)
        return vn_flow_failed(j, s, "quantization", NULL, "%s", v.text);
    vn_flow_passed(j, s, "%s", v.text);
    return vn_flow_advise(j, s, e);
}

int vn_flow_quantized(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e)
{
    return j->o->task ? judge_task(j, s, e) : judge_similarity(j, s, e);
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
                              "its values are not those of the quantized model");
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

/* ---- a board ---- */

#define BOARD_COSINE 0.999 /* another program of the same quantized network */

int vn_flow_board(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e)
{
    struct vn_compare_options o;
    struct vn_comparison *c;
    if (!j->o->dumps)
        return vn_flow_skipped(j, s,
                               "no board: run the program there, save inputs and outputs, and name the "
                               "folder by --dumps");
    vn_compare_options_default(&o);
    o.left = j->product[QUANTIZED];
    o.right = j->o->dumps;
    o.with.run = j->o->run;
    TRY(vn_compare(&c, &o, e));
    const struct vn_compared *bad = first_below(c, VN_COMPARE_COSINE, BOARD_COSINE, 0);
    const struct vn_compared *first = bad ? first_below(c, VN_COMPARE_COSINE, BOARD_COSINE, 1) : NULL;
    const struct vn_compared *output = worst_output(c);
    const char *text = numbers(j->arena, bad ? bad : output),
               *node = first ? node_of(j, j->product[QUANTIZED], first->name) : NULL;
    vn_comparison_free(&c);
    if (!output)
        return vn_flow_skipped(j, s, "%s holds no output of the network", j->o->dumps);
    if (!bad)
        return vn_flow_passed(j, s, "%s", text);
    vn_flow_failed(j, s, "board_differs", node, "%s; expected a cosine of at least %g", text, BOARD_COSINE);
    s->failure.next_command =
        vn_arena_fmt(j->arena, "vernier compare %s %s --sort order --all",
                     vn_shell_word(j->arena, j->product[QUANTIZED]), vn_shell_word(j->arena, j->o->dumps));
    return VN_OK;
}
