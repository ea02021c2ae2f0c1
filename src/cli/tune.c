/* vernier tune - which tensors to hold in int16 or float32, under a limit. */
#include <string.h>

#include <vernier/report.h>
#include <vernier/tune.h>

#include "cli/cli.h"

static const struct option_def options[] = {
    { "--config", 'c', "FILE.yaml", 0, 0, "configuration, as for convert" },
    { "--task", 't', "FILE.yaml", 0, 0,
      "eval task: score plans on its images, which --max-drop then limits; with form, judge plans by "
      "boxes" },
    { "--latency-ratio", 0, "R", 0, 0, "at most R times the latency of the network as configured" },
    { "--size-ratio", 0, "R", 0, 0, "at most R times the size of its .bin" },
    { "--max-drop", 0, "P", 0, 0,
      "find the fastest plan that changes at most P percent of the float network's decisions, or loses at "
      "most P points of the task's first score" },
    { "--plans", 0, "N", 0, 0, "try at most N plans of types (default 16); refined weights come on top" },
    { "--minutes", 0, "M", 0, 0, "stop the search after M minutes and keep the best plan so far" },
    { "--resume", 0, NULL, 0, 0, "resume an interrupted run from its journal" },
    { "--samples", 'd', "N", 0, 0, "score on at most N samples (default 50)" },
    { "--decision-axis", 0, "N", 0, 0,
      "axis whose largest element is a decision (default: the axis of the Softmax or of the last linear "
      "operator before the output, else 1)" },
    { "--cost", 0, "SOURCE", 0, 0,
      "measured (default): times measured on this machine; target: estimated from macs_per_cycle and "
      "memory_bandwidth of the target" },
    { "--accept-data", 0, NULL, 0, 0, "treat errors in calibration data (check --data) as warnings" },
    RUN_OPTIONS,
    JSON_OPTION,
    REPORT_OPTION,
    { 0 },
};

static int read_cost(struct vn_tune_options *o, struct vn_err *e)
{
    const char *word = vn_opt("--cost");
    o->cost = word && !strcmp(word, "target") ? VN_TUNE_TARGET : VN_TUNE_MEASURED;
    return word && strcmp(word, "target") != 0 && strcmp(word, "measured") != 0
               ? vn_fail(e, VN_E_USAGE, "--cost: expected measured or target, got '%s'", word)
               : VN_OK;
}

static int read_options(struct vn_tune_options *o, struct vn_err *e)
{
    vn_tune_options_default(o);
    o->config = vn_opt("--config");
    o->task = vn_opt("--task");
    o->resume = vn_opt("--resume") != NULL;
    o->accept_data = vn_opt("--accept-data") != NULL;
    if (!o->config)
        return vn_fail(e, VN_E_USAGE, "usage: vernier tune -c FILE.yaml --latency-ratio R");
    if (!vn_opt("--latency-ratio") && !vn_opt("--size-ratio") && !vn_opt("--max-drop"))
        return vn_fail(e, VN_E_USAGE, "tune requires --latency-ratio, --size-ratio or --max-drop");
    TRY(vn_opt_real("--latency-ratio", 0, 1, 100, &o->latency_ratio, e));
    TRY(vn_opt_real("--size-ratio", 0, 1, 100, &o->size_ratio, e));
    TRY(vn_opt_real("--max-drop", 0, 0, 100, &o->max_drop, e));
    TRY(vn_opt_real("--minutes", 0, 0, 1e6, &o->minutes, e));
    TRY(vn_opt_int("--plans", 0, 1, 100000, &o->plans, e));
    TRY(vn_opt_int("--samples", 0, 1, 1000000, &o->samples, e));
    TRY(vn_opt_int("--decision-axis", -1, 0, VN_MAX_RANK - 1, &o->decision_axis, e));
    TRY(read_cost(o, e));
    return vn_opt_run(&o->run, e);
}

static int report(const struct vn_tuning *t, struct vn_err *e)
{
    json_t *j = vn_json_tuning(t);
    const struct vn_tune_summary *s = vn_tuning_summary(t);
    struct vn_session_options open;
    vn_session_options_default(&open);
    open.prototxt = s->prototxt;
    const struct vn_html_report page = { .command = "tune",
                                         .passed = -1,
                                         .result = j,
                                         .files = &s->model,
                                         .n_files = 1,
                                         .open = &open,
                                         .config = s->yaml };
    const int status = vn_opt_report(&page, e);
    if (vn_opt("--json"))
        vn_print_json(j);
    else
        json_decref(j);
    return status;
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    struct logger log = { .quiet = vn_opt("--json") != NULL, .arena = a };
    struct vn_tune_options o;
    struct vn_tuning *t;
    TRY(read_options(&o, e));
    o.listener = vn_logger_listener(&log);
    int status = vn_logger_problems(&log, "tune", o.config, vn_tune(&t, &o, e), e);
    TRY(status);
    if (!vn_opt("--json"))
        vn_print_tuning(stdout, t);
    status = report(t, e);
    vn_tuning_free(&t);
    return status;
}

const struct command vn_cmd_tune = {
    "tune",
    "-c FILE.yaml --latency-ratio R | --size-ratio R | --max-drop P [options]",
    "find the cheapest mix of int8, int16 and float32 within the given limits",
    options,
    0,
    0,
    run,
};
