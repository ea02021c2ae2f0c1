/* cli/debug_plots.h - what the parts of `debug` share. */
#ifndef VN_DEBUG_PLOTS_H
#define VN_DEBUG_PLOTS_H

#include <vernier/debug.h>

#include "cli/cli.h"

struct debug_request {
    struct vn_debug_options o;
    enum vn_debug_kind kind;
    enum vn_debug_metric metrics[VN_DEBUG_METRICS];
    int n_metrics;
};

/* What --report asks for; takes the reference. */
int vn_debug_write_report(const struct debug_request *r, json_t *j, struct vn_err *e);
/* DIR/NAME of --save-dir; NULL: it is not given. */
const char *vn_debug_folder(const char *name, struct vn_arena *a);
/* node_sensitivity/sensitivity_of_KIND.log: the table that is printed. */
int vn_debug_save_table(const struct debug_request *r, const struct vn_sensitivity *s, struct vn_arena *a,
                        struct vn_err *e);
/* accumulate_error/TITLE_METRIC.png for each metric. */
int vn_debug_save_curves(const struct debug_request *r, const char *title, const struct vn_accumulated *c,
                         struct vn_arena *a, struct vn_err *e);

/* The groups of --quantize or --keep; and of their plots, as the vendor's tool has it. */
int vn_debug_read_groups(struct vn_debug_group **groups, int *n, struct vn_arena *a, struct vn_err *e);
const char *vn_debug_curves_title(const struct vn_debug_group *groups, int n);

/* Parts with a file of their own. */
int vn_debug_run_distribution(struct debug_request *r, struct vn_arena *a, struct vn_err *e);
int vn_debug_run_channels(struct debug_request *r, struct vn_arena *a, struct vn_err *e);
int vn_debug_run_analysis(struct debug_request *r, struct vn_arena *a, struct vn_err *e);
int vn_debug_run_all(struct debug_request *r, struct vn_arena *a, struct vn_err *e);

#endif
