/* ops/compose.h - composite operators: nodes made of simpler ones. */
#ifndef VN_COMPOSE_H
#define VN_COMPOSE_H

#include "ops/op.h"

/* Append a node of `type` (the operator of that ONNX name, "domain:Name" for another domain) whose name comes
 * from `model`; its output is `out`, or a new value where NULL. Attributes hold their defaults, to be changed
 * by the caller. NULL: no such operator. */
struct node *vn_expand(struct graph *g, const struct node *model, const char *type, int n_in,
                       struct value *const *in, struct value *out, struct vn_err *e);
/* The same for one and two inputs, giving the output. */
struct value *vn_expand1(struct graph *g, const struct node *model, const char *type, struct value *x,
                         struct value *out);
struct value *vn_expand2(struct graph *g, const struct node *model, const char *type, struct value *a,
                         struct value *b, struct value *out);
/* A constant scalar of a float type; a list of integers. */
struct value *vn_expand_number(struct graph *g, const struct node *model, const char *what, enum vn_dtype t,
                               double x);
struct value *vn_expand_ints(struct graph *g, const struct node *model, const char *what, int n,
                             const int64_t *v);
struct value *vn_expand_reshape(struct graph *g, const struct node *model, struct value *x, int rank,
                                const int64_t *d, struct value *out);
struct value *vn_expand_transpose(struct graph *g, const struct node *model, struct value *x, int rank,
                                  const int64_t *perm, struct value *out);
struct value *vn_expand_cast(struct graph *g, const struct node *model, struct value *x, enum vn_dtype t,
                             struct value *out);
struct value *vn_expand_slice(struct graph *g, const struct node *model, struct value *x, int64_t axis,
                              int64_t from, int64_t to, struct value *out);
struct value *vn_expand_concat(struct graph *g, const struct node *model, struct value *a, struct value *b,
                               int64_t axis, struct value *out);

#endif
