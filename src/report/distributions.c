/* Distributions as tables, JSON and plots. */
#include <math.h>

#include <vernier/report.h>

#include "base/file.h"
#include "report/plot.h"
#include "report/report.h"

static void add_number(struct table *t, const char *name, const double *v, int n)
{
    char text[8][40];
    const char *cells[9] = { name };
    for (int i = 0; i < n; i++) {
        snprintf(text[i], sizeof text[i], isfinite(v[i]) ? "%.6g" : "--", v[i]);
        cells[i + 1] = text[i];
    }
    vn_table_row(t, cells);
}

void vn_print_distributions(FILE *f, const struct vn_distributions *r)
{
    static const char *const titles[] = { "node", "min", "max", "mean", "std", "cosine", "threshold", "bit" };
    struct table *t = vn_table_new(8, titles);
    int n;
    const struct vn_distribution *d = vn_distributions_rows(r, &n);
    const int samples = vn_distributions_samples(r);
    for (int i = 0; i < n; i++) {
        const double v[] = { d[i].lo,
                             d[i].hi,
                             d[i].mean,
                             d[i].deviation,
                             d[i].cosine,
                             d[i].bits ? d[i].threshold : NAN,
                             d[i].bits ? d[i].bits : NAN };
        add_number(t, d[i].name, v, 7);
    }
    vn_table_print_titled(t, "distributions", f);
    vn_table_free(&t);
    fprintf(f, "%d sample%s\n", samples, samples == 1 ? "" : "s");
}

static void print_boxes(FILE *f, const struct vn_distribution *d)
{
    static const char *const titles[] = { "channel", "min", "25 %", "median", "75 %", "max", "mean" };
    struct table *t = vn_table_new(7, titles);
    for (int i = 0; i < d->channels; i++) {
        const struct vn_channel_box *b = &d->box[i];
        const double v[] = { b->lo, b->q1, b->median, b->q3, b->hi, b->mean };
        char name[24];
        snprintf(name, sizeof name, "%d", i);
        add_number(t, name, v, 6);
    }
    vn_table_print_titled(t, d->name, f);
    vn_table_free(&t);
}

void vn_print_channels(FILE *f, const struct vn_distributions *r)
{
    int n;
    const struct vn_distribution *d = vn_distributions_rows(r, &n);
    for (int i = 0; i < n; i++)
        print_boxes(f, &d[i]);
}

/* ---- JSON ---- */

static json_t *counts(const double *bins)
{
    json_t *list = json_array();
    for (int i = 0; i < VN_DISTRIBUTION_BINS; i++)
        json_array_append_new(list, json_integer((json_int_t)bins[i]));
    return list;
}

static json_t *histogram_json(const struct vn_distribution *d)
{
    json_t *o = json_pack("{s:o, s:o, s:o}", "lo", vn_json_real(d->lo), "hi", vn_json_real(d->hi), "float",
                          counts(d->before));
    if (d->after)
        json_object_update_new(o, json_pack("{s:o, s:o, s:o, s:o}", "quantized", counts(d->after), "error_lo",
                                            vn_json_real(d->error_lo), "error_hi", vn_json_real(d->error_hi),
                                            "error", counts(d->error)));
    return o;
}

static json_t *boxes_json(const struct vn_distribution *d)
{
    json_t *list = json_array();
    for (int i = 0; i < d->channels; i++) {
        const struct vn_channel_box *b = &d->box[i];
        json_array_append_new(list, json_pack("[o, o, o, o, o, o]", vn_json_real(b->lo), vn_json_real(b->q1),
                                              vn_json_real(b->median), vn_json_real(b->q3),
                                              vn_json_real(b->hi), vn_json_real(b->mean)));
    }
    return list;
}

static json_t *row_json(const struct vn_distribution *d)
{
    json_t *o =
        json_pack("{s:o, s:s, s:I, s:o, s:o, s:o, s:o}", "node", vn_json_text(d->name), "type", d->type, "n",
                  (json_int_t)d->n, "min", vn_json_real(d->lo), "max", vn_json_real(d->hi), "mean",
                  vn_json_real(d->mean), "std", vn_json_real(d->deviation));
    if (d->bits)
        json_object_update_new(
            o, json_pack("{s:o, s:i}", "threshold", vn_json_real(d->threshold), "bit", d->bits));
    if (d->after)
        json_object_set_new(o, "cosine-similarity", vn_json_real(d->cosine));
    json_object_set_new(o, "histogram", histogram_json(d));
    json_object_set_new(o, "axis", json_integer(d->axis));
    json_object_set_new(o, "channels", boxes_json(d));
    return o;
}

json_t *vn_json_distributions(const struct vn_distributions *r)
{
    int n;
    const struct vn_distribution *d = vn_distributions_rows(r, &n);
    json_t *rows = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(rows, row_json(&d[i]));
    return json_pack("{s:i, s:o}", "samples", vn_distributions_samples(r), "rows", rows);
}

/* ---- plots ---- */

int vn_plot_distributions(const char *folder, const struct vn_distributions *r, int channels,
                          struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    struct vn_map *taken = vn_map_new(a);
    int n, status = vn_dir_make(folder, e);
    const struct vn_distribution *d = vn_distributions_rows(r, &n);
    for (int i = 0; i < n && status == VN_OK; i++) {
        const char *name = vn_file_name(a, taken, d[i].name);
        const char *path = vn_path_join(a, folder, vn_arena_fmt(a, "%s.png", name));
        status = channels ? vn_plot_channels(path, &d[i], e) : vn_plot_distribution(path, &d[i], e);
    }
    vn_arena_free(&a);
    return status;
}

int vn_plot_accumulated(const char *folder, const char *title, const struct vn_accumulated *r,
                        enum vn_debug_metric metric, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    int n, points, status = vn_dir_make(folder, e);
    const struct vn_accumulated_curve *c = vn_accumulated_curves(r, &n);
    const char *word = vn_debug_metric_word(metric);
    struct vn_plot_line *lines = NEW_ARRAY(a, struct vn_plot_line, n);
    vn_accumulated_nodes(r, &points);
    for (int i = 0; i < n; i++)
        lines[i] = (struct vn_plot_line){ c[i].label, c[i].metric[metric] };
    const char *path = vn_path_join(a, folder, vn_arena_fmt(a, "%s_%s.png", title, word));
    if (status == VN_OK)
        status = vn_plot_lines(path, title, "node index", word, lines, n, points, e);
    vn_arena_free(&a);
    return status;
}
