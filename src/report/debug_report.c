/* Sensitivity and accumulated error as tables, as CSV and as JSON. */
#include <math.h>
#include <string.h>

#include <vernier/report.h>

#include "report/report.h"

static const char *const kinds[] = {
    [VN_DEBUG_NODE] = "node",
    [VN_DEBUG_WEIGHT] = "weight",
    [VN_DEBUG_ACTIVATION] = "activation",
};

/* Cells of a row in the order of the columns. */
enum { MOST_COLUMNS = VN_DEBUG_METRICS + 4, CELL = 48 };
struct cells {
    int n;
    const char *text[MOST_COLUMNS];
    char number[MOST_COLUMNS][CELL];
};

static void add_text(struct cells *c, const char *text) { c->text[c->n++] = text; }

static void add_number(struct cells *c, const char *format, double x)
{
    snprintf(c->number[c->n], CELL, format, x);
    add_text(c, c->number[c->n]);
}

/* Activations have a threshold and a width. */
static void add_titles(struct cells *c, const struct vn_sensitivity *s, const enum vn_debug_metric *metrics,
                       int n)
{
    add_text(c, "node");
    if (vn_sensitivity_summary(s)->kind == VN_DEBUG_ACTIVATION) {
        add_text(c, "threshold");
        add_text(c, "bit");
    }
    for (int i = 0; i < n; i++)
        add_text(c, vn_debug_metric_word(metrics[i]));
    add_text(c, "agreement");
}

static void add_row(struct cells *c, const struct vn_sensitivity *s, const struct vn_sensitivity_row *r,
                    const enum vn_debug_metric *metrics, int n, const char *format)
{
    add_text(c, r->name);
    if (vn_sensitivity_summary(s)->kind == VN_DEBUG_ACTIVATION) {
        add_number(c, format, r->threshold);
        add_number(c, "%.0f", r->bits);
    }
    for (int i = 0; i < n; i++)
        add_number(c, format, r->metric[metrics[i]]);
    add_number(c, format, r->agreement);
}

void vn_print_sensitivity(FILE *f, const struct vn_sensitivity *s, const enum vn_debug_metric *metrics, int n)
{
    const struct vn_debug_summary *sum = vn_sensitivity_summary(s);
    struct cells titles = { 0 };
    int rows;
    const struct vn_sensitivity_row *row = vn_sensitivity_rows(s, &rows);
    add_titles(&titles, s, metrics, n);
    struct table *t = vn_table_new(titles.n, titles.text);
    for (int i = 0; i < rows; i++) {
        struct cells c = { 0 };
        add_row(&c, s, &row[i], metrics, n, "%.5f");
        vn_table_row(t, c.text);
    }
    char title[CELL];
    snprintf(title, sizeof title, "%s sensitivity", kinds[sum->kind]);
    vn_table_print_titled(t, title, f);
    vn_table_free(&t);
    fprintf(f, "%d sample%s, %d output%s\n", sum->samples, sum->samples == 1 ? "" : "s", sum->outputs,
            sum->outputs == 1 ? "" : "s");
}

/* ---- CSV ---- */

static void print_quoted(FILE *f, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, f);
        return;
    }
    fputc('"', f);
    for (; *text; text++)
        fprintf(f, *text == '"' ? "\"\"" : "%c", *text);
    fputc('"', f);
}

static void print_line(FILE *f, const struct cells *c)
{
    for (int i = 0; i < c->n; i++) {
        print_quoted(f, c->text[i]);
        fputc(i + 1 < c->n ? ',' : '\n', f);
    }
}

void vn_print_sensitivity_csv(FILE *f, const struct vn_sensitivity *s, const enum vn_debug_metric *metrics,
                              int n)
{
    struct cells titles = { 0 };
    int rows;
    const struct vn_sensitivity_row *row = vn_sensitivity_rows(s, &rows);
    add_titles(&titles, s, metrics, n);
    print_line(f, &titles);
    for (int i = 0; i < rows; i++) {
        struct cells c = { 0 };
        add_row(&c, s, &row[i], metrics, n, "%.17g");
        print_line(f, &c);
    }
}

/* ---- JSON ---- */

static void dump(FILE *f, json_t *j)
{
    json_dumpf(j, f, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17));
    fputc('\n', f);
    json_decref(j);
}

static json_t *row_json(const struct vn_sensitivity_row *r)
{
    json_t *j = json_pack("{s:s, s:s, s:s}", "node", r->name, "kind", kinds[r->kind], "type", r->type);
    for (int m = 0; m < VN_DEBUG_METRICS; m++)
        json_object_set_new(j, vn_debug_metric_word(m), vn_json_real(r->metric[m]));
    json_object_set_new(j, "agreement", vn_json_real(r->agreement));
    if (r->bits) {
        json_object_set_new(j, "threshold", vn_json_real(r->threshold));
        json_object_set_new(j, "bit", json_integer(r->bits));
    }
    return j;
}

void vn_print_sensitivity_json(FILE *f, const struct vn_sensitivity *s)
{
    const struct vn_debug_summary *sum = vn_sensitivity_summary(s);
    int n;
    const struct vn_sensitivity_row *row = vn_sensitivity_rows(s, &n);
    json_t *rows = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(rows, row_json(&row[i]));
    json_t *j = json_pack("{s:s, s:i, s:i, s:i, s:i, s:I, s:o}", "kind", kinds[sum->kind], "samples",
                          sum->samples, "outputs", sum->outputs, "runs", sum->runs, "threads", sum->threads,
                          "working_bytes", (json_int_t)sum->memory, "rows", rows);
    dump(f, j);
}

/* ---- accumulated error ---- */

enum { TABLE_CURVES = 6 }; /* that a table of nodes has room for */

static void print_ends(FILE *f, const struct vn_accumulated_curve *c, int n, enum vn_debug_metric metric)
{
    const char *const titles[] = { "quantized", vn_debug_metric_word(metric), "agreement" };
    struct table *t = vn_table_new(3, titles);
    for (int i = 0; i < n; i++) {
        struct cells row = { 0 };
        add_text(&row, c[i].label);
        add_number(&row, "%.5f", c[i].output[metric]);
        add_number(&row, "%.5f", c[i].agreement);
        vn_table_row(t, row.text);
    }
    vn_table_print_titled(t, "outputs", f);
    vn_table_free(&t);
}

static void print_points(FILE *f, const struct vn_accumulated *r, const struct vn_accumulated_curve *c, int n,
                         enum vn_debug_metric metric)
{
    int points;
    const char *const *nodes = vn_accumulated_nodes(r, &points);
    struct cells titles = { 0 };
    add_text(&titles, "node");
    for (int k = 0; k < n; k++)
        add_text(&titles, c[k].label);
    struct table *t = vn_table_new(titles.n, titles.text);
    for (int i = 0; i < points; i++) {
        struct cells row = { 0 };
        add_text(&row, nodes[i]);
        for (int k = 0; k < n; k++)
            add_number(&row, "%.5f", c[k].metric[metric][i]);
        vn_table_row(t, row.text);
    }
    vn_table_print_titled(t, vn_debug_metric_word(metric), f);
    vn_table_free(&t);
}

void vn_print_accumulated(FILE *f, const struct vn_accumulated *r, enum vn_debug_metric metric)
{
    int n;
    const struct vn_accumulated_curve *c = vn_accumulated_curves(r, &n);
    const int samples = vn_accumulated_samples(r);
    if (n <= TABLE_CURVES)
        print_points(f, r, c, n, metric);
    print_ends(f, c, n, metric);
    fprintf(f, "%d sample%s\n", samples, samples == 1 ? "" : "s");
}

void vn_print_accumulated_csv(FILE *f, const struct vn_accumulated *r, enum vn_debug_metric metric)
{
    int n, points;
    const struct vn_accumulated_curve *c = vn_accumulated_curves(r, &n);
    const char *const *nodes = vn_accumulated_nodes(r, &points);
    fputs("node", f);
    for (int k = 0; k < n; k++) {
        fputc(',', f);
        print_quoted(f, c[k].label);
    }
    for (int i = 0; i < points; i++) {
        fputc('\n', f);
        print_quoted(f, nodes[i]);
        for (int k = 0; k < n; k++)
            fprintf(f, ",%.17g", c[k].metric[metric][i]);
    }
    fputc('\n', f);
}

static json_t *curve_json(const struct vn_accumulated_curve *c, int points)
{
    json_t *j = json_pack("{s:s, s:o}", "label", c->label, "agreement", vn_json_real(c->agreement));
    json_t *outputs = json_object();
    for (int m = 0; m < VN_DEBUG_METRICS; m++) {
        json_t *y = json_array();
        for (int i = 0; i < points; i++)
            json_array_append_new(y, vn_json_real(c->metric[m][i]));
        json_object_set_new(j, vn_debug_metric_word(m), y);
        json_object_set_new(outputs, vn_debug_metric_word(m), vn_json_real(c->output[m]));
    }
    json_object_set_new(j, "outputs", outputs);
    return j;
}

void vn_print_accumulated_json(FILE *f, const struct vn_accumulated *r)
{
    int n, points;
    const struct vn_accumulated_curve *c = vn_accumulated_curves(r, &n);
    const char *const *nodes = vn_accumulated_nodes(r, &points);
    json_t *curves = json_array(), *names = json_array();
    for (int k = 0; k < n; k++)
        json_array_append_new(curves, curve_json(&c[k], points));
    for (int i = 0; i < points; i++)
        json_array_append_new(names, json_string(nodes[i]));
    dump(f, json_pack("{s:i, s:o, s:o}", "samples", vn_accumulated_samples(r), "nodes", names, "curves",
                      curves));
}
