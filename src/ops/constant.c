/* ops/constant.c - a tensor, a number or a list as an attribute. */
#include <math.h>

#include "ops/lower.h"

#define ABSENT INT64_MIN /* value_int's default: the attribute is not there */

struct attrs {
    const struct vn_tensor *value;
    int64_t value_int;
    struct ints value_ints;
    float value_float;
    struct floats value_floats;
};
static const struct attr_spec specs[] = {
    A_TENSOR(struct attrs, value, "value"),
    A_INT(struct attrs, value_int, "value_int", (double)ABSENT, INT64_MIN, INT64_MAX),
    A_INTS(struct attrs, value_ints, "value_ints", INT64_MIN, INT64_MAX),
    A_FLOAT(struct attrs, value_float, "value_float", NAN),
    A_FLOATS(struct attrs, value_floats, "value_floats"),
    A_END,
};

static int infer(struct node *n, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    struct vn_shape scalar = { 0 }, list = { .rank = 1 };
    TRY(vn_infer_begin(n, e));
    if (a->value)
        return vn_infer_out(n, 0, a->value->dtype, &a->value->shape, e);
    if (a->value_int != ABSENT)
        return vn_infer_out(n, 0, VN_I64, &scalar, e);
    if (!isnan(a->value_float))
        return vn_infer_out(n, 0, VN_F32, &scalar, e);
    list.d[0] = a->value_floats.n ? a->value_floats.n : a->value_ints.n;
    if (!a->value_floats.n && !a->value_ints.v)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "Constant has no value of a supported type");
    return vn_infer_out(n, 0, a->value_floats.n ? VN_F32 : VN_I64, &list, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    const struct attrs *a = n->attrs;
    struct vn_tensor *y = ev->out[0];
    int64_t count = vn_shape_count(&y->shape);
    for (int64_t i = 0; i < count; i++) {
        if (a->value && y->dtype == VN_F64)
            vn_f64(y)[i] = vn_tensor_f64(a->value, i);
        else if (a->value)
            vn_i64(y)[i] = vn_tensor_i64(a->value, i);
        else if (y->dtype == VN_F64)
            vn_f64(y)[i] = a->value_floats.n ? a->value_floats.v[i] : a->value_float;
        else
            vn_i64(y)[i] = a->value_int != ABSENT ? a->value_int : a->value_ints.v[i];
    }
    return VN_OK;
}

const struct op_def vn_op_constant = {
    .name = "constant",
    .onnx = "Constant",
    .min_in = 0,
    .max_in = 0,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .eval = eval,
    .lower = vn_low_none,
};
