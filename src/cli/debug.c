/* vernier debug - where a quantized network loses its accuracy. */
#include <errno.h>
#include <string.h>

#include <vernier/debug.h>
#include <vernier/report.h>

#include "cli/debug_plots.h"

static const struct option_def options[] = {
    { "--metric", 'm', "NAME", 1, 0,
      "cosine-similarity (default), mse, mre, sqnr or chebyshev; with several, rows are sorted by the "
      "first" },
    { "--output", 'o', "NAME", 1, 0, "judge this output (default: all; the worst one counts)" },
    { "--node-type", 'n', "KIND", 0, 0,
      "node (default), weight or activation; runall: weight and activation by default" },
    { "--nodes", 'i', "NAME", 1, 0, "only this node or calibration node (TENSOR_HzCalibration)" },
    { "--restore", 0, NULL, 0, 0, "sensitivity: quantize everything except the row's node or tensor" },
    { "--samples", 'd', "N", 0, 0, "use the first N samples of the folder (default: all)" },
    { "--decision-axis", 0, "N", 0, 0,
      "axis whose largest element is a decision (default: the axis of the Softmax or of the last linear "
      "operator before the output, else 1)" },
    { "--memory", 0, "MIB", 0, 0, "limit of working memory; fewer threads run if it is too low" },
    { "--quantize", 'q', "NAMES", 1, 0,
      "accumulated: quantize these nodes together ('A,B', or 'weight' or 'activation' for all of a kind); "
      "each --quantize adds a curve" },
    { "--keep", 0, "NAMES", 1, 0, "accumulated: quantize all nodes except these" },
    { "--average", 'a', NULL, 0, 0, "accumulated: plot the running mean" },
    { "--axis", 0, "N", 0, 0,
      "channels, runall: channel axis (default: 1; for weights the axis of their scales, else 0)" },
    { "--pick-threshold", 0, "X", 0, 0,
      "sensitivity-analysis, runall: nodes with a worse first --metric are sensitive (default 0.999)" },
    { "--save-dir", 's', "DIR", 0, 0,
      "write plots (PNG) and tables to subfolders of DIR: node_sensitivity, data_distribution, "
      "channelwise_distribution, accumulate_error, sensitivity_analysis" },
    { "--csv", 0, "FILE", 0, 0, "also write the table to FILE, with all digits" },
    RUN_OPTIONS,
    JSON_OPTION,
    REPORT_OPTION,
    { 0 },
};

/* ---- options ---- */

static int read_metrics(struct debug_request *r, struct vn_err *e)
{
    const char **words;
    const int n = vn_opt_all("--metric", &words);
    r->n_metrics = n ? n : 1;
    if (n > VN_DEBUG_METRICS)
        return vn_fail(e, VN_E_USAGE, "--metric: expected at most %d metrics, got %d", VN_DEBUG_METRICS, n);
    for (int i = 0; i < n; i++) {
        const int m = vn_debug_metric_find(words[i]);
        if (m < 0)
            return vn_fail(e, VN_E_USAGE,
                           "--metric: expected cosine-similarity, mse, mre, sqnr or chebyshev, got '%s'",
                           words[i]);
        r->metrics[i] = (enum vn_debug_metric)m;
    }
    r->o.sort = r->metrics[0];
    return VN_OK;
}

static int read_kind(struct debug_request *r, struct vn_err *e)
{
    static const char *const kinds[] = {
        [VN_DEBUG_NODE] = "node", [VN_DEBUG_WEIGHT] = "weight", [VN_DEBUG_ACTIVATION] = "activation"
    };
    const char *word = vn_opt("--node-type");
    for (unsigned i = 0; word && i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(kinds[i], word)) {
            r->kind = (enum vn_debug_kind)i;
            return VN_OK;
        }
    return word ? vn_fail(e, VN_E_USAGE, "--node-type: expected node, weight or activation, got '%s'", word)
                : VN_OK;
}

static int read_lists(struct vn_debug_options *o, struct vn_err *e)
{
    const char **words;
    int mib;
    o->n_outputs = vn_opt_all("--output", &words);
    o->outputs = o->n_outputs ? words : NULL;
    o->n_nodes = vn_opt_all("--nodes", &words);
    o->nodes = o->n_nodes ? words : NULL;
    o->restore = vn_opt("--restore") != NULL;
    TRY(vn_opt_int("--samples", 0, 1, 1000000, &o->samples, e));
    TRY(vn_opt_int("--decision-axis", -1, 0, VN_MAX_RANK - 1, &o->decision_axis, e));
    TRY(vn_opt_int("--memory", 0, 1, 1 << 30, &mib, e));
    o->memory_limit = (size_t)mib << 20;
    return VN_OK;
}

static int read_request(struct debug_request *r, struct vn_err *e)
{
    const char **words;
    vn_words(&words);
    *r = (struct debug_request){ 0 };
    vn_debug_options_default(&r->o);
    r->o.model = words[1];
    r->o.data = words[2];
    TRY(read_metrics(r, e));
    TRY(read_kind(r, e));
    TRY(read_lists(&r->o, e));
    return vn_opt_run(&r->o.run, e);
}

/* ---- sensitivity ---- */

/* Where --csv asks for it. */
static int open_csv(FILE **f, struct vn_err *e)
{
    const char *path = vn_opt("--csv");
    *f = path ? fopen(path, "w") : NULL;
    return path && !*f ? vn_fail(e, VN_E_IO, "%s: cannot write: %s", path, strerror(errno)) : VN_OK;
}

static int close_csv(FILE *f, struct vn_err *e)
{
    return f && fclose(f) ? vn_fail(e, VN_E_IO, "%s: cannot write: %s", vn_opt("--csv"), strerror(errno))
                          : EXIT_DONE;
}

static int sensitivity(struct debug_request *r, struct vn_arena *a, struct vn_err *e)
{
    struct vn_sensitivity *s;
    FILE *csv;
    TRY(open_csv(&csv, e));
    int status = vn_debug_sensitivity(&s, &r->o, r->kind, e);
    if (status == VN_OK && csv)
        vn_print_sensitivity_csv(csv, s, r->metrics, r->n_metrics);
    if (status == VN_OK && vn_opt("--json"))
        vn_print_sensitivity_json(stdout, s);
    else if (status == VN_OK)
        vn_print_sensitivity(stdout, s, r->metrics, r->n_metrics);
    if (status == VN_OK)
        status = vn_debug_save_table(r, s, a, e);
    if (status == VN_OK)
        status = vn_debug_write_report(r, vn_json_sensitivity(s), e);
    vn_sensitivity_free(&s);
    return close_csv(csv, e) < 0 ? VN_E_IO : status;
}

/* ---- accumulated error ---- */

static int accumulated(struct debug_request *r, struct vn_arena *a, struct vn_err *e)
{
    struct vn_debug_group *groups = NULL;
    struct vn_accumulated *c;
    FILE *csv;
    int n;
    TRY(vn_debug_read_groups(&groups, &n, a, e));
    TRY(open_csv(&csv, e));
    int status = vn_debug_accumulated(&c, &r->o, groups, n, vn_opt("--average") != NULL, e);
    if (status == VN_OK && csv)
        vn_print_accumulated_csv(csv, c, r->metrics[0]);
    if (status == VN_OK && vn_opt("--json"))
        vn_print_accumulated_json(stdout, c);
    else if (status == VN_OK)
        vn_print_accumulated(stdout, c, r->metrics[0]);
    if (status == VN_OK)
        status = vn_debug_save_curves(r, vn_debug_curves_title(groups, n), c, a, e);
    if (status == VN_OK)
        status = vn_debug_write_report(r, vn_json_accumulated(c), e);
    vn_accumulated_free(&c);
    return close_csv(csv, e) < 0 ? VN_E_IO : status;
}

/* ---- tensors ---- */

static int tensors(struct debug_request *r, struct vn_arena *a, struct vn_err *e)
{
    struct vn_error_split *s;
    FILE *csv;
    (void)a;
    TRY(open_csv(&csv, e));
    int status = vn_debug_tensors(&s, &r->o, e);
    if (status == VN_OK && csv)
        vn_print_error_split_csv(csv, s);
    if (status == VN_OK && vn_opt("--json"))
        vn_print_error_split_json(stdout, s);
    else if (status == VN_OK)
        vn_print_error_split(stdout, s);
    if (status == VN_OK)
        status = vn_debug_write_report(r, vn_json_error_split(s), e);
    vn_error_split_free(&s);
    return close_csv(csv, e) < 0 ? VN_E_IO : status;
}

static const struct {
    const char *word;
    int (*run)(struct debug_request *r, struct vn_arena *a, struct vn_err *e);
} parts[] = { { "sensitivity", sensitivity },
              { "accumulated", accumulated },
              { "tensors", tensors },
              { "distribution", vn_debug_run_distribution },
              { "channels", vn_debug_run_channels },
              { "sensitivity-analysis", vn_debug_run_analysis },
              { "runall", vn_debug_run_all } };

static int run(struct vn_arena *a, struct vn_err *e)
{
    struct debug_request r;
    struct logger log = { 0 };
    const char **words;
    vn_words(&words);
    TRY(read_request(&r, e));
    r.o.listener = vn_logger_listener(&log);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strcmp(words[0], parts[i].word))
            return parts[i].run(&r, a, e);
    return vn_fail(e, VN_E_USAGE,
                   "expected sensitivity, accumulated, tensors, distribution, channels, sensitivity-analysis "
                   "or runall, got 'debug %s'",
                   words[0]);
}

const struct command vn_cmd_debug = {
    "debug",
    "sensitivity|accumulated|tensors|distribution|channels|sensitivity-analysis|runall CALIBRATED.onnx "
    "FOLDER [options]",
    "measure how quantizing each node and tensor affects the outputs",
    options,
    3,
    3,
    run,
};
