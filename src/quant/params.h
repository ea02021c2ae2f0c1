/* quant/params.h - from a range to scale and zero point. */
#ifndef VN_QUANT_PARAMS_H
#define VN_QUANT_PARAMS_H

#include "quant/quant.h"

struct range {
    double lo, hi, threshold;
    int flat_lo, flat_hi; /* what lies further out on this side needs no integers */
};

/* Zero is always representable: padding and Relu rely on it. A scale is never 0. wide: int16. */
const struct qparam *vn_quant_from_range(struct vn_arena *a, enum zero_points zp, const struct range *r,
                                         int wide);
/* Of one tensor. */
const struct vn_quant_method *vn_quant_method_of(const struct vn_quant_method *m, const char *tensor);
/* What calibration saw, clipped as the method says; int16 is fine enough without clipping anything, and
 * mostly for twice the threshold: data that calibration has not seen may reach further. */
struct range vn_quant_range(const struct histogram *h, const struct vn_quant_method *m, int wide);
/* Of the value in int8 with parameters of its own; 0: it has none. integer: its maker computes in
 * integers. */
double vn_quant_int8_step(const struct value *v, const struct vn_ranges *r, const struct vn_quant_method *m,
                          int integer);

#endif
