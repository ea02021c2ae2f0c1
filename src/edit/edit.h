/* edit/edit.h - the two forms that are edited, graphs and programs, behind one set of functions. */
#ifndef VN_EDIT_H
#define VN_EDIT_H

#include <vernier/edit.h>

#include "base/listen.h"
#include "compile/compile.h"
#include "graph/graph.h"

struct edge_list {
    VEC(struct vn_edge) v;
};

struct edit_form {
    /* What can be removed now; names live in `a` or in the network. */
    void (*list)(void *net, struct vn_arena *a, struct edge_list *out);
    int (*remove)(void *net, const struct vn_edge *x, struct vn_err *e);
    int (*set_outputs)(void *net, int n, const char *const *names, struct vn_err *e);
    void (*note)(void *net, const char *key, const char *text);
};
extern const struct edit_form vn_edit_graph, vn_edit_program; /* net: struct graph *, struct prog * */

/* Do all that the options say, but for files. `removed`: in `a`. */
int vn_edit_apply(const struct edit_form *f, void *net, struct vn_arena *a, const struct vn_edit_options *o,
                  struct edge_list *removed, struct vn_err *e);
/* The removed nodes as lines of deleted_nodes_info.txt. */
const char *vn_edit_text(struct vn_arena *a, const struct edge_list *removed);

/* An image that the runtime can load, edited; the new one lives in `a`. */
int vn_edit_image(struct vn_image *image, struct vn_arena *a, const struct vn_edit_options *o,
                  struct edge_list *removed, struct vn_err *e);

/* ---- of graphs ---- */

/* These values (or the results of these nodes) are the outputs. VN_E_USAGE: there is none of a name. */
int vn_edit_outputs(struct graph *g, int n, const char *const *names, struct vn_err *e);

struct edit_port {
    const char *name;
    int integers; /* 1: raw_input, raw_output of struct value */
};
/* The part of a graph between these inputs and outputs; g is changed. VN_E_INPUT: a name is not a value. */
int vn_edit_cut(struct graph *g, int n_in, const struct edit_port *in, int n_out, const struct edit_port *out,
                struct vn_err *e);

#endif
