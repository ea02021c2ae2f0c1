/* interp/interp.h - the reference executor: node by node, float64 on real values, exact integers on
 * quantized ones. */
#ifndef VN_INTERP_H
#define VN_INTERP_H

#include "graph/graph.h"

/* What is shown of a run, and what may end it. Cells are VN_I64 for integers and for q of quantized
 * values, VN_F64 for the others. */
struct interp_watch {
    /* Before a node: its inputs as cells, NULL where one is left out. NULL: not called. */
    void (*before)(void *user, const struct node *n, const struct vn_tensor *const *in);
    /* A graph input, or a value that was just computed. NULL: not called. */
    void (*after)(void *user, const struct value *v, const struct vn_tensor *t);
    const volatile int *cancel; /* once it is not 0: VN_E_CANCELLED before the next node; NULL: none */
    void *user;
};

/* Run a graph with inferred shapes. inputs: one per graph input, in the value's own type; for a quantized
 * input either float32, which is quantized, or its integer type. outputs: one per graph output, in `a`; a
 * quantized output in its integer type, the others in the value's own. `w` may be NULL. Values are freed
 * as soon as nobody reads them any more. */
int vn_interp_run(struct vn_arena *a, const struct graph *g, const struct vn_tensor *const *inputs,
                  struct vn_tensor **outputs, const struct interp_watch *w, struct vn_err *e);

/* Evaluate one node from given inputs: in[i] as cells of its input values (VN_I64 of q, VN_F64, or any
 * type that converts to them), NULL where left out; out[i] cells in `a`, NULL where left out. */
int vn_interp_fed(struct vn_arena *a, const struct node *n, const struct vn_tensor *const *in,
                  struct vn_tensor **out, struct vn_err *e);

/* Evaluate one node whose inputs are all constants, or a Shape node: out[i] in `a`, of the output values'
 * own types; NULL where the output is left out. For constant folding: quantized constants are taken as
 * what they stand for. */
int vn_interp_node(struct vn_arena *a, struct node *n, struct vn_tensor **out, struct vn_err *e);

#endif
