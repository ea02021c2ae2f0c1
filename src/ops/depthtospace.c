/* ops/depthtospace.c - channels become squares of pixels (pixel shuffle). */
#include "ops/blocks.h"

const struct op_def vn_op_depthtospace = {
    .name = "depthtospace", .onnx = "DepthToSpace", .min_in = 1, .max_in = 1,
    .attrs = vn_blocks_specs, .attrs_size = sizeof(struct blocks_attrs),
    .infer = vn_blocks_infer, .eval = vn_blocks_eval, .lower = vn_blocks_lower,
    .quant = { .kind = Q_MOVE, .out = Q_OUT_SAME },
};
