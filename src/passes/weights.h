/* passes/weights.h - nodes with constant weights, and what follows them folded in: y = k (Wx + b) + t per
 * output channel. */
#ifndef VN_PASS_WEIGHTS_H
#define VN_PASS_WEIGHTS_H

#include "passes/pass.h"

/* Output channels of Conv, ConvTranspose, Gemm or MatMul with constant weights and bias; 0: nothing can be
 * folded into it. */
int64_t vn_weights_channels(const struct node *n);
/* Axis of the output along which they lie. */
int vn_weights_axis(const struct node *n);
/* Can it add a constant per channel, too? A MatMul of matrices can: it becomes Gemm. */
int vn_weights_take_bias(const struct node *n);
/* Is c one number per channel (or one for all) when broadcast against y? */
int vn_weights_per_channel(const struct value *c, const struct value *y, int axis);
/* Multiply by k and add t, `channels` numbers each; NULL: 1 and 0. */
void vn_weights_affine(struct graph *g, struct node *n, const double *k, const double *t);
/* Divide the weights by what the channels of input 0 are multiplied by. */
void vn_weights_divide_inputs(struct graph *g, struct node *n, const double *k);

#endif
