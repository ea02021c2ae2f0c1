/* ops/arg.h - what ArgMax and ArgMin share. */
#ifndef VN_ARG_H
#define VN_ARG_H

#include "ops/portable_op.h"

struct arg_attrs {
    int64_t axis, keepdims, last;
};
extern const struct attr_spec vn_arg_specs[];
int vn_infer_arg(struct node *n, struct vn_err *e);
void vn_portable_of_arg(const struct node *n, struct portable_params *p, int largest);

#endif
