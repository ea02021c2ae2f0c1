/* What a check found, as text and JSON. */
#include <vernier/report.h>

#include "report/report.h"

/* ---- a model that can be used ---- */

static json_t *marches_json(const struct vn_checked *c, int nodes)
{
    int n;
    const struct vn_march_row *rows = vn_checked_marches(c, &n);
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:s, s:i, s:i}", "march", rows[i].march, "integer_nodes",
                                              rows[i].integers, "nodes", nodes));
    return list;
}

json_t *vn_json_checked(const struct vn_checked *c)
{
    int n;
    const struct vn_node_row *nodes = vn_checked_nodes(c, &n);
    return json_pack("{s:s, s:o, s:o}", "march", vn_checked_march(c), "nodes", vn_json_nodes(nodes, n),
                     "marches", marches_json(c, n));
}

void vn_print_checked_json(FILE *f, const struct vn_checked *c) { vn_json_print(f, vn_json_checked(c)); }

int vn_print_checked_doubts(FILE *f, const struct vn_checked *c)
{
    int n;
    const struct vn_finding *v = vn_checked_findings(c, &n);
    return vn_print_doubtful(f, v, n);
}

static void print_marches(FILE *f, const struct vn_checked *c, int nodes)
{
    static const char *const titles[] = { "March", "Integer nodes", "Description" };
    int n;
    const struct vn_march_row *rows = vn_checked_marches(c, &n);
    struct table *t = vn_table_new(3, titles);
    for (int i = 0; i < n; i++) {
        char count[40];
        sprintf(count, "%d of %d", rows[i].integers, nodes);
        vn_table_row(t, (const char *const[]){ rows[i].march, count, rows[i].description });
    }
    fprintf(f, "\nWhat each march would compute in integers:\n");
    vn_table_print(t, f);
    vn_table_free(&t);
}

void vn_print_checked(FILE *f, const struct vn_checked *c)
{
    int n;
    const struct vn_node_row *nodes = vn_checked_nodes(c, &n);
    fprintf(f, "The converted model node information:\n");
    vn_print_nodes(f, nodes, n, 0);
    vn_print_fallbacks(f, nodes, n, 1);
    print_marches(f, c, n);
}

/* ---- one that cannot ---- */

void vn_print_problems(FILE *f, const struct vn_err *problems, int n)
{
    for (int i = 0; i < n; i++) {
        fprintf(f, "%s\n", problems[i].msg);
        if (vn_problem_remedy(&problems[i]))
            fprintf(f, "  try: %s\n", vn_problem_remedy(&problems[i]));
    }
    fprintf(f, "vernier check: %d problem%s\n", n, n == 1 ? "" : "s");
}

json_t *vn_json_problems(const struct vn_err *problems, int n, const char *march)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:s, s:s?, s:s?}", "problem", problems[i].msg, "id",
                                              vn_problem_id(&problems[i]), "remedy",
                                              vn_problem_remedy(&problems[i])));
    return json_pack("{s:s?, s:o}", "march", march, "problems", list);
}

void vn_print_problems_json(FILE *f, const struct vn_err *problems, int n, const char *march)
{
    vn_json_print(f, vn_json_problems(problems, n, march));
}

/* ---- calibration data ---- */

static int count_bad(const struct vn_finding *v, int n)
{
    int bad = 0;
    for (int i = 0; i < n; i++)
        bad += v[i].severity != VN_FINDING_WARNING;
    return bad;
}

int vn_print_data_check(FILE *f, const struct vn_data_check *d)
{
    int n;
    const struct vn_finding *v = vn_data_check_findings(d, &n);
    const int bad = count_bad(v, n);
    for (int i = 0; i < n; i++)
        fprintf(f, "%s (%s): %s\n", vn_severity_word(v[i].severity), v[i].detector, v[i].text);
    const int samples = vn_data_check_samples(d);
    fprintf(f, "%d sample%s: %s\n", samples, samples == 1 ? "" : "s",
            bad ? "FAILED"
            : n ? "passed, with warnings"
                : "passed");
    return !bad;
}

json_t *vn_json_data_check(const struct vn_data_check *d)
{
    int n;
    const struct vn_finding *v = vn_data_check_findings(d, &n);
    const int bad = count_bad(v, n);
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "finding", v[i].detector, "severity",
                                              vn_severity_word(v[i].severity), "input", v[i].input, "text",
                                              v[i].text));
    return json_pack("{s:i, s:b, s:o}", "samples", vn_data_check_samples(d), "passed", !bad, "findings",
                     list);
}

int vn_print_data_check_json(FILE *f, const struct vn_data_check *d)
{
    int n;
    const struct vn_finding *v = vn_data_check_findings(d, &n);
    vn_json_print(f, vn_json_data_check(d));
    return !count_bad(v, n);
}

void vn_print_detectors(FILE *f)
{
    static const char *const titles[] = { "Finding", "Severity", "Checks" };
    struct table *t = vn_table_new(3, titles);
    const char *name, *looks_at;
    enum vn_severity severity;
    for (int i = 0; vn_finding_detector(i, &name, &severity, &looks_at); i++)
        vn_table_row(t, (const char *const[]){ name, vn_severity_word(severity), looks_at });
    vn_table_print(t, f);
    vn_table_free(&t);
}
