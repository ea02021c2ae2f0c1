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
enum { MOST_COLUMNS = 12, CELL = 48 };
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
    if (sum->single)
        fprintf(f, "%d output%s of one element: the cosine is always 1 or -1; see --metric sqnr\n",
                sum->single, sum->single == 1 ? "" : "s");
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

void vn_json_print_exact(FILE *f, json_t *j)
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

json_t *vn_json_sensitivity(const struct vn_sensitivity *s)
{
    const struct vn_debug_summary *sum = vn_sensitivity_summary(s);
    int n;
    const struct vn_sensitivity_row *row = vn_sensitivity_rows(s, &n);
    json_t *rows = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(rows, row_json(&row[i]));
    return json_pack("{s:s, s:i, s:i, s:i, s:i, s:I, s:o}", "kind", kinds[sum->kind], "samples", sum->samples,
                     "outputs", sum->outputs, "runs", sum->runs, "threads", sum->threads, "working_bytes",
                     (json_int_t)sum->memory, "rows", rows);
}

void vn_print_sensitivity_json(FILE *f, const struct vn_sensitivity *s)
{
    vn_json_print_exact(f, vn_json_sensitivity(s));
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

json_t *vn_json_accumulated(const struct vn_accumulated *r)
{
    int n, points;
    const struct vn_accumulated_curve *c = vn_accumulated_curves(r, &n);
    const char *const *nodes = vn_accumulated_nodes(r, &points);
    json_t *curves = json_array(), *names = json_array();
    for (int k = 0; k < n; k++)
        json_array_append_new(curves, curve_json(&c[k], points));
    for (int i = 0; i < points; i++)
        json_array_append_new(names, json_string(nodes[i]));
    return json_pack("{s:i, s:o, s:o}", "samples", vn_accumulated_samples(r), "nodes", names, "curves",
                     curves);
}

void vn_print_accumulated_json(FILE *f, const struct vn_accumulated *r)
{
    vn_json_print_exact(f, vn_json_accumulated(r));
}

/* ---- the error of each tensor ---- */

static const char *const part_words[] = {
#define ERROR_PART(name, word, meaning) word,
#include <vernier/debug_parts.def>
#undef ERROR_PART
};

static void add_parts_titles(struct cells *c)
{
    for (int i = 0; i < VN_ERROR_PARTS; i++)
        add_text(c, part_words[i]);
}

static double all_parts(const struct vn_tensor_error *r)
{
    double sum = 0;
    for (int i = 0; i < VN_ERROR_PARTS; i++)
        sum += r->part[i];
    return sum;
}

void vn_print_error_split(FILE *f, const struct vn_error_split *r)
{
    int n;
    const struct vn_tensor_error *row = vn_error_split_rows(r, &n);
    const int samples = vn_error_split_samples(r);
    struct cells titles = { 0 };
    add_text(&titles, "node");
    add_text(&titles, "sqnr");
    add_parts_titles(&titles);
    add_text(&titles, "bits lost");
    add_text(&titles, "clipped");
    struct table *t = vn_table_new(titles.n, titles.text);
    for (int i = 0; i < n; i++) {
        const double all = all_parts(&row[i]);
        struct cells c = { 0 };
        add_text(&c, row[i].name);
        add_number(&c, "%.2f", row[i].sqnr);
        for (int k = 0; k < VN_ERROR_PARTS; k++)
            add_number(&c, "%.1f %%", all > 0 ? 100 * row[i].part[k] / all : 0);
        add_number(&c, "%.1f", row[i].bits_lost);
        add_number(&c, "%.3f %%", 100 * row[i].clipped);
        vn_table_row(t, c.text);
    }
    vn_table_print_titled(t, "error of tensors", f);
    vn_table_free(&t);
    fprintf(f, "%d sample%s\n", samples, samples == 1 ? "" : "s");
}

void vn_print_error_split_csv(FILE *f, const struct vn_error_split *r)
{
    int n;
    const struct vn_tensor_error *row = vn_error_split_rows(r, &n);
    fputs("node,sqnr,total", f);
    for (int k = 0; k < VN_ERROR_PARTS; k++)
        fprintf(f, ",%s", part_words[k]);
    fputs(",bits_lost,clipped,lo,hi,kept_lo,kept_hi,bit\n", f);
    for (int i = 0; i < n; i++) {
        print_quoted(f, row[i].name);
        fprintf(f, ",%.17g,%.17g", row[i].sqnr, row[i].total);
        for (int k = 0; k < VN_ERROR_PARTS; k++)
            fprintf(f, ",%.17g", row[i].part[k]);
        fprintf(f, ",%.17g,%.17g,%.17g,%.17g,%.17g,%.17g,%d\n", row[i].bits_lost, row[i].clipped, row[i].lo,
                row[i].hi, row[i].kept_lo, row[i].kept_hi, row[i].bits);
    }
}

json_t *vn_json_error_split(const struct vn_error_split *r)
{
    int n;
    const struct vn_tensor_error *row = vn_error_split_rows(r, &n);
    json_t *rows = json_array();
    for (int i = 0; i < n; i++) {
        json_t *parts = json_object();
        for (int k = 0; k < VN_ERROR_PARTS; k++)
            json_object_set_new(parts, part_words[k], vn_json_real(row[i].part[k]));
        json_array_append_new(rows, json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:[o,o], s:[o,o], s:i}", "node",
                                              row[i].name, "sqnr", vn_json_real(row[i].sqnr), "total",
                                              vn_json_real(row[i].total), "parts", parts, "bits_lost",
                                              vn_json_real(row[i].bits_lost), "clipped",
                                              vn_json_real(row[i].clipped), "range", vn_json_real(row[i].lo),
                                              vn_json_real(row[i].hi), "kept", vn_json_real(row[i].kept_lo),
                                              vn_json_real(row[i].kept_hi), "bit", row[i].bits));
    }
    return json_pack("{s:i, s:o}", "samples", vn_error_split_samples(r), "rows", rows);
}

void vn_print_error_split_json(FILE *f, const struct vn_error_split *r)
{
    vn_json_print_exact(f, vn_json_error_split(r));
}
