/* passes/pass.h - rewrites of the graph. One file each, one line in passes.def; the list's order is the
 * order of running. */
#ifndef VN_PASS_H
#define VN_PASS_H

#include "base/listen.h"
#include "graph/graph.h"

struct pass {
    const char *name;
    const char *help; /* what it does, for logs and docs */
    int shapes_only; /* 1: needed before shapes are known, so original_float has it too */
    int last; /* 1: only where no pass in front of it has anything to do any more */
    int (*run)(struct graph *g, struct vn_err *e); /* changes made, or an error */
    /* Instead of run: the operators that it rewrites (the last is NULL), and what it does with a node of
     * them: 1 where it has changed the graph, 0, or an error. */
    const struct op_def *const *ops;
    int (*rewrite)(struct graph *g, struct node *n, struct vn_err *e);
};
#define PASS_OPS(...) \
    (const struct op_def *const[]) { __VA_ARGS__, NULL }

extern const struct pass *const vn_passes[];
extern const int vn_passes_count;

struct pass_report {
    const char *name;
    int changes;
    int nodes_before, nodes_after;
    int64_t params_before, params_after; /* elements of constants */
};

/* One pass over the graph; changes made, or an error. */
int vn_pass_run(const struct pass *p, struct graph *g, struct vn_err *e);
/* Infer shapes, fold what is constant; after it every value has a static shape. */
int vn_passes_prepare(struct graph *g, struct vn_err *e);
/* The same for inspection: failures are reported as problems, and what depends on them is skipped. Returns
 * the number of failures, or an error unrelated to the network. */
int vn_passes_survey(struct graph *g, const struct vn_listener *l, struct vn_err *e);
/* All passes, repeated until nothing changes. Every pass keeps what the graph computes (within float
 * rounding). `report` has vn_passes_count entries, or NULL. */
int vn_passes_optimize(struct graph *g, struct pass_report *report, struct vn_err *e);

/* How an image input is turned into what the network was trained on (passes/insert_preprocess.c). */
struct preprocess_spec {
    enum vn_input_type type_rt, type_train; /* not VN_IN_FEATUREMAP */
    int video_range; /* bt601_video */
    int channels_last; /* the network's own layout is NHWC */
    int n_mean, n_scale; /* 0, 1 or one per channel */
    const double *mean, *scale;
};
/* Is the input an image of that layout? */
int vn_preprocess_fits(const struct value *input, const struct preprocess_spec *s, struct vn_err *e);
int vn_insert_preprocess(struct graph *g, struct value *input, const struct preprocess_spec *s,
                         struct vn_err *e);

/* Take out what only moves or converts in front of the first and behind the last computing node
 * (passes/trim_ends.c): inputs and outputs keep their names and get other shapes and types, reported to
 * the listener as warnings. Returns the number of nodes. */
int vn_trim_ends(struct graph *g, const struct vn_listener *l);

/* Several images at once, in a graph whose inputs hold one. */
struct batch_spec {
    int n;
    int separate_all; /* each input becomes n, named NAME_0, NAME_1, ... */
    int n_separate;
    const char *const *separate; /* or these do */
};
/* Errors: VN_E_UNSUPPORTED where a node mixes the images, or an input is no single image. */
int vn_set_batch(struct graph *g, const struct batch_spec *b, struct vn_err *e);

/* ---- shared by passes ---- */

/* Remove a node that hands input 0 through to output 0; names of graph inputs and outputs survive. 0: not
 * possible here. */
int vn_pass_bypass(struct graph *g, struct node *n);
/* Let `into` produce y, which node `from` (reading into's only output) produced, and remove `from`. */
void vn_pass_absorb(struct graph *g, struct node *into, struct node *from);
/* A float32 constant of shape s as input i of a node; `data` is to be filled in. It takes the name of the
 * one that was there, or `name` where there was none or other nodes read it too. */
void vn_pass_set_const(struct graph *g, struct node *n, int i, const char *name, const struct vn_shape *s,
                       float **data);
/* A tensor that holds other numbers now, so it has another name. */
void vn_pass_rename_scaled(struct graph *g, struct value *v);
/* Is v a constant of floats? Then element i. */
static inline int vn_pass_is_const(const struct value *v) { return v && v->data && !v->q; }

#endif
