/* ops/quantizers.h - what QuantizeLinear and DequantizeLinear share, where they stay nodes of the graph:
 * pairs that the front end recognises become parameters of values instead. */
#ifndef VN_QUANTIZERS_H
#define VN_QUANTIZERS_H

#include "ops/portable_op.h"

struct quantizer_attrs {
    int64_t axis, block, saturate, output, precision;
};
#define QUANTIZER_ATTRS \
    A_INT(struct quantizer_attrs, axis, "axis", 1, -VN_MAX_RANK, VN_MAX_RANK), \
        A_INT(struct quantizer_attrs, block, "block_size", 0, 0, INT32_MAX), \
        A_INT(struct quantizer_attrs, output, "output_dtype", 0, 0, 64)

/* Scale and zero point fit the input; the type of the integers. */
int vn_quantizer_check(const struct node *n, enum vn_dtype whole, struct vn_err *e);
void vn_quantizer_call(const struct node *n, struct portable_params *p, int back, enum vn_dtype whole);

#endif
