/* vernier check --data - are the calibration data what the configuration says? */
#include "base/file.h"
#include "cli/check_data.h"
#include "cli/cli.h"

int vn_list_detectors(void)
{
    static const char *const titles[] = { "Finding", "Severity", "Looks at" };
    struct table *t = vn_table_new(3, titles);
    const char *name, *looks_at;
    enum data_severity severity;
    for (int i = 0; vn_dataset_detector(i, &name, &severity, &looks_at); i++)
        vn_table_row(t, (const char *const[]){ name, vn_data_severities[severity], looks_at });
    vn_table_print(t, stdout);
    vn_table_free(&t);
    return EXIT_DONE;
}

static int print_findings(const struct data_report *r)
{
    int bad = 0, warnings = 0;
    json_t *list = json_array();
    for (int i = 0; i < r->findings.n; i++) {
        const struct data_finding *f = &r->findings.v[i];
        bad += f->severity != DATA_WARNING;
        warnings += f->severity == DATA_WARNING;
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "finding", f->detector, "severity", vn_data_severities[f->severity], "input", f->input, "text", f->text));
        if (!vn_opt("--json"))
            printf("%s (%s): %s\n", vn_data_severities[f->severity], f->detector, f->text);
    }
    if (vn_opt("--json"))
        vn_print_json(json_pack("{s:i, s:b, s:o}", "samples", r->samples, "passed", !bad, "findings", list));
    else {
        json_decref(list);
        printf("%d samples: %s\n", r->samples, bad ? "FAILED" : warnings ? "passed, with warnings" : "passed");
    }
    return bad ? EXIT_CHECK_FAILED : EXIT_DONE;
}

int vn_run_check_data(struct vn_err *e)
{
    const char **words;
    struct logger log = { .quiet = 1 };
    const int n = vn_words(&words);
    struct check_data_options o = { .config = vn_opt("--config"), .prototxt = vn_opt("--proto"), .images = vn_opt("--images"), .listener = vn_logger_listener(&log) };
    if (o.config ? n != 0 : n != 2)
        return vn_fail(e, VN_E_USAGE, "usage: vernier check --data -c FILE.yaml, or vernier check MODEL DIR --data");
    if (n == 2) {
        const int exchanged = vn_dir_exists(words[0]);
        o.model = words[exchanged];
        o.folder = words[!exchanged];
    }
    struct vn_conversion *c;
    TRY(vn_check_data(&c, &o, e));
    const int status = print_findings(&c->data);
    vn_conversion_free(&c);
    return status;
}
