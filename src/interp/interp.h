/* interp/interp.h - the reference executor: node by node, float64 on real values, exact integers on quantized ones. */
#ifndef VN_INTERP_H
#define VN_INTERP_H

#include "graph/graph.h"

/* Shown every computed value: VN_I64 cells for integers and for q of quantized values, VN_F64 cells for the others. */
typedef void vn_interp_watch(void *user, const struct value *v, const struct vn_tensor *t);

/* Run a graph with inferred shapes. inputs: one per graph input, in the value's own type; for a quantized input either float32,
 * which is quantized, or its integer type. outputs: one per graph output, in `a`; a quantized output in its integer type, the
 * others in the value's own. `watch` may be NULL. Values are freed as soon as nobody reads them any more. */
int vn_interp_run(struct vn_arena *a, const struct graph *g, const struct vn_tensor *const *inputs, struct vn_tensor **outputs,
                  vn_interp_watch *watch, void *user, struct vn_err *e);

/* Evaluate one node from given inputs: in[i] as cells of its input values (VN_I64 of q, VN_F64, or any type that converts to them), NULL
 * where left out; out[i] cells in `a`, NULL where left out. */
int vn_interp_fed(struct vn_arena *a, const struct node *n, const struct vn_tensor *const *in, struct vn_tensor **out, struct vn_err *e);

/* Evaluate one node whose inputs are all constants, or a Shape node: out[i] in `a`, of the output values' own types; NULL where the output is
 * left out. For constant folding: quantized constants are taken as what they stand for. */
int vn_interp_node(struct vn_arena *a, struct node *n, struct vn_tensor **out, struct vn_err *e);

#endif
