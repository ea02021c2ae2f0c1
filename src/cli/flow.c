/* vernier flow - from the training program to the program on a device, step by step, and where it breaks. */
#include <vernier/flow.h>

#include "cli/cli.h"

static const struct option_def options[] = {
    { "--config", 'c', "FILE.yaml", 0, 0, "configuration (vernier init writes one)" },
    { "--reference", 0, "DIR", 0, 0,
      "inputs and outputs of the network, saved by the training program: NAME.npy files or an .npz" },
    { "--task", 0, "FILE.yaml", 0, 0,
      "evaluation task that judges the quantized network (settings of vernier eval); default: similarity" },
    { "--task-set", 0, "KEY=VALUE", 1, 0, "setting of the task; overrides its file" },
    { "--expect", 0, "X", 0, 0,
      "first score of the task in training; the float model must reach it within --max-drop" },
    { "--test", 0, "DIR", 0, 0,
      "check quantization on these samples, not used for calibration; same form as cal_data_dir" },
    { "--frames", 0, "DIR", 0, 0,
      "check these consecutive frames for jitter that the float model does not have; same form as "
      "cal_data_dir" },
    { "--dumps", 0, "DIR", 0, 0, "inputs and outputs saved on the board (.npy or raw dumps)" },
    { "--set", 0, "KEY=VALUE", 1, 0,
      "change a key of the configuration, and continue with the result; 'KEY=' removes the key, "
      "WRONG=KEY renames one that is unknown; requires --save" },
    { "--save", 0, "FILE.yaml", 0, 0,
      "with --set: file for the changed configuration, in the folder of the original" },
    { "--strict", 0, NULL, 0, 0, "count skipped steps as failed" },
    { "--no-repair", 0, NULL, 0, 0, "report the cause without trying repairs" },
    { "--rules", 0, NULL, 0, 0, "print the rules of the diagnosis and exit" },
    { "--samples", 0, "N", 0, 0, "number of calibration samples to compare (default 10)" },
    { "--min-cosine", 0, "X", 0, 0, "minimum mean cosine of an output, without a task (default 0.99)" },
    { "--min-choices", 0, "X", 0, 0,
      "minimum share of unchanged decisions, used instead of the cosine for outputs of probabilities or "
      "integers (default 0.95)" },
    { "--max-jitter", 0, "X", 0, 0, "with --frames: maximum jitter, relative to float (default 2)" },
    { "--max-drop", 0, "X", 0, 0, "with --task: maximum drop of the first score (default 1)" },
    RUN_OPTIONS,
    JSON_OPTION,
    REPORT_OPTION,
    { 0 },
};

static int read_options(struct vn_flow_options *o, struct logger *log, struct vn_err *e)
{
    const char **sets, **task_sets;
    vn_flow_options_default(o);
    o->config = vn_opt("--config");
    o->reference = vn_opt("--reference");
    o->task = vn_opt("--task");
    o->test = vn_opt("--test");
    o->frames = vn_opt("--frames");
    o->dumps = vn_opt("--dumps");
    o->n_sets = vn_opt_all("--set", &sets);
    o->sets = sets;
    o->n_task_sets = vn_opt_all("--task-set", &task_sets);
    o->task_sets = task_sets;
    o->save = vn_opt("--save");
    o->strict = vn_opt("--strict") != NULL;
    o->no_repair = vn_opt("--no-repair") != NULL;
    o->listener.progress = vn_logger_listener(log).progress;
    o->listener.user = log;
    if (!o->config)
        return vn_fail(e, VN_E_USAGE, "usage: vernier flow -c FILE.yaml");
    TRY(vn_opt_run(&o->run, e));
    TRY(vn_opt_int("--samples", o->samples, 1, 1000000, &o->samples, e));
    TRY(vn_opt_real("--min-cosine", o->min_cosine, -1, 1, &o->min_cosine, e));
    TRY(vn_opt_real("--expect", o->expect, -1e9, 1e9, &o->expect, e));
    TRY(vn_opt_real("--min-choices", o->min_choices, 0, 1, &o->min_choices, e));
    TRY(vn_opt_real("--max-jitter", o->max_jitter, 1, 1e9, &o->max_jitter, e));
    return vn_opt_real("--max-drop", o->max_drop, 0, 1e9, &o->max_drop, e);
}

static const struct vn_failure *failure_of(const struct vn_flow_result *r)
{
    static const struct vn_failure skipped = { "skipped", "steps were skipped", NULL };
    const struct vn_flow_verdict *sum = vn_flow_summary(r);
    int n;
    const struct vn_flow_step *s = vn_flow_steps(r, &n);
    return sum->passed ? NULL : sum->failed >= 0 ? &s[sum->failed].failure : &skipped;
}

/* What was converted; where a step in front of that failed, the model. */
static int list_files(const char *files[3], const struct vn_flow_result *r)
{
    static const char *const stages[] = { "bin", "original_float", "quantized" };
    const struct vn_conversion *c = vn_flow_conversion(r);
    for (int i = 0; i < 3; i++)
        files[i] = c ? vn_conversion_product(c, stages[i]) : vn_flow_summary(r)->model;
    return c ? 3 : 1;
}

static int write_page(json_t *j, const struct vn_flow_result *r, const struct vn_odd_list *odd,
                      struct vn_err *e)
{
    const char *files[3];
    struct vn_session_options open;
    vn_session_options_default(&open);
    open.prototxt = vn_flow_summary(r)->prototxt;
    const struct vn_html_report page = { .command = "flow",
                                         .passed = vn_flow_summary(r)->passed,
                                         .result = j,
                                         .files = files,
                                         .n_files = list_files(files, r),
                                         .open = &open,
                                         .config = vn_flow_summary(r)->config,
                                         .samples = odd->samples,
                                         .images = odd->images };
    return vn_opt_report(&page, e);
}

static int report(const struct vn_flow_result *r, const struct vn_odd_list *odd, struct vn_arena *a,
                  struct vn_err *e)
{
    json_t *j = vn_json_flow(r);
    if (failure_of(r))
        vn_failure_add(j, failure_of(r), a);
    const int status = write_page(j, r, odd, e);
    if (vn_opt("--json"))
        vn_print_json(j);
    else
        json_decref(j);
    return status;
}

static int print_rules(void)
{
    const char *failure, *cause, *looks_at;
    for (int i = 0; vn_flow_rule(i, &failure, &cause, &looks_at); i++)
        printf("%s | %s | %s\n", failure, cause, looks_at);
    return EXIT_DONE;
}

static int verify_all(int *passed, const struct vn_flow_options *o, const struct vn_odd_list *odd,
                      struct vn_arena *a, struct vn_err *e)
{
    struct vn_flow_result *r;
    TRY(vn_flow(&r, o, e));
    if (!vn_opt("--json"))
        vn_print_flow(stdout, r);
    const int status = report(r, odd, a, e);
    *passed = vn_flow_summary(r)->passed;
    vn_flow_free(&r);
    return status;
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    struct logger log = { 0 };
    struct vn_flow_options o;
    struct vn_odd_list odd;
    int passed = 0;
    if (vn_opt("--rules"))
        return print_rules();
    TRY(read_options(&o, &log, e));
    vn_odd_init(&odd);
    o.odd = (struct vn_odd_listener){ vn_opt("--report") ? VN_ODD_SHOWN : 0, vn_odd_add, &odd };
    const int status = verify_all(&passed, &o, &odd, a, e);
    vn_odd_free(&odd);
    return status < 0 ? status : passed ? EXIT_DONE : EXIT_CHECK_FAILED;
}

const struct command vn_cmd_flow = {
    "flow",
    "-c FILE.yaml|--rules [options]",
    "convert and verify step by step; report the first failing step, its cause and the next command",
    options,
    0,
    0,
    run,
};
