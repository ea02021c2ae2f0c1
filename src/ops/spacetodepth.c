/* ops/spacetodepth.c - squares of pixels become channels. */
#include "ops/blocks.h"

const struct op_def vn_op_spacetodepth = {
    .name = "spacetodepth", .onnx = "SpaceToDepth", .min_in = 1, .max_in = 1,
    .attrs = vn_blocks_specs, .attrs_size = sizeof(struct blocks_attrs),
    .infer = vn_blocks_infer, .eval = vn_blocks_eval, .lower = vn_blocks_lower,
    .quant = { .kind = Q_MOVE, .out = Q_OUT_SAME },
};
