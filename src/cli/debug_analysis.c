/* debug sensitivity-analysis: what is gained by keeping the most sensitive nodes in float32. debug runall:
 * all parts, on what they name to each other. */
#include <stdlib.h>

#include <vernier/report.h>

#include "base/file.h"
#include "cli/debug_plots.h"
#include "report/plot.h"

#define MOST_KEPT 30 /* nodes that are kept in float together */
#define TOP 5 /* weights and activations that runall looks at */
#define PARTS 3 /* weights, activations, both */

static const char *const words[] = { "weight", "activation" };
static const struct vn_debug_group parts[PARTS] = {
    { words, 1, 0, "only_weight_calibrated" },
    { words + 1, 1, 0, "only_activation_calibrated" },
    { words, 2, 0, "weight_activation_calibrated" },
};
#define PARTS_TITLE "weight_activation_quantized_separately"

/* ---- which nodes ---- */

/* Is x as good as the threshold asks? */
static int is_fine(enum vn_debug_metric m, double x, double threshold)
{
    return vn_debug_metric_rises(m) ? x >= threshold : x <= threshold;
}

/* The sensitive nodes, the most sensitive first. */
static int pick(const char **picked, const struct debug_request *r, const struct vn_sensitivity *s,
                double threshold)
{
    int rows, n = 0;
    const struct vn_sensitivity_row *row = vn_sensitivity_rows(s, &rows);
    for (int i = 0; i < rows && n < MOST_KEPT; i++)
        if (r->o.n_nodes || !is_fine(r->metrics[0], row[i].metric[r->metrics[0]], threshold))
            picked[n++] = row[i].name;
    return n;
}

/* ---- keeping them in float ---- */

static void print_steps(const struct debug_request *r, const struct vn_accumulated *c)
{
    const char *const titles[] = { "quantized", vn_debug_metric_word(r->metrics[0]), "agreement" };
    struct table *t = vn_table_new(3, titles);
    int n;
    const struct vn_accumulated_curve *curve = vn_accumulated_curves(c, &n);
    for (int i = 0; i < n; i++) {
        char value[2][40];
        snprintf(value[0], sizeof value[0], "%.5f", curve[i].output[r->metrics[0]]);
        snprintf(value[1], sizeof value[1], "%.5f", curve[i].agreement);
        vn_table_row(t, (const char *const[]){ curve[i].label, value[0], value[1] });
    }
    vn_table_print_titled(t, "outputs", stdout);
    vn_table_free(&t);
}

static json_t *steps_json(const struct vn_accumulated *c)
{
    int n;
    const struct vn_accumulated_curve *curve = vn_accumulated_curves(c, &n);
    json_t *list = json_array();
    for (int i = 0; i < n; i++) {
        json_t *row = json_pack("{s:o}", "quantized", vn_json_text(curve[i].label));
        for (int m = 0; m < VN_DEBUG_METRICS; m++)
            json_object_set_new(row, vn_debug_metric_word(m), vn_json_real(curve[i].output[m]));
        json_object_set_new(row, "agreement", vn_json_real(curve[i].agreement));
        json_array_append_new(list, row);
    }
    return list;
}

/* Outputs by the number of nodes that are kept. */
static int plot_steps(const struct debug_request *r, const struct vn_accumulated *c, struct vn_arena *a,
                      struct vn_err *e)
{
    const char *folder = vn_debug_folder("sensitivity_analysis", a),
               *word = vn_debug_metric_word(r->metrics[0]);
    int n;
    const struct vn_accumulated_curve *curve = vn_accumulated_curves(c, &n);
    double *y = NEW_ARRAY(a, double, n);
    if (!folder)
        return VN_OK;
    for (int i = PARTS; i < n; i++)
        y[i - PARTS] = curve[i].output[r->metrics[0]];
    TRY(vn_dir_make(folder, e));
    return vn_plot_lines(vn_path_join(a, folder, vn_arena_fmt(a, "sensitive_nodes_in_float_%s.png", word)),
                         "outputs, the most sensitive nodes in float32", "nodes in float32", word,
                         &(struct vn_plot_line){ word, y }, 1, n - PARTS, e);
}

static int keep_in_float(struct vn_accumulated **c, const struct debug_request *r, const char *const *picked,
                         int n, struct vn_arena *a, struct vn_err *e)
{
    struct vn_debug_group *groups = NEW_ARRAY(a, struct vn_debug_group, PARTS + n + 1);
    struct vn_debug_options o = r->o;
    memcpy(groups, parts, sizeof parts);
    for (int k = 0; k <= n; k++)
        groups[PARTS + k] =
            (struct vn_debug_group){ picked, k, 1,
                                     k ? vn_arena_fmt(a, "all but %d (%s)", k, picked[k - 1]) : "all nodes" };
    o.n_nodes = 0;
    o.nodes = NULL;
    return vn_debug_accumulated(c, &o, groups, PARTS + n + 1, 0, e);
}

static int analyse(json_t *j, const struct debug_request *r, const struct vn_sensitivity *s, double threshold,
                   struct vn_arena *a, struct vn_err *e)
{
    const char *picked[MOST_KEPT];
    struct vn_accumulated *c;
    const int n = pick(picked, r, s, threshold);
    TRY(keep_in_float(&c, r, picked, n, a, e));
    if (!vn_opt("--json")) {
        vn_print_sensitivity(stdout, s, r->metrics, r->n_metrics);
        print_steps(r, c);
    }
    json_object_set_new(j, "pick_threshold", json_real(threshold));
    json_object_set_new(j, "restored", steps_json(c));
    const int status = plot_steps(r, c, a, e);
    vn_accumulated_free(&c);
    return status;
}

/* Into j: the steps and, of a command of its own, the rows. */
static int measure_gain(json_t *j, struct debug_request *r, int rows, struct vn_arena *a, struct vn_err *e)
{
    struct vn_sensitivity *s;
    double threshold;
    TRY(vn_opt_real("--pick-threshold", 0.999, -1e9, 1e9, &threshold, e));
    TRY(vn_debug_sensitivity(&s, &r->o, VN_DEBUG_NODE, e));
    if (rows)
        json_object_update_new(j, vn_json_sensitivity(s));
    const int status = analyse(j, r, s, threshold, a, e);
    vn_sensitivity_free(&s);
    return status;
}

/* Prints and reports j, and frees it. */
static int finish(json_t *j, int status, const struct debug_request *r, struct vn_err *e)
{
    if (status == VN_OK && vn_opt("--json"))
        vn_json_print_exact(stdout, json_incref(j));
    if (status == VN_OK)
        return vn_debug_write_report(r, j, e);
    json_decref(j);
    return status;
}

int vn_debug_run_analysis(struct debug_request *r, struct vn_arena *a, struct vn_err *e)
{
    json_t *j = json_object();
    return finish(j, measure_gain(j, r, 1, a, e), r, e);
}

/* ---- runall ---- */

static const char *const kinds[] = {
    [VN_DEBUG_NODE] = "node", [VN_DEBUG_WEIGHT] = "weight", [VN_DEBUG_ACTIVATION] = "activation"
};

static int measure_kind(json_t *j, const char **names, int *n, struct debug_request *r,
                        enum vn_debug_kind kind, struct vn_arena *a, struct vn_err *e)
{
    struct vn_sensitivity *s;
    int rows;
    TRY(vn_debug_sensitivity(&s, &r->o, kind, e));
    const struct vn_sensitivity_row *row = vn_sensitivity_rows(s, &rows);
    for (int i = 0; i < rows && i < TOP; i++)
        names[(*n)++] = vn_arena_str(a, row[i].name);
    if (!vn_opt("--json"))
        vn_print_sensitivity(stdout, s, r->metrics, r->n_metrics);
    json_object_set_new(j, kinds[kind], vn_json_sensitivity(s));
    const int status = vn_debug_save_table(r, s, a, e);
    vn_sensitivity_free(&s);
    return status;
}

static int look_at(json_t *j, const struct debug_request *r, const char *const *names, int n,
                   struct vn_arena *a, struct vn_err *e)
{
    const char *plain = vn_debug_folder("data_distribution", a),
               *channels = vn_debug_folder("channelwise_distribution", a);
    struct vn_debug_options o = r->o;
    struct vn_distributions *d;
    int axis;
    TRY(vn_opt_int("--axis", -1, 0, VN_MAX_RANK - 1, &axis, e));
    o.nodes = names;
    o.n_nodes = n;
    TRY(vn_debug_distributions(&d, &o, axis, e));
    int status = plain ? vn_plot_distributions(plain, d, 0, e) : VN_OK;
    if (status == VN_OK && channels)
        status = vn_plot_distributions(channels, d, 1, e);
    if (!vn_opt("--json"))
        vn_print_distributions(stdout, d);
    json_object_set_new(j, "distribution", vn_json_distributions(d));
    vn_distributions_free(&d);
    return status;
}

static int accumulate(json_t *j, struct debug_request *r, struct vn_arena *a, struct vn_err *e)
{
    struct vn_debug_group *given = NULL;
    struct vn_accumulated *c;
    int n = PARTS;
    if (vn_opt("--quantize") || vn_opt("--keep"))
        TRY(vn_debug_read_groups(&given, &n, a, e));
    TRY(vn_debug_accumulated(&c, &r->o, given ? given : parts, n, vn_opt("--average") != NULL, e));
    if (!vn_opt("--json"))
        vn_print_accumulated(stdout, c, r->metrics[0]);
    json_object_update_new(j, vn_json_accumulated(c));
    const int status =
        vn_debug_save_curves(r, given ? vn_debug_curves_title(given, n) : PARTS_TITLE, c, a, e);
    vn_accumulated_free(&c);
    return status;
}

static int run_parts(json_t *j, struct debug_request *r, struct vn_arena *a, struct vn_err *e)
{
    const char *names[2 * TOP], *const *given = r->o.nodes;
    const int n_given = r->o.n_nodes;
    int n = 0;
    r->o.nodes = NULL;
    r->o.n_nodes = 0;
    const int both = !vn_opt("--node-type");
    TRY(measure_kind(j, names, &n, r, both ? VN_DEBUG_WEIGHT : r->kind, a, e));
    if (both)
        TRY(measure_kind(j, names, &n, r, VN_DEBUG_ACTIVATION, a, e));
    if (given ? n_given : n)
        TRY(look_at(j, r, given ? given : names, given ? n_given : n, a, e));
    TRY(accumulate(j, r, a, e));
    return measure_gain(j, r, 0, a, e);
}

int vn_debug_run_all(struct debug_request *r, struct vn_arena *a, struct vn_err *e)
{
    json_t *j = json_object();
    return finish(j, run_parts(j, r, a, e), r, e);
}
