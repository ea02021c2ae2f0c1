/* ops/instancenormalization.c - each channel of each image brought to mean 0 and variance 1, scaled and
 * shifted. */
#include "ops/normal.h"

static const struct attr_spec specs[] = {
    A_FLOAT(struct group_attrs, epsilon, "epsilon", 1e-5),
    A_END,
};

const struct op_def vn_op_instancenormalization = {
    .name = "instancenormalization",
    .onnx = "InstanceNormalization",
    .min_in = 3,
    .max_in = 3,
    .attrs = specs,
    .attrs_size = sizeof(struct group_attrs),
    .infer = vn_infer_channels,
    .eval = vn_group_eval,
    .lower = vn_group_lower,
    .slack = vn_group_slack,
};
