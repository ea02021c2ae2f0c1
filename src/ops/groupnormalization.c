/* ops/groupnormalization.c - groups of channels brought to mean 0 and variance 1, scaled and shifted per channel. */
#include "ops/normal.h"

static const struct attr_spec specs[] = {
    A_FLOAT(struct group_attrs, epsilon, "epsilon", 1e-5),
    { .onnx = "num_groups", .kind = ATTR_INT, .offset = offsetof(struct group_attrs, groups), .min = 1, .max = INT32_MAX, .required = 1 },
    A_INT(struct group_attrs, stash, "stash_type", 1, 0, 64),
    A_END,
};

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_channels(n, e));
    const int64_t c = n->in[0]->shape.d[1], groups = ((const struct group_attrs *)n->attrs)->groups;
    if (c % groups)
        return vn_node_fail(n, e, VN_E_INPUT, "%lld channels are no multiple of %lld groups", (long long)c, (long long)groups);
    return VN_OK;
}

static struct normal params(const struct node *n)
{
    const struct group_attrs *a = n->attrs;
    const struct vn_shape *s = &n->in[0]->shape;
    struct normal p = { s->d[0] * a->groups, 0, a->epsilon, 1, { { 0 } } };
    p.count = p.outer ? vn_shape_count(s) / p.outer : 0;
    vn_normal_strides(n, &p, 1);
    return p;
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    const struct normal p = params(n);
    vn_eval_normal(n, ev, &p, NULL, NULL);
    return VN_OK;
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    const struct normal p = params(n);
    return vn_low_normal(n, l, &p, e);
}

const struct op_def vn_op_groupnormalization = {
    .name = "groupnormalization", .onnx = "GroupNormalization", .min_in = 3, .max_in = 3,
    .attrs = specs, .attrs_size = sizeof(struct group_attrs),
    .infer = infer, .eval = eval, .lower = lower,
};
