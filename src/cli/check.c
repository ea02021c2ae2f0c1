/* vernier check - can this model be imported, quantized and compiled? No data is needed. */
#include <vernier/report.h>

#include "cli/check_data.h"
#include "cli/cli.h"

static const struct option_def options[] = {
    CHECK_DATA_OPTIONS,
    { "--march", 0, "NAME", 0, 0, "target (default generic)" },
    MODEL_OPTIONS,
    SHAPE_OPTION,
    VALUE_OPTION,
    JSON_OPTION,
    { 0 },
};

static int print_problems(const struct logger *log, const char *march)
{
    vn_print_problems(stderr, log->problems.v, log->problems.n);
    if (vn_opt("--json"))
        vn_print_problems_json(stdout, log->problems.v, log->problems.n, march);
    return EXIT_BAD_INPUT;
}

static void print_checked(const struct vn_checked *c, const struct vn_source *s)
{
    int n;
    vn_print_checked(stdout, c);
    vn_checked_nodes(c, &n);
    printf("\n%s: %d of %d nodes compute in integers on march %s. Next: vernier init %s%s%s\n", s->model,
           vn_checked_integers(c), n, vn_checked_march(c), s->model, s->prototxt ? " --proto " : "",
           s->prototxt ? s->prototxt : "");
}

static int check_model(struct vn_arena *a, struct vn_err *e)
{
    struct logger log = { .quiet = vn_opt("--json") != NULL, .arena = a };
    struct vn_check_options o;
    struct vn_checked *c;
    vn_check_options_default(&o);
    TRY(vn_opt_source(&o.source, a, e));
    o.march = vn_opt("--march") ? vn_opt("--march") : "generic";
    o.listener = vn_logger_listener(&log);
    const int status = vn_check(&c, &o, e);
    if (status < 0)
        return log.problems.n ? print_problems(&log, o.march) : status;
    if (vn_opt("--json"))
        vn_print_checked_json(stdout, c);
    else
        print_checked(c, &o.source);
    vn_checked_free(&c);
    return EXIT_DONE;
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    const char **words;
    if (vn_opt("--list"))
        return vn_list_detectors();
    if (vn_opt("--data"))
        return vn_run_check_data(a, e);
    if (vn_words(&words) != 1 || vn_opt("--config") || vn_opt("--images"))
        return vn_fail(
            e, VN_E_USAGE,
            "usage: vernier check MODEL.onnx|MODEL.caffemodel [options]; -c and --images require --data");
    return check_model(a, e);
}

const struct command vn_cmd_check = {
    "check",
    "MODEL.onnx|MODEL.caffemodel [options]",
    "report which nodes compute in integers and why others do not; or check calibration data",
    options,
    0,
    2,
    run,
};
