/* ops/scatterelements.c - x with elements, named along an axis, replaced or joined with updates. */
#include "ops/portable_op.h"

struct attrs {
    int64_t axis;
    int mode;
};

static const char *const modes[VN_SCATTER_COUNT + 1] = { [VN_SCATTER_NONE] = "none",
                                                         [VN_SCATTER_ADD] = "add",
                                                         [VN_SCATTER_MUL] = "mul",
                                                         [VN_SCATTER_MAX] = "max",
                                                         [VN_SCATTER_MIN] = "min" };
static const struct attr_spec specs[] = {
    A_INT(struct attrs, axis, "axis", 0, -VN_MAX_RANK, VN_MAX_RANK),
    A_ENUM(struct attrs, mode, "reduction", 0, modes),
    A_END,
};

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_same(n, e));
    const struct vn_shape *x = &n->in[0]->shape, *k = &n->in[1]->shape;
    const int axis = vn_shape_axis(x, ((const struct attrs *)n->attrs)->axis);
    if (axis < 0 || x->rank != k->rank || !vn_shape_equal(k, &n->in[2]->shape) ||
        n->in[2]->dtype != n->in[0]->dtype)
        return vn_node_fail(n, e, VN_E_INPUT, "axis, indices and updates do not match the input");
    for (int d = 0; d < x->rank; d++)
        if (d != axis && k->d[d] > x->d[d])
            return vn_node_fail(n, e, VN_E_INPUT, "the indices have %lld along axis %d, the input %lld",
                                (long long)k->d[d], d, (long long)x->d[d]);
    return VN_OK;
}

static void call(const struct node *n, struct portable_params *p)
{
    const struct attrs *a = n->attrs;
    *p = (struct portable_params){ .id = VN_PORTABLE_scatter_elements,
                                   .i = { vn_shape_axis(&n->in[0]->shape, a->axis), a->mode } };
}

const struct op_def vn_op_scatterelements = {
    .name = "scatterelements",
    .onnx = "ScatterElements",
    .min_in = 3,
    .max_in = 3,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .eval = vn_eval_portable,
    .lower = vn_low_portable,
    .portable = call,
};
