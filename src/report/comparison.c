/* Two sides compared tensor by tensor, as text and JSON. */
#include <math.h>

#include "report/report.h"

enum { NAME_WIDTH = 48, ROWS_SHOWN = 20, COLUMNS = VN_COMPARE_METRICS + 3 };

static const char *verdict(const struct vn_compared *r)
{
    return r->differs                ? r->differs
           : r->judged && !r->passed ? "FAILED"
           : r->mistrusted           ? "MISTRUSTED (mostly zeros)"
           : r->judged               ? "passed"
                                     : "";
}

static void add_row(struct table *t, const struct vn_compared *r)
{
    char name[NAME_WIDTH + 1], number[VN_COMPARE_METRICS][40];
    const char *cells[COLUMNS] = { vn_cut_left(r->name, NAME_WIDTH, name), r->output ? "output" : "" };
    for (int m = 0; m < VN_COMPARE_METRICS; m++) {
        snprintf(number[m], sizeof number[m], isnan(r->metric[m]) ? "--" : "%.6g", r->metric[m]);
        cells[m + 2] = number[m];
    }
    cells[COLUMNS - 1] = verdict(r);
    vn_table_row(t, cells);
}

void vn_print_comparison(FILE *f, const struct vn_comparison *c, int all)
{
    const struct vn_compare_summary *s = vn_comparison_summary(c);
    const char *titles[COLUMNS] = { "Tensor", "" };
    int n, shown = 0;
    const struct vn_compared *rows = vn_comparison_rows(c, &n);
    for (int m = 0; m < VN_COMPARE_METRICS; m++)
        titles[m + 2] = vn_compare_metric_word((enum vn_compare_metric)m);
    titles[COLUMNS - 1] = "";
    struct table *t = vn_table_new(COLUMNS, titles);
    for (int i = 0; i < n; i++)
        if (all || i < ROWS_SHOWN || rows[i].output || (rows[i].judged && !rows[i].passed)) {
            add_row(t, &rows[i]);
            shown++;
        }
    vn_table_print(t, f);
    vn_table_free(&t);
    if (shown < n)
        fprintf(f, "... and %d more tensors (--all prints them)\n", n - shown);
    fprintf(f, "%d sample%s, %d common tensors; %d only in %s, %d only in %s\n", s->samples,
            s->samples == 1 ? "" : "s", n, s->only[0], s->left, s->only[1], s->right);
    if (s->judged)
        fprintf(f, "Comparison %s: %d of %d tensors within the thresholds\n", s->passed ? "PASSED" : "FAILED",
                s->judged - s->failed, s->judged);
}

static json_t *row_json(const struct vn_compared *r)
{
    json_t *o = json_pack("{s:s, s:b, s:i, s:I}", "tensor", r->name, "output", r->output, "samples",
                          r->samples, "elements", (json_int_t)r->elements);
    for (int m = 0; m < VN_COMPARE_METRICS; m++)
        json_object_set_new(o, vn_compare_metric_word((enum vn_compare_metric)m), vn_json_real(r->metric[m]));
    json_object_update_new(o, json_pack("{s:o, s:i, s:b, s:b}", "cosine_min", vn_json_real(r->cosine_min),
                                        "worst_sample", r->worst_sample, "mistrusted", r->mistrusted,
                                        "judged", r->judged));
    if (r->choices)
        json_object_update_new(o, json_pack("{s:I, s:I}", "choices", (json_int_t)r->choices, "choices_kept",
                                            (json_int_t)r->choices_kept));
    if (r->judged)
        json_object_set_new(o, "passed", json_boolean(r->passed));
    if (r->differs)
        json_object_set_new(o, "differs", json_string(r->differs));
    return o;
}

json_t *vn_json_comparison(const struct vn_comparison *c)
{
    const struct vn_compare_summary *s = vn_comparison_summary(c);
    json_t *list = json_array();
    int n;
    const struct vn_compared *rows = vn_comparison_rows(c, &n);
    for (int i = 0; i < n; i++)
        json_array_append_new(list, row_json(&rows[i]));
    return json_pack("{s:b, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:o}", "passed", s->passed, "left", s->left,
                     "right", s->right, "samples", s->samples, "only_left", s->only[0], "only_right",
                     s->only[1], "judged", s->judged, "failed", s->failed, "tensors", list);
}
