/* ops/constantofshape.c - a tensor of the given shape, filled with one number. */
#include "ops/lower.h"

struct attrs {
    const struct vn_tensor *value; /* one element; NULL: float32 0 */
};
static const struct attr_spec specs[] = { A_TENSOR(struct attrs, value, "value"), A_END };

static int infer(struct node *n, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    struct vn_shape s = { 0 };
    TRY(vn_infer_begin(n, e));
    s.rank = vn_node_list(n, 0, "the shape", s.d, VN_MAX_RANK, e);
    TRY(s.rank);
    for (int d = 0; d < s.rank; d++)
        if (s.d[d] < 0)
            return vn_node_fail(n, e, VN_E_INPUT, "dimension %d of the shape is %lld", d, (long long)s.d[d]);
    if (a->value && vn_shape_count(&a->value->shape) != 1)
        return vn_node_fail(n, e, VN_E_INPUT, "value must have one element");
    return vn_infer_out(n, 0, a->value ? a->value->dtype : VN_F32, &s, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    const struct attrs *a = n->attrs;
    struct vn_tensor *y = ev->out[0];
    int64_t count = vn_shape_count(&y->shape);
    for (int64_t i = 0; a->value && i < count; i++) {
        if (y->dtype == VN_F64)
            vn_f64(y)[i] = vn_tensor_f64(a->value, 0);
        else
            vn_i64(y)[i] = vn_tensor_i64(a->value, 0);
    }
    return VN_OK;
}

const struct op_def vn_op_constantofshape = {
    .name = "constantofshape",
    .onnx = "ConstantOfShape",
    .min_in = 1,
    .max_in = 1,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .eval = eval,
    .lower = vn_low_none,
};
