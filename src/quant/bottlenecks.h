/* quant/bottlenecks.h - values whose rounding to int8 their readers amplify.
 *
 * Where channels of a value have very different sizes and the weights that read the small ones are large (a
 * convolution in front of a depthwise one, with Swish between them, where channels cannot be equalized), the
 * rounding error of the value is a multiple of the rounding error of what is made from it. Such a value is
 * held in int16, and so is what a function, clamp or move makes it from. */
#ifndef VN_QUANT_BOTTLENECKS_H
#define VN_QUANT_BOTTLENECKS_H

#include "quant/quant.h"

/* Mark them in held, by value id. integer: by node id, computes in integers. */
void vn_bottlenecks_hold(char *held, const struct graph *g, const struct vn_ranges *r,
                         const struct vn_quant_options *o, const char *integer);

#endif
