/* ops/identity.c - y = x. */
#include "ops/lower.h"

const struct op_def vn_op_identity = {
    .name = "identity",
    .onnx = "Identity",
    .min_in = 1,
    .max_in = 1,
    .infer = vn_infer_same,
    .eval = vn_eval_copy,
    .lower = vn_low_reshape,
    .quant = { .kind = Q_MOVE, .out = Q_OUT_SAME },
    .elements = ELEMENTS_KEPT,
};
