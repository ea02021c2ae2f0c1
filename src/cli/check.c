/* vernier check - can this model, or all that a configuration says, be converted? Nothing is written. */
#include <vernier/report.h>

#include "cli/check_data.h"
#include "cli/cli.h"

static const struct option_def options[] = {
    { "--config", 'c', "FILE.yaml", 0, 0,
      "check a configuration: report everything that convert would refuse, at once; with --data: its data "
      "only" },
    { "--accept-data", 0, NULL, 0, 0, "with -c: treat errors in calibration data as warnings" },
    CHECK_DATA_OPTIONS,
    { "--march", 0, "NAME", 0, 0, "target (default generic); with -c the configuration sets it" },
    MODEL_OPTIONS,
    SHAPE_OPTION,
    VALUE_OPTION,
    RUN_OPTIONS,
    JSON_OPTION,
    { 0 },
};

static int print_problems(const struct logger *log, const char *march, struct vn_arena *a)
{
    const struct vn_err *v = log->problems.v;
    vn_print_problems(stderr, v, log->problems.n);
    if (vn_opt("--json")) {
        const struct vn_failure f = { vn_failure_cause(v[0].code, &v[0]), v[0].msg, NULL };
        vn_print_result(vn_json_problems(v, log->problems.n, march), &f, a);
    }
    return EXIT_BAD_INPUT;
}

static void print_next(const struct vn_checked *c, const struct vn_check_options *o)
{
    const struct vn_source *s = &o->source;
    int n;
    vn_checked_nodes(c, &n);
    printf("\n%s: %d of %d nodes compute in integers on march %s. Next: vernier ",
           o->config ? o->config : s->model, vn_checked_integers(c), n, vn_checked_march(c));
    if (o->config)
        printf("convert -c %s\n", o->config);
    else
        printf("init %s%s%s\n", s->model, s->prototxt ? " --proto " : "", s->prototxt ? s->prototxt : "");
}

/* Options that belong to the other way of calling. */
static int check_words(struct vn_err *e)
{
    static const char *const of_model[] = { "--march", "--proto", "--input-shape", "--input-value" };
    const char **words;
    const int n = vn_words(&words), configured = vn_opt("--config") != NULL;
    if (vn_opt("--images"))
        return vn_fail(e, VN_E_USAGE, "--images requires --data");
    if (n != !configured)
        return vn_fail(e, VN_E_USAGE,
                       "usage: vernier check MODEL.onnx|MODEL.caffemodel, or vernier check -c FILE.yaml");
    if (!configured && vn_opt("--accept-data"))
        return vn_fail(e, VN_E_USAGE, "--accept-data requires -c FILE.yaml");
    for (size_t i = 0; configured && i < sizeof of_model / sizeof *of_model; i++)
        if (vn_opt(of_model[i]))
            return vn_fail(e, VN_E_USAGE, "%s cannot be combined with -c; a configuration has a key for it",
                           of_model[i]);
    return VN_OK;
}

static int read_options(struct vn_check_options *o, struct vn_arena *a, struct vn_err *e)
{
    vn_check_options_default(o);
    TRY(check_words(e));
    TRY(vn_opt_run(&o->run, e));
    o->config = vn_opt("--config");
    o->accept_data = vn_opt("--accept-data") != NULL;
    if (o->config)
        return VN_OK;
    o->march = vn_opt("--march") ? vn_opt("--march") : "generic";
    return vn_opt_source(&o->source, a, e);
}

static int check(struct vn_arena *a, struct vn_err *e)
{
    struct logger log = { .quiet = vn_opt("--json") != NULL, .arena = a };
    struct vn_check_options o;
    struct vn_checked *c;
    TRY(read_options(&o, a, e));
    o.listener = vn_logger_listener(&log);
    const int status = vn_check(&c, &o, e);
    if (status < 0)
        return log.problems.n ? print_problems(&log, o.march, a) : status;
    int n, exit_status = EXIT_DONE;
    const struct vn_finding *findings = vn_checked_findings(c, &n);
    struct vn_failure f;
    const int bad = vn_finding_failure(&f, findings, n);
    if (vn_opt("--json")) {
        exit_status = vn_print_result(vn_json_checked(c), bad ? &f : NULL, a);
    } else {
        vn_print_checked(stdout, c);
        print_next(c, &o);
        exit_status = bad ? EXIT_CHECK_FAILED : EXIT_DONE;
    }
    vn_print_checked_doubts(stderr, c);
    vn_checked_free(&c);
    return exit_status;
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    if (vn_opt("--list"))
        return vn_list_detectors();
    return vn_opt("--data") ? vn_run_check_data(a, e) : check(a, e);
}

const struct command vn_cmd_check = {
    "check",
    "MODEL.onnx|MODEL.caffemodel|-c FILE.yaml [options]",
    "report everything that convert would refuse, and which nodes compute in integers; writes no files",
    options,
    0,
    2,
    run,
};
