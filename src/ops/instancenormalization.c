/* ops/instancenormalization.c - each channel of each picture brought to mean 0 and variance 1, scaled and shifted. */
#include "ops/normal.h"

static const struct attr_spec specs[] = {
    A_FLOAT(struct instance_attrs, epsilon, "epsilon", 1e-5),
    A_END,
};

static struct normal params(const struct node *n)
{
    const struct instance_attrs *a = n->attrs;
    const struct vn_shape *s = &n->in[0]->shape;
    struct normal p = { s->d[0] * s->d[1], 0, a->epsilon, 1, { { 0 } } };
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

const struct op_def vn_op_instancenormalization = {
    .name = "instancenormalization", .onnx = "InstanceNormalization", .min_in = 3, .max_in = 3,
    .attrs = specs, .attrs_size = sizeof(struct instance_attrs),
    .infer = vn_infer_channels, .eval = eval, .lower = lower,
};
