/* ops/meanvariancenormalization.c - mean 0 and variance 1 over a set of axes. */
#include "ops/portable_op.h"

struct attrs {
    struct ints axes;
};
static const struct attr_spec specs[] = { A_INTS(struct attrs, axes, "axes", -VN_MAX_RANK, VN_MAX_RANK),
                                          A_END };

/* The axes as a mask; the default is all but channels. Negative: one is outside of the input. */
static int mask_of(const struct node *n)
{
    const struct attrs *a = n->attrs;
    int mask = 0;
    for (int i = 0; i < (a->axes.n ? a->axes.n : 3); i++) {
        const int axis = vn_shape_axis(&n->in[0]->shape, a->axes.n ? a->axes.v[i] : i ? i + 1 : 0);
        if (axis < 0)
            return -1;
        mask |= 1 << axis;
    }
    return mask;
}

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_same_float(n, e));
    if (mask_of(n) < 0)
        return vn_node_fail(n, e, VN_E_INPUT, "axes are out of range for an input of %d dimensions",
                            n->in[0]->shape.rank);
    return VN_OK;
}

static void call(const struct node *n, struct portable_params *p)
{
    *p = (struct portable_params){ .id = VN_PORTABLE_mean_variance, .i = { mask_of(n) }, .f = { 1e-9f } };
}

const struct op_def vn_op_meanvariancenormalization = {
    .name = "meanvariancenormalization",
    .onnx = "MeanVarianceNormalization",
    .min_in = 1,
    .max_in = 1,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .eval = vn_eval_portable,
    .lower = vn_low_portable,
    .portable = call,
};
