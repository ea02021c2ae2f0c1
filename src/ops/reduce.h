/* ops/reduce.h - what the Reduce operators share. Axes are the optional constant input 1. */
#ifndef VN_REDUCE_H
#define VN_REDUCE_H

#include "kernels/kernels.h"
#include "ops/lower.h"

struct reduce_attrs {
    int64_t keepdims, noop;
};
extern const struct attr_spec vn_reduce_specs[];

int vn_reduce_infer(struct node *n, struct vn_err *e);
/* Bit per reduced axis of a node that infer accepted. */
uint32_t vn_reduce_axes(const struct node *n);
int vn_reduce_eval(const struct node *n, const struct eval *ev, enum vn_reduce op);
int vn_reduce_lower(const struct node *n, struct lowering *l, enum vn_reduce op, struct vn_err *e);
/* op_def.slack of output 0. */
int vn_reduce_slack(const struct node *n, const struct vn_tensor *const *in, const struct vn_tensor *y,
                    struct vn_tensor *out, struct vn_arena *a, enum vn_reduce op);
/* The input, in a tensor whose memory is [outer][count][inner] with the reduced axes in the middle; *y is the
 * output for it. */
struct reduce_walk {
    int32_t outer, count, inner;
};
int vn_reduce_input(const struct node *n, struct lowering *l, struct reduce_walk *w, int *y,
                    struct vn_err *e);

/* Integer sums (ReduceSum, ReduceMean): Q_OWN where the sum fits 32 bits; qeval; instructions. */
enum q_kind vn_reduce_sum_kind(const struct node *n);
int vn_qeval_reduce_sum(const struct node *n, const struct eval *ev, int mean);
int vn_reduce_lower_sum(const struct node *n, struct lowering *l, enum vn_pool_divisor divisor,
                        struct vn_err *e);
/* Of the quantized input, as integers: the largest, or the smallest. */
int vn_reduce_lower_extreme(const struct node *n, struct lowering *l, int smallest, struct vn_err *e);

#define REDUCE(file, type, operation) \
    REDUCE_AS(file, type, operation, vn_reduce_lower(n, l, operation, e), { 0 })
/* Elements are selected: integers are compared as they are. */
#define REDUCE_EXTREME(file, type, operation, smallest) \
    REDUCE_AS(file, type, operation, \
              l->integer ? vn_reduce_lower_extreme(n, l, smallest, e) : vn_reduce_lower(n, l, operation, e), \
              { .kind = Q_MOVE, .out = Q_OUT_SAME, .data_inputs = 1 })
#define REDUCE_AS(file, type, operation, lowered, ...) \
    static int eval(const struct node *n, const struct eval *ev, struct vn_err *e) \
    { \
        (void)e; \
        return vn_reduce_eval(n, ev, operation); \
    } \
    static int lower(const struct node *n, struct lowering *l, struct vn_err *e) { return lowered; } \
    static int slack(const struct node *n, int port, const struct vn_tensor *const *in, \
                     const struct vn_tensor *y, struct vn_tensor *out, struct vn_arena *a) \
    { \
        (void)port; \
        return vn_reduce_slack(n, in, y, out, a, operation); \
    } \
    const struct op_def vn_op_##file = { \
        .name = #file, \
        .onnx = type, \
        .min_in = 1, \
        .max_in = 2, \
        .attrs = vn_reduce_specs, \
        .attrs_size = sizeof(struct reduce_attrs), \
        .infer = vn_reduce_infer, \
        .eval = eval, \
        .lower = lower, \
        .quant = __VA_ARGS__, \
        .slack = slack, \
    }

#endif
