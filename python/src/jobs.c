/* Whole jobs: conversions, checks, comparisons, evaluations. Each takes a dict of options and the functions
 * that hear it (log, progress, problem), and returns a dict. */
#include "native.h"

#include <stdio.h>
#include <stdlib.h>

#include <vernier/align.h>
#include <vernier/check.h>
#include <vernier/compare.h>
#include <vernier/convert.h>
#include <vernier/eval.h>
#include <vernier/prep.h>
#include <vernier/tune.h>
#include <vernier/verify.h>

struct job {
    struct native_call call;
    struct native_ears ears;
    struct native_kept keep;
    struct vn_err e;
};

/* Options from the arguments of the call; then the library has the word. */
static int begin(struct job *j, PyObject *args, void *options, const struct native_field *fields,
                 struct vn_listener *l)
{
    PyObject *given;
    *j = (struct job){ .ears.call = &j->call };
    if (!PyArg_ParseTuple(args, "O!OOO", &PyDict_Type, &given, &j->ears.log, &j->ears.progress,
                          &j->ears.problem) ||
        native_fill(options, fields, given, &j->keep) < 0) {
        native_release(&j->keep);
        return -1;
    }
    if (l)
        native_listen(l, &j->ears);
    native_begin(&j->call);
    return 0;
}

static int end(struct job *j, int status)
{
    native_release(&j->keep);
    return native_end(&j->call, status, &j->e);
}

#define OPTION(type, name, word, kind) \
    { \
        word, FIELD_##kind, offsetof(struct type, name), 0 \
    }
#define OPTION_LIST(type, name, n, word) \
    { \
        word, FIELD_TEXTS, offsetof(struct type, name), offsetof(struct type, n) \
    }
#define RUN_OPTIONS(type) OPTION(type, run.threads, "threads", INT), OPTION(type, run.cpumask, "cpumask", U32)
#define SOURCE_OPTIONS(type) \
    OPTION(type, source.model, "model", TEXT), OPTION(type, source.prototxt, "prototxt", TEXT), \
        OPTION_LIST(type, source.shape_names, source.n_shapes, "shape_names"), \
        OPTION_LIST(type, source.shapes, source.n_shapes, "shapes"), \
        OPTION_LIST(type, source.values, source.n_values, "values")
#define INPUT_OPTIONS(type) \
    OPTION_LIST(type, inputs.shape_names, inputs.n_shapes, "shape_names"), \
        OPTION_LIST(type, inputs.shapes, inputs.n_shapes, "shapes"), \
        OPTION_LIST(type, inputs.values, inputs.n_values, "values")

/* ---- results that several jobs have ---- */

static const struct native_field node_fields[] = {
    FIELD(vn_node_row, node, TEXT),        FIELD(vn_node_row, type, TEXT),
    FIELD(vn_node_row, on, TEXT),          FIELD(vn_node_row, subgraph, TEXT),
    FIELD(vn_node_row, dtype, TEXT),       FIELD(vn_node_row, compared, INT),
    FIELD(vn_node_row, cosine, REAL),      FIELD(vn_node_row, cosine_min, REAL),
    FIELD(vn_node_row, cosine_mean, REAL), FIELD(vn_node_row, threshold, REAL),
    FIELD(vn_node_row, why_float, REASON), { 0 },
};

static const struct native_field output_fields[] = {
    FIELD(vn_output_row, output, TEXT),       FIELD(vn_output_row, cosine, REAL),
    FIELD(vn_output_row, l1, REAL),           FIELD(vn_output_row, l2, REAL),
    FIELD(vn_output_row, chebyshev, REAL),    FIELD(vn_output_row, cosine_min, REAL),
    FIELD(vn_output_row, cosine_mean, REAL),  FIELD(vn_output_row, exact, INT),
    FIELD(vn_output_row, judged_by, TEXT),    FIELD(vn_output_row, equal, REAL),
    FIELD(vn_output_row, equal_min, REAL),    FIELD(vn_output_row, equal_mean, REAL),
    FIELD(vn_output_row, worst_sample, TEXT), { 0 },
};

static const struct native_field summary_fields[] = {
    FIELD(vn_convert_summary, march, TEXT),   FIELD(vn_convert_summary, method, TEXT),
    FIELD(vn_convert_summary, searched, INT), FIELD(vn_convert_summary, bias_corrected, INT),
    FIELD(vn_convert_summary, random, INT),   { 0 },
};

static const struct native_field march_fields[] = {
    FIELD(vn_march_row, march, TEXT),
    FIELD(vn_march_row, description, TEXT),
    FIELD(vn_march_row, integers, INT),
    { 0 },
};

static PyObject *findings(const struct vn_finding *f, int n)
{
    PyObject *list = PyList_New(n);
    for (int i = 0; list && i < n; i++)
        PyList_SetItem(list, i,
                       Py_BuildValue("{s:s, s:s, s:z, s:s}", "detector", f[i].detector, "severity",
                                     vn_severity_word(f[i].severity), "input", f[i].input, "text",
                                     f[i].text));
    return list;
}

#define RECORDS(fields, rows, n) native_records(fields, rows, n, sizeof *(rows))

/* ---- convert, check ---- */

static PyObject *conversion(struct vn_conversion *c)
{
    int n, m, k;
    const struct vn_node_row *nodes = vn_conversion_nodes(c, &n);
    const struct vn_output_row *outputs = vn_conversion_outputs(c, &m);
    const struct vn_finding *found = vn_conversion_findings(c, &k);
    static const char *const stages[] = { "original_float", "optimized_float", "calibrated", "quantized",
                                          "bin" };
    PyObject *products = PyDict_New();
    for (size_t i = 0; products && i < sizeof stages / sizeof *stages; i++) {
        PyObject *path = Py_BuildValue("z", vn_conversion_product(c, stages[i]));
        PyDict_SetItemString(products, stages[i], path ? path : Py_None);
        Py_XDECREF(path);
    }
    return Py_BuildValue("{s:N, s:N, s:N, s:N, s:N}", "nodes", RECORDS(node_fields, nodes, n), "outputs",
                         RECORDS(output_fields, outputs, m), "findings", findings(found, k), "products",
                         products, "summary", native_record(summary_fields, vn_conversion_summary(c)));
}

static PyObject *convert(PyObject *self, PyObject *args)
{
    static const struct native_field fields[] = {
        FIELD(vn_convert_options, config, TEXT),
        FIELD(vn_convert_options, compare_limit, INT),
        FIELD(vn_convert_options, accept_data, INT),
        RUN_OPTIONS(vn_convert_options),
        { 0 },
    };
    struct job j;
    struct vn_convert_options o;
    struct vn_conversion *c = NULL;
    (void)self;
    vn_convert_options_default(&o);
    if (begin(&j, args, &o, fields, &o.listener) < 0)
        return NULL;
    PyObject *result = end(&j, vn_tune_convert(&c, &o, &j.e)) < 0 ? NULL : conversion(c);
    vn_conversion_free(&c);
    return result;
}

static PyObject *checked(struct vn_checked *c)
{
    int n, m;
    const struct vn_node_row *nodes = vn_checked_nodes(c, &n);
    const struct vn_march_row *marches = vn_checked_marches(c, &m);
    return Py_BuildValue("{s:s, s:i, s:N, s:N}", "march", vn_checked_march(c), "integers",
                         vn_checked_integers(c), "nodes", RECORDS(node_fields, nodes, n), "marches",
                         RECORDS(march_fields, marches, m));
}

static PyObject *check(PyObject *self, PyObject *args)
{
    static const struct native_field fields[] = {
        SOURCE_OPTIONS(vn_check_options),
        FIELD(vn_check_options, march, TEXT),
        { 0 },
    };
    struct job j;
    struct vn_check_options o;
    struct vn_checked *c = NULL;
    (void)self;
    vn_check_options_default(&o);
    if (begin(&j, args, &o, fields, &o.listener) < 0)
        return NULL;
    PyObject *result = end(&j, vn_check(&c, &o, &j.e)) < 0 ? NULL : checked(c);
    vn_checked_free(&c);
    return result;
}

/* ---- verify ---- */

static const struct native_field verified_fields[] = {
    FIELD(vn_verified, name, TEXT),
    FIELD(vn_verified, node, TEXT),
    FIELD(vn_verified, opcode, TEXT),
    FIELD(vn_verified, integer, INT),
    FIELD(vn_verified, fused, INT),
    FIELD(vn_verified, compared, INT64),
    FIELD(vn_verified, different, INT64),
    FIELD(vn_verified, max_step, INT64),
    FIELD(vn_verified, max_difference, REAL),
    FIELD(vn_verified, max_relative, REAL),
    FIELD(vn_verified, max_bound, REAL),
    FIELD(vn_verified, first, INT64),
    FIELD(vn_verified, first_sample, INT),
    FIELD(vn_verified, got, REAL),
    FIELD(vn_verified, expected, REAL),
    FIELD(vn_verified, mistrusted, INT),
    { 0 },
};

static const struct native_field agreement_fields[] = {
    FIELD(vn_agreement, name, TEXT),
    FIELD(vn_agreement, output, INT),
    FIELD(vn_agreement, integer, INT),
    FIELD(vn_agreement, samples, INT),
    FIELD(vn_agreement, compared, INT64),
    FIELD(vn_agreement, different, INT64),
    FIELD(vn_agreement, cosine_min, REAL),
    FIELD(vn_agreement, cosine_mean, REAL),
    FIELD(vn_agreement, sqnr_min, REAL),
    FIELD(vn_agreement, max_difference, REAL),
    FIELD(vn_agreement, worst_sample, INT),
    FIELD(vn_agreement, mistrusted, INT),
    { 0 },
};

static PyObject *faults(const struct vn_verification *v)
{
    int n;
    const struct vn_fault *f = v ? vn_verification_faults(v, &n) : NULL;
    PyObject *list = PyList_New(v ? n : 0);
    for (int i = 0; v && list && i < n; i++)
        PyList_SetItem(list, i,
                       Py_BuildValue("{s:s, s:s, s:z, s:z, s:z}", "kind", vn_fault_word(f[i].kind), "name",
                                     f[i].name, "node", f[i].node, "writer_node", f[i].writer_node, "why",
                                     f[i].why));
    return list;
}

static PyObject *compared(struct vn_pair *p)
{
    int n = 0, m = 0;
    const struct vn_pair_info *info = vn_pair_summary(p);
    const struct vn_verification *v = vn_pair_steps(p);
    const struct vn_agreement *values = v ? NULL : vn_pair_values(p, &n);
    const struct vn_verified *tensors = v ? vn_verification_tensors(v, &m) : NULL;
    return Py_BuildValue("{s:N, s:N, s:i, s:z, s:z, s:N, s:N, s:N}", "passed", PyBool_FromLong(info->passed),
                         "strict", PyBool_FromLong(info->strict), "samples", info->samples, "origin",
                         info->origin, "removed", info->removed, "tensors",
                         RECORDS(verified_fields, tensors, m), "values", RECORDS(agreement_fields, values, n),
                         "faults", faults(v));
}

/* The two artefacts are not among the library's options. */
struct verify_pair {
    const char *a, *b;
    struct vn_verify_options o;
};

static PyObject *verify(PyObject *self, PyObject *args)
{
    static const struct native_field fields[] = {
        FIELD(verify_pair, a, TEXT),
        FIELD(verify_pair, b, TEXT),
        OPTION_LIST(verify_pair, o.folders, o.n_folders, "folders"),
        OPTION_LIST(verify_pair, o.files, o.n_files, "files"),
        OPTION(verify_pair, o.limit, "limit", INT),
        OPTION(verify_pair, o.random_samples, "random_samples", INT),
        OPTION(verify_pair, o.digits, "digits", INT),
        OPTION(verify_pair, o.min_cosine, "min_cosine", REAL),
        OPTION(verify_pair, o.prototxt, "prototxt", TEXT),
        OPTION(verify_pair, o.pipeline, "pipeline", TEXT),
        OPTION(verify_pair, o.run.threads, "threads", INT),
        { 0 },
    };
    struct job j;
    struct verify_pair v = { .a = NULL };
    struct vn_pair *p = NULL;
    (void)self;
    vn_verify_options_default(&v.o);
    if (begin(&j, args, &v, fields, &v.o.listener) < 0)
        return NULL;
    PyObject *result = end(&j, vn_verify_pair(&p, v.a, v.b, &v.o, &j.e)) < 0 ? NULL : compared(p);
    vn_pair_free(&p);
    return result;
}

/* ---- compare ---- */

static const struct native_field compared_fields[] = {
    FIELD(vn_compared, name, TEXT),          FIELD(vn_compared, output, INT),
    FIELD(vn_compared, exact, INT),          FIELD(vn_compared, samples, INT),
    FIELD(vn_compared, elements, INT64),     FIELD(vn_compared, choices, INT64),
    FIELD(vn_compared, choices_kept, INT64), FIELD(vn_compared, cosine_min, REAL),
    FIELD(vn_compared, worst_sample, INT),   FIELD(vn_compared, mistrusted, INT),
    FIELD(vn_compared, judged, INT),         FIELD(vn_compared, passed, INT),
    FIELD(vn_compared, differs, TEXT),       { 0 },
};

#define MOST_THRESHOLDS 16

struct compare_call {
    struct vn_compare_options o;
    int n;
    const char *const *limits; /* "METRIC=NUMBER" */
    const char *sort; /* a metric; "": as they run */
    struct vn_compare_threshold threshold[MOST_THRESHOLDS];
};

static int read_metric(int *metric, const char *word, size_t n, struct vn_err *e)
{
    char name[32];
    snprintf(name, sizeof name, "%.*s", (int)n, word);
    *metric = vn_compare_metric_find(name);
    if (*metric >= 0)
        return VN_OK;
    e->code = VN_E_USAGE;
    snprintf(e->msg, sizeof e->msg, "unknown metric '%s'", name);
    return VN_E_USAGE;
}

/* Without the interpreter, as all that follows begin(). */
static int run_compare(struct vn_comparison **found, struct compare_call *c, struct vn_err *e)
{
    int metric, by = -1, status = *c->sort ? read_metric(&by, c->sort, strlen(c->sort), e) : VN_OK;
    for (int i = 0; status == VN_OK && i < c->n && i < MOST_THRESHOLDS; i++) {
        const size_t n = strcspn(c->limits[i], "=");
        status = read_metric(&metric, c->limits[i], n, e);
        if (status == VN_OK)
            c->threshold[c->o.n_thresholds++] =
                (struct vn_compare_threshold){ (enum vn_compare_metric)metric,
                                               strtod(c->limits[i] + n + 1, NULL) };
    }
    c->o.thresholds = c->threshold;
    if (status == VN_OK)
        status = vn_compare(found, &c->o, e);
    if (status == VN_OK && by >= 0)
        vn_comparison_sort(*found, (enum vn_compare_metric)by);
    return status;
}

/* Each row with its metrics, in the order of compare_metrics.def. */
static PyObject *compared_tensors(const struct vn_comparison *c)
{
    int n;
    const struct vn_compared *rows = vn_comparison_rows(c, &n);
    PyObject *list = RECORDS(compared_fields, rows, n);
    for (int i = 0; list && i < n; i++) {
        PyObject *metrics = PyDict_New();
        for (int m = 0; metrics && m < VN_COMPARE_METRICS; m++) {
            PyObject *x = PyFloat_FromDouble(rows[i].metric[m]);
            PyDict_SetItemString(metrics, vn_compare_metric_word((enum vn_compare_metric)m), x);
            Py_XDECREF(x);
        }
        PyDict_SetItemString(PyList_GetItem(list, i), "metrics", metrics);
        Py_XDECREF(metrics);
    }
    return list;
}

static PyObject *comparison(const struct vn_comparison *c)
{
    const struct vn_compare_summary *s = vn_comparison_summary(c);
    return Py_BuildValue("{s:i, s:i, s:i, s:i, s:i, s:N, s:N}", "samples", s->samples, "only_left",
                         s->only[0], "only_right", s->only[1], "judged", s->judged, "failed", s->failed,
                         "passed", PyBool_FromLong(s->passed), "tensors", compared_tensors(c));
}

static PyObject *compare(PyObject *self, PyObject *args)
{
    static const struct native_field fields[] = {
        OPTION(compare_call, o.left, "left", TEXT),
        OPTION(compare_call, o.right, "right", TEXT),
        OPTION_LIST(compare_call, o.with.folders, o.with.n_folders, "folders"),
        OPTION_LIST(compare_call, o.with.files, o.with.n_files, "files"),
        OPTION(compare_call, o.with.limit, "limit", INT),
        OPTION(compare_call, o.with.random_samples, "random_samples", INT),
        OPTION(compare_call, o.with.prototxt, "prototxt", TEXT),
        OPTION(compare_call, o.with.pipeline, "pipeline", TEXT),
        OPTION(compare_call, o.with.run.threads, "threads", INT),
        OPTION_LIST(compare_call, o.raw, o.n_raw, "raw"),
        OPTION(compare_call, o.judge_all, "judge_all", INT),
        OPTION_LIST(compare_call, limits, n, "thresholds"),
        OPTION(compare_call, sort, "sort", TEXT),
        { 0 },
    };
    struct job j;
    struct compare_call c = { .sort = "" };
    struct vn_comparison *found = NULL;
    (void)self;
    vn_compare_options_default(&c.o);
    if (begin(&j, args, &c, fields, &c.o.with.listener) < 0)
        return NULL;
    PyObject *result = end(&j, run_compare(&found, &c, &j.e)) < 0 ? NULL : comparison(found);
    vn_comparison_free(&found);
    return result;
}

/* ---- evaluate ---- */

static const struct native_field score_fields[] = {
    FIELD(vn_eval_score, name, TEXT),
    FIELD(vn_eval_score, value, REAL),
    FIELD(vn_eval_score, difference, REAL),
    FIELD(vn_eval_score, interval, INT),
    FIELD(vn_eval_score, low, REAL),
    FIELD(vn_eval_score, high, REAL),
    { 0 },
};

static const struct native_field likeness_fields[] = {
    FIELD(vn_eval_likeness, name, TEXT),       FIELD(vn_eval_likeness, cosine_mean, REAL),
    FIELD(vn_eval_likeness, cosine_min, REAL), FIELD(vn_eval_likeness, sqnr, REAL),
    FIELD(vn_eval_likeness, max, REAL),        { 0 },
};

static PyObject *evaluation(const struct vn_evaluation *v)
{
    int n;
    const struct vn_eval_summary *s = vn_evaluation_summary(v);
    const struct vn_eval_model *m = vn_evaluation_models(v, &n);
    PyObject *models = PyList_New(n);
    for (int i = 0; models && i < n; i++)
        PyList_SetItem(
            models, i,
            Py_BuildValue("{s:s, s:N, s:N}", "path", m[i].path, "scores",
                          RECORDS(score_fields, m[i].scores, s->n_scores), "outputs",
                          RECORDS(likeness_fields, m[i].outputs, m[i].outputs ? s->n_outputs : 0)));
    return Py_BuildValue("{s:s, s:s, s:i, s:i, s:i, s:N}", "metric", s->metric, "unit", s->unit, "samples",
                         s->samples, "labelled", s->labelled, "resumed", s->resumed, "models", models);
}

/* Keys and values of settings come as two lists. */
struct eval_call {
    struct vn_eval_options o;
    const char *const *keys, *const *values;
    int n_keys, n_values;
    struct vn_eval_setting settings[64];
};

static void pair_settings(struct eval_call *c)
{
    c->o.n_settings = c->n_keys < 64 ? c->n_keys : 64;
    c->o.settings = c->settings;
    for (int i = 0; i < c->o.n_settings; i++)
        c->settings[i] = (struct vn_eval_setting){ .key = c->keys[i], .value = c->values[i] };
}

static PyObject *evaluate(PyObject *self, PyObject *args)
{
    static const struct native_field fields[] = {
        OPTION(eval_call, o.task, "task", TEXT),
        OPTION(eval_call, o.prototxt, "prototxt", TEXT),
        OPTION(eval_call, o.results, "results", TEXT),
        OPTION(eval_call, o.state, "state", TEXT),
        OPTION(eval_call, o.finished, "finished", INT),
        OPTION(eval_call, o.run.threads, "threads", INT),
        OPTION_LIST(eval_call, o.models, o.n_models, "models"),
        OPTION_LIST(eval_call, keys, n_keys, "keys"),
        OPTION_LIST(eval_call, values, n_values, "values"),
        { 0 },
    };
    struct job j;
    struct eval_call c = { .n_keys = 0 };
    struct vn_evaluation *v = NULL;
    (void)self;
    vn_eval_options_default(&c.o);
    if (begin(&j, args, &c, fields, &c.o.listener) < 0)
        return NULL;
    pair_settings(&c);
    PyObject *result = end(&j, vn_eval(&v, &c.o, &j.e)) < 0 ? NULL : evaluation(v);
    vn_evaluation_free(&v);
    return result;
}

/* ---- align ---- */

static const struct native_field cause_fields[] = {
    FIELD(vn_align_cause, cause, TEXT),
    FIELD(vn_align_cause, setting, TEXT),
    { "left", FIELD_TEXT, offsetof(struct vn_align_cause, side[0]), 0 },
    { "right", FIELD_TEXT, offsetof(struct vn_align_cause, side[1]), 0 },
    { 0 },
};

static PyObject *why(const struct vn_align_why *w)
{
    if (!w)
        return Py_NewRef(Py_None);
    PyObject *facts = PyList_New(w->n_facts);
    for (int i = 0; facts && i < w->n_facts; i++)
        PyList_SetItem(facts, i, PyUnicode_FromString(w->facts[i]));
    return Py_BuildValue("{s:N, s:N, s:N, s:(zz), s:d}", "found", PyBool_FromLong(w->found), "causes",
                         RECORDS(cause_fields, w->causes, w->n_causes), "facts", facts, "steps", w->steps[0],
                         w->steps[1], "residual", w->residual);
}

static PyObject *stage(const struct vn_align_stage *s)
{
    static const char *const states[] = { "aligned", "unaligned", "follows", "missing" };
    return Py_BuildValue("{s:s, s:s, s:z, s:z, s:(zz), s:(zz), s:d, s:d, s:L, s:z, s:N}", "name", s->name,
                         "state", states[s->state], "follows", s->from, "missing_in", s->missing_in, "shape",
                         s->shape[0], s->shape[1], "dtype", s->dtype[0], s->dtype[1], "max", s->max, "share",
                         s->share, "first", (long long)s->first, "place", s->place, "why", why(s->why));
}

static PyObject *alignment(const struct vn_alignment *r)
{
    int n;
    const struct vn_align_summary *s = vn_alignment_summary(r);
    const struct vn_align_stage *all = vn_alignment_stages(r, &n);
    PyObject *stages = PyList_New(n);
    for (int i = 0; stages && i < n; i++) {
        PyObject *x = stage(&all[i]);
        if (x)
            PyList_SetItem(stages, i, x);
        else
            Py_CLEAR(stages);
    }
    return Py_BuildValue("{s:(zz), s:i, s:i, s:i, s:N}", "paths", s->path[0], s->path[1], "samples",
                         s->samples, "unaligned", s->unaligned, "other_winners", s->other_winners, "stages",
                         stages);
}

static PyObject *align(PyObject *self, PyObject *args)
{
    static const struct native_field fields[] = {
        FIELD(vn_align_options, sides, INT),
        FIELD(vn_align_options, left, TEXT),
        FIELD(vn_align_options, right, TEXT),
        FIELD(vn_align_options, model, TEXT),
        FIELD_LIST(vn_align_options, images, n_images),
        FIELD_LIST(vn_align_options, raw, n_raw),
        FIELD(vn_align_options, tolerance, REAL),
        FIELD(vn_align_options, explain, INT),
        FIELD(vn_align_options, differences, TEXT),
        INPUT_OPTIONS(vn_align_options),
        RUN_OPTIONS(vn_align_options),
        { 0 },
    };
    struct job j;
    struct vn_align_options o;
    struct vn_alignment *r = NULL;
    (void)self;
    vn_align_options_default(&o);
    if (begin(&j, args, &o, fields, NULL) < 0)
        return NULL;
    PyObject *result = end(&j, vn_align(&r, &o, &j.e)) < 0 ? NULL : alignment(r);
    vn_alignment_free(&r);
    return result;
}

/* ---- prep ---- */

static PyObject *prepared(const struct vn_prepared *p)
{
    static const struct native_field fields[] = {
        FIELD(vn_prep_file, source, TEXT),
        FIELD(vn_prep_file, name, TEXT),
        FIELD(vn_prep_file, kept, INT),
        { 0 },
    };
    int n;
    const struct vn_prep_file *f = vn_prep_files(p, &n);
    return Py_BuildValue("{s:s, s:N}", "pipeline", vn_prep_pipeline(p), "files", RECORDS(fields, f, n));
}

static PyObject *prep(PyObject *self, PyObject *args)
{
    static const struct native_field fields[] = {
        FIELD(vn_prep_options, folder, TEXT),
        FIELD(vn_prep_options, output_dir, TEXT),
        FIELD(vn_prep_options, pipeline, TEXT),
        FIELD(vn_prep_options, format, INT),
        FIELD(vn_prep_options, limit, INT),
        RUN_OPTIONS(vn_prep_options),
        { 0 },
    };
    struct job j;
    struct vn_prep_options o;
    struct vn_prepared *p = NULL;
    (void)self;
    vn_prep_options_default(&o);
    if (begin(&j, args, &o, fields, &o.listener) < 0)
        return NULL;
    PyObject *result = end(&j, vn_prep(&p, &o, &j.e)) < 0 ? NULL : prepared(p);
    vn_prep_free(&p);
    return result;
}

/* ---- tune ---- */

static const struct native_field plan_fields[] = {
    FIELD(vn_tune_plan, types, TEXT),
    FIELD(vn_tune_plan, refined, TEXT),
    FIELD(vn_tune_plan, loss, REAL),
    FIELD(vn_tune_plan, sqnr, REAL),
    FIELD(vn_tune_plan, predicted_loss, REAL),
    FIELD(vn_tune_plan, agreement, REAL),
    FIELD(vn_tune_plan, latency, REAL),
    FIELD(vn_tune_plan, size, REAL),
    FIELD(vn_tune_plan, predicted_latency, REAL),
    FIELD(vn_tune_plan, score, REAL),
    FIELD(vn_tune_plan, score_low, REAL),
    FIELD(vn_tune_plan, score_high, REAL),
    FIELD(vn_tune_plan, fits, INT),
    FIELD(vn_tune_plan, best, INT),
    FIELD(vn_tune_plan, front, INT),
    { 0 },
};

static const struct native_field tuned_fields[] = {
    FIELD(vn_tune_summary, yaml, TEXT),
    FIELD(vn_tune_summary, journal, TEXT),
    FIELD(vn_tune_summary, difference, TEXT),
    FIELD(vn_tune_summary, method, TEXT),
    FIELD(vn_tune_summary, samples, INT),
    FIELD(vn_tune_summary, range_samples, INT),
    FIELD(vn_tune_summary, base_ms, REAL),
    FIELD(vn_tune_summary, base_bytes, INT64),
    FIELD(vn_tune_summary, r_squared, REAL),
    FIELD(vn_tune_summary, factor, REAL),
    FIELD(vn_tune_summary, exponent, REAL),
    FIELD(vn_tune_summary, latency_factor, REAL),
    FIELD(vn_tune_summary, seconds, REAL),
    FIELD(vn_tune_summary, stopped, INT),
    { 0 },
};

/* By type, in the order of its number; None: not allowed. */
static PyObject *by_type(const double *x, int allowed)
{
    PyObject *list = PyTuple_New(VN_TUNE_TYPES);
    for (int k = 0; list && k < VN_TUNE_TYPES; k++)
        PyTuple_SetItem(list, k, allowed >> k & 1 ? PyFloat_FromDouble(x[k]) : Py_NewRef(Py_None));
    return list;
}

static PyObject *tune_groups(const struct vn_tuning *t)
{
    int n;
    const struct vn_tune_group *g = vn_tuning_groups(t, &n);
    PyObject *list = PyList_New(n);
    for (int i = 0; list && i < n; i++)
        PyList_SetItem(
            list, i,
            Py_BuildValue("{s:s, s:s, s:s, s:N, s:N, s:N}", "tensor", g[i].tensor, "node", g[i].node, "type",
                          vn_tune_type_word(g[i].chosen), "loss", by_type(g[i].loss, g[i].allowed), "latency",
                          by_type(g[i].latency, g[i].allowed), "size", by_type(g[i].size, g[i].allowed)));
    return list;
}

static PyObject *tuned(const struct vn_tuning *t)
{
    int n;
    const struct vn_tune_plan *p = vn_tuning_plans(t, &n);
    return Py_BuildValue("{s:N, s:N, s:N}", "summary", native_record(tuned_fields, vn_tuning_summary(t)),
                         "plans", RECORDS(plan_fields, p, n), "groups", tune_groups(t));
}

static PyObject *tune(PyObject *self, PyObject *args)
{
    static const struct native_field fields[] = {
        FIELD(vn_tune_options, config, TEXT),
        FIELD(vn_tune_options, task, TEXT),
        FIELD(vn_tune_options, latency_ratio, REAL),
        FIELD(vn_tune_options, size_ratio, REAL),
        FIELD(vn_tune_options, max_drop, REAL),
        FIELD(vn_tune_options, minutes, REAL),
        FIELD(vn_tune_options, plans, INT),
        FIELD(vn_tune_options, resume, INT),
        FIELD(vn_tune_options, samples, INT),
        FIELD(vn_tune_options, decision_axis, INT),
        FIELD(vn_tune_options, cost, INT),
        FIELD(vn_tune_options, accept_data, INT),
        RUN_OPTIONS(vn_tune_options),
        { 0 },
    };
    struct job j;
    struct vn_tune_options o;
    struct vn_tuning *t = NULL;
    (void)self;
    vn_tune_options_default(&o);
    if (begin(&j, args, &o, fields, &o.listener) < 0)
        return NULL;
    PyObject *result = end(&j, vn_tune(&t, &o, &j.e)) < 0 ? NULL : tuned(t);
    vn_tuning_free(&t);
    return result;
}

PyMethodDef native_jobs[] = {
    { "convert", convert, METH_VARARGS, NULL },
    { "check", check, METH_VARARGS, NULL },
    { "verify", verify, METH_VARARGS, NULL },
    { "compare", compare, METH_VARARGS, NULL },
    { "evaluate", evaluate, METH_VARARGS, NULL },
    { "align", align, METH_VARARGS, NULL },
    { "prep", prep, METH_VARARGS, NULL },
    { "tune", tune, METH_VARARGS, NULL },
    { 0 },
};
