/* ops/groupnormalization.c - groups of channels brought to mean 0 and variance 1, scaled and shifted per
 * channel. */
#include "ops/normal.h"

static const struct attr_spec specs[] = {
    A_FLOAT(struct group_attrs, epsilon, "epsilon", 1e-5),
    { .onnx = "num_groups",
      .kind = ATTR_INT,
      .offset = offsetof(struct group_attrs, groups),
      .min = 1,
      .max = INT32_MAX,
      .required = 1 },
    A_INT(struct group_attrs, stash, "stash_type", 1, 0, 64),
    A_END,
};

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_channels(n, e));
    const int64_t c = n->in[0]->shape.d[1], groups = ((const struct group_attrs *)n->attrs)->groups;
    if (c % groups)
        return NODE_MISFIT(n, e, "%lld channels are not a multiple of %lld groups", (long long)c,
                           (long long)groups);
    return VN_OK;
}

const struct op_def vn_op_groupnormalization = {
    .name = "groupnormalization",
    .onnx = "GroupNormalization",
    .since = 21, /* its parameters are for channels, not groups, from there on */
    .min_in = 3,
    .max_in = 3,
    .attrs = specs,
    .attrs_size = sizeof(struct group_attrs),
    .infer = infer,
    .eval = vn_group_eval,
    .lower = vn_group_lower,
    .slack = vn_group_slack,
};
