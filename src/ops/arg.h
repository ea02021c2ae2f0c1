/* ops/arg.h - what ArgMax and ArgMin share. */
#ifndef VN_ARG_H
#define VN_ARG_H

#include "ops/lower.h"

struct arg_attrs {
    int64_t axis, keepdims, last;
};
extern const struct attr_spec vn_arg_specs[];
int vn_infer_arg(struct node *n, struct vn_err *e);
int vn_eval_arg(const struct node *n, const struct eval *ev, int (*real)(double, double), int (*whole)(int64_t, int64_t));

#endif
