/* ops/pools.h - what MaxPool and AveragePool share. */
#ifndef VN_OPS_POOLS_H
#define VN_OPS_POOLS_H

#include "ops/portable_op.h"

struct pool_attrs {
    struct ints kernel, strides, pads, dilations;
    int64_t ceil_mode, count_include_pad, storage_order, p;
    int auto_pad;
};
#define POOL_ATTRS \
    A_INTS(struct pool_attrs, kernel, "kernel_shape", 1, 65536), \
        A_INTS(struct pool_attrs, strides, "strides", 1, 65536), \
        A_INTS(struct pool_attrs, pads, "pads", 0, 65536), \
        A_INTS(struct pool_attrs, dilations, "dilations", 1, 65536), \
        A_INT(struct pool_attrs, ceil_mode, "ceil_mode", 0, 0, 1), \
        A_ENUM(struct pool_attrs, auto_pad, "auto_pad", AUTO_PAD_NOTSET, vn_auto_pad_names)

int vn_pool_window(struct window *w, const struct node *n, struct vn_err *e);
/* Output 0's shape; every window touches the input. */
int vn_pool_infer(struct node *n, struct vn_err *e);
/* Calls fn for every output element: its taps inside the input are indices at[0..count) of the input's
 * elements, ascending; `padded` counts taps inside input and padding. */
typedef void vn_pool_fn(const struct eval *ev, int64_t out, const int64_t *at, int64_t count, int64_t padded,
                        void *user);
int vn_pool_walk(const struct node *n, const struct eval *ev, vn_pool_fn *fn, void *user, struct vn_err *e);
/* MAXPOOL or AVGPOOL; both instructions have the same fields. */
/* pool of kernels/portable.h into tensor y: function as there. */
int vn_pool_call(const struct node *n, struct lowering *l, enum vn_pool_function function, int y,
                 struct vn_err *e);
/* Windows of three axes that take one place of the first: images one by one. */
int vn_pool_is_flat(const struct window *w);
int vn_pool_lower(const struct node *n, struct lowering *l, enum opcode op, struct vn_err *e);

#endif
