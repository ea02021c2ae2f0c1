/* Files of `debug`: tables and plots in the vendor tool's folders; `debug distribution` and `channels`. */
#include <errno.h>
#include <stdio.h>

#include <vernier/report.h>

#include "base/file.h"
#include "cli/debug_plots.h"

int vn_debug_write_report(const struct debug_request *r, json_t *j, struct vn_err *e)
{
    const struct vn_html_report report = {
        .command = "debug", .passed = -1, .result = j, .files = &r->o.model, .n_files = 1
    };
    const int status = vn_opt_report(&report, e);
    json_decref(j);
    return status;
}

const char *vn_debug_folder(const char *name, struct vn_arena *a)
{
    const char *dir = vn_opt("--save-dir");
    return dir ? vn_path_join(a, dir, name) : NULL;
}

int vn_debug_save_table(const struct debug_request *r, const struct vn_sensitivity *s, struct vn_arena *a,
                        struct vn_err *e)
{
    static const char *const kinds[] = {
        [VN_DEBUG_NODE] = "node", [VN_DEBUG_WEIGHT] = "weight", [VN_DEBUG_ACTIVATION] = "activation"
    };
    const char *folder = vn_debug_folder("node_sensitivity", a);
    if (!folder)
        return VN_OK;
    TRY(vn_dir_make(folder, e));
    const char *kind = kinds[vn_sensitivity_summary(s)->kind];
    const char *path = vn_path_join(a, folder, vn_arena_fmt(a, "sensitivity_of_%s.log", kind));
    FILE *f = fopen(path, "w");
    if (!f)
        return vn_fail(e, VN_E_IO, "%s: cannot write: %s", path, strerror(errno));
    vn_print_sensitivity(f, s, r->metrics, r->n_metrics);
    return fclose(f) ? vn_fail(e, VN_E_IO, "%s: cannot write: %s", path, strerror(errno)) : VN_OK;
}

int vn_debug_save_curves(const struct debug_request *r, const char *title, const struct vn_accumulated *c,
                         struct vn_arena *a, struct vn_err *e)
{
    const char *folder = vn_debug_folder("accumulate_error", a);
    for (int i = 0; folder && i < r->n_metrics; i++)
        TRY(vn_plot_accumulated(folder, title, c, r->metrics[i], e));
    return VN_OK;
}

/* ---- distribution, channels ---- */

static int save(const struct vn_distributions *d, int channels, struct vn_arena *a, struct vn_err *e)
{
    const char *folder = vn_debug_folder(channels ? "channelwise_distribution" : "data_distribution", a);
    return folder ? vn_plot_distributions(folder, d, channels, e) : VN_OK;
}

static int look(struct debug_request *r, int channels, struct vn_arena *a, struct vn_err *e)
{
    struct vn_distributions *d;
    int axis;
    TRY(vn_opt_int("--axis", -1, 0, VN_MAX_RANK - 1, &axis, e));
    TRY(vn_debug_distributions(&d, &r->o, axis, e));
    int status = save(d, channels, a, e);
    if (status == VN_OK && vn_opt("--json"))
        vn_json_print_exact(stdout, vn_json_distributions(d));
    else if (status == VN_OK)
        (channels ? vn_print_channels : vn_print_distributions)(stdout, d);
    if (status == VN_OK)
        status = vn_debug_write_report(r, vn_json_distributions(d), e);
    vn_distributions_free(&d);
    return status;
}

int vn_debug_run_distribution(struct debug_request *r, struct vn_arena *a, struct vn_err *e)
{
    return look(r, 0, a, e);
}

int vn_debug_run_channels(struct debug_request *r, struct vn_arena *a, struct vn_err *e)
{
    return look(r, 1, a, e);
}

/* ---- groups that are quantized together ---- */

/* "A,B" as a group. */
static struct vn_debug_group read_group(const char *text, int all_but, struct vn_arena *a)
{
    VEC(const char *) names = { 0 };
    char *rest = vn_arena_str(a, text), *save;
    for (char *name = strtok_r(rest, ",", &save); name; name = strtok_r(NULL, ",", &save))
        VEC_PUSH(a, &names, name);
    return (struct vn_debug_group){ names.v, names.n, all_but, text };
}

int vn_debug_read_groups(struct vn_debug_group **groups, int *n, struct vn_arena *a, struct vn_err *e)
{
    const char **quantize, **keep;
    const int n_quantize = vn_opt_all("--quantize", &quantize), n_keep = vn_opt_all("--keep", &keep);
    *n = n_quantize ? n_quantize : n_keep;
    if (!*n || (n_quantize && n_keep))
        return vn_fail(e, VN_E_USAGE, "accumulated: expected --quantize or --keep, but not both");
    *groups = NEW_ARRAY(a, struct vn_debug_group, *n);
    for (int i = 0; i < *n; i++) {
        const char *text = n_keep ? keep[i] : quantize[i];
        (*groups)[i] = read_group(text, n_keep > 0, a);
        if (!(*groups)[i].n)
            return vn_fail(e, VN_E_USAGE, "%s: expected names, got '%s'", n_keep ? "--keep" : "--quantize",
                           text);
    }
    return VN_OK;
}

const char *vn_debug_curves_title(const struct vn_debug_group *groups, int n)
{
    int sets = 0, kinds = 0;
    for (int i = 0; i < n; i++) {
        sets += groups[i].n > 1;
        kinds += !strcmp(groups[i].nodes[0], "weight") || !strcmp(groups[i].nodes[0], "activation");
    }
    if (groups[0].all_but)
        return "non_quantize_node_accumulate_err_of_partial_qmodel";
    return kinds == n ? "weight_activation_quantized_separately"
           : sets     ? "quantize_node_accumulate_err_of_partial_qmodel"
                      : "quantize_node_accumulate_err_of_node";
}
