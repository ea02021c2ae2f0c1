/* vernier check --data - are the calibration data what the configuration says? */
#include <vernier/report.h>

#include "cli/check_data.h"
#include "cli/cli.h"

int vn_list_detectors(void)
{
    vn_print_detectors(stdout);
    return EXIT_DONE;
}

static int report(const struct vn_data_check *d, struct vn_arena *a)
{
    int n;
    const struct vn_finding *findings = vn_data_check_findings(d, &n);
    struct vn_failure f;
    const int bad = vn_finding_failure(&f, findings, n);
    if (vn_opt("--json"))
        return vn_print_result(vn_json_data_check(d), bad ? &f : NULL, a);
    vn_print_data_check(stdout, d);
    return bad ? EXIT_CHECK_FAILED : EXIT_DONE;
}

int vn_run_check_data(struct vn_arena *a, struct vn_err *e)
{
    const char **words;
    struct logger log = { .quiet = 1, .arena = a };
    const int n = vn_words(&words);
    struct vn_data_options o;
    vn_data_options_default(&o);
    o.config = vn_opt("--config");
    o.source.prototxt = vn_opt("--proto");
    o.images = vn_opt("--images");
    o.listener = vn_logger_listener(&log);
    if (o.config ? n != 0 : n != 2)
        return vn_fail(e, VN_E_USAGE,
                       "usage: vernier check --data -c FILE.yaml, or vernier check MODEL DIR --data");
    if (n == 2) {
        const int exchanged = vn_opt_is_folder(words[0]);
        o.source.model = words[exchanged];
        o.folder = words[!exchanged];
    }
    struct vn_data_check *d;
    TRY(vn_logger_problems(&log, "check", o.config, vn_check_data(&d, &o, e), e));
    const int status = report(d, a);
    vn_data_check_free(&d);
    return status;
}
