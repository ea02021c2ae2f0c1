/* ops/hardmax.c - 1 at the first largest element along one axis, else 0. */
#include "ops/portable_op.h"
#include "ops/lines.h"

struct attrs {
    int64_t axis;
};

static const struct attr_spec specs[] = {
    A_INT(struct attrs, axis, "axis", -1, -VN_MAX_RANK, VN_MAX_RANK),
    A_END,
};

static int infer(struct node *n, struct vn_err *e)
{
    return vn_infer_lines(n, ((const struct attrs *)n->attrs)->axis, e);
}

static void call(const struct node *n, struct portable_params *p)
{
    const struct attrs *a = n->attrs;
    *p = (struct portable_params){ .id = VN_PORTABLE_hardmax,
                                   .i = { vn_shape_axis(&n->in[0]->shape, a->axis) } };
}

const struct op_def vn_op_hardmax = {
    .name = "hardmax",
    .onnx = "Hardmax",
    .min_in = 1,
    .max_in = 1,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .eval = vn_eval_portable,
    .lower = vn_low_portable,
    .portable = call,
    .over_classes = 1,
};
