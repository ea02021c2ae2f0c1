/* ops/portable_op.h - operators that are functions of whole tensors (kernels/portable.h): one source for
 * the reference and the runtime. */
#ifndef VN_OPS_CALL_H
#define VN_OPS_CALL_H

#include "kernels/portable.h"
#include "ops/lower.h"

struct portable_params {
    enum vn_portable_id id;
    int32_t i[VN_PORTABLE_INTS];
    float f[VN_PORTABLE_FLOATS];
    int n_in; /* leading inputs of the node that the function gets; 0: all */
};

/* eval and lower of an operator whose descriptor has `call`: output 0 only. */
int vn_eval_portable(const struct node *n, const struct eval *ev, struct vn_err *e);
int vn_low_portable(const struct node *n, struct lowering *l, struct vn_err *e);

/* Their parts, for operators that are several functions or have several outputs. in: cells (NULL: left
 * out). */
int vn_portable_eval(const struct node *n, const struct portable_params *p, struct vn_arena *a, int n_in,
                     const struct vn_tensor *const *in, struct vn_tensor *out, struct vn_err *e);
/* in: tensor ids in plain order, -1 for one left out; out: a tensor in plain order. */
int vn_portable_emit(struct lowering *l, const struct portable_params *p, int n_in, const int *in, int out,
                     struct vn_err *e);

/* Cells of another type: what integers, booleans and half floats become in a program, and back. `to`:
 * whose numbers the result holds. */
int vn_low_cast(struct lowering *l, int from, int out, enum vn_dtype to, struct vn_err *e);

/* i[] of conv, conv_transpose and pool (kernels/portable/window.h). */
void vn_portable_put_window(struct portable_params *p, const struct window *w);

/* call of operators with two inputs and broadcasting, for integers: enum vn_portable_binary. */
/* A comparison, of integers where the node computes in them; op: a test of enum vn_portable_binary. */
int vn_low_compare(const struct node *n, struct lowering *l, int op, struct vn_err *e);
int vn_low_portable_binary(const struct node *n, struct lowering *l, int op, struct vn_err *e);

#endif
