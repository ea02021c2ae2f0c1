/* interp/integer.h - what a node means on integers, by the kind of its quantization rule. */
#ifndef VN_INTERP_INTEGER_H
#define VN_INTERP_INTEGER_H

#include "ops/op.h"

/* ev->in: VN_I64 cells of q for quantized inputs; ev->out: VN_I64 for quantized outputs, else VN_F64. */
int vn_integer_eval(const struct node *n, const struct eval *ev, struct vn_err *e);

#endif
