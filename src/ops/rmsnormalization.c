/* ops/rmsnormalization.c - the trailing axes divided by the root of their mean square, and scaled. */
#include "ops/normal.h"

struct attrs {
    int64_t axis, stash;
    float epsilon;
};

static const struct attr_spec specs[] = {
    A_INT(struct attrs, axis, "axis", -1, -VN_MAX_RANK, VN_MAX_RANK),
    A_INT(struct attrs, stash, "stash_type", 1, 0, 64),
    A_FLOAT(struct attrs, epsilon, "epsilon", 1e-5),
    A_END,
};

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_same_float(n, e));
    struct vn_shape s = n->in[0]->shape, wide;
    const int axis = vn_shape_axis(&s, ((const struct attrs *)n->attrs)->axis);
    if (axis < 0)
        return vn_node_fail(n, e, VN_E_INPUT, "axis is outside of the input's %d dimensions", s.rank);
    for (int i = 1; i < n->n_in; i++)
        if (n->in[i] && (vn_shape_broadcast(&wide, &s, &n->in[i]->shape, NULL) < 0 || !vn_shape_equal(&wide, &s)))
            return vn_node_fail(n, e, VN_E_INPUT, "%s does not broadcast to the input", n->in[i]->name);
    for (int d = axis; d < s.rank; d++)
        s.d[d] = 1;
    for (int i = 1; i < n->n_out; i++)
        TRY(vn_infer_out(n, i, n->in[0]->dtype, &s, e));
    return VN_OK;
}

static struct normal params(const struct node *n)
{
    const struct attrs *a = n->attrs;
    const struct vn_shape *s = &n->in[0]->shape;
    struct normal p = { 1, 1, a->epsilon, 0, { { 0 } } };
    const int axis = vn_shape_axis(s, a->axis);
    for (int d = 0; d < s->rank; d++)
        *(d < axis ? &p.outer : &p.count) *= s->d[d];
    vn_normal_strides(n, &p, 0);
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

const struct op_def vn_op_rmsnormalization = {
    .name = "rmsnormalization", .onnx = "RMSNormalization", .min_in = 2, .max_in = 2, .min_out = 1, .max_out = 1,
    .attrs = specs, .attrs_size = sizeof(struct attrs),
    .infer = infer, .eval = eval, .lower = lower,
};
