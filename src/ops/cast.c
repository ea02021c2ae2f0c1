/* ops/cast.c - another element type; floats to integers truncate toward zero. */
#include "ops/portable_op.h"

static const struct attr_spec specs[] = {
    { .onnx = "to",
      .kind = ATTR_INT,
      .offset = offsetof(struct cast_attrs, to),
      .min = 0,
      .max = 64,
      .required = 1 },
    A_INT(struct cast_attrs, saturate, "saturate", 1, 0, 1),
    A_END,
};

static int infer(struct node *n, struct vn_err *e)
{
    const struct cast_attrs *a = n->attrs;
    TRY(vn_infer_begin(n, e));
    if (!vn_dtype_size((enum vn_dtype)a->to))
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "Cast to ONNX element type %lld", (long long)a->to);
    return vn_infer_out(n, 0, (enum vn_dtype)a->to, &n->in[0]->shape, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    enum vn_dtype from = n->in[0]->dtype, to = n->out[0]->dtype;
    const struct vn_tensor *x = ev->in[0];
    struct vn_tensor *y = ev->out[0];
    int64_t count = vn_shape_count(&x->shape);
    if (from == to)
        return vn_eval_copy(n, ev, e);
    if (to == VN_BOOL) {
        for (int64_t i = 0; i < count; i++)
            vn_i64(y)[i] = x->dtype == VN_F64 ? vn_f64(x)[i] != 0 : vn_i64(x)[i] != 0;
        return VN_OK;
    }
    const struct vn_tensor *narrow = vn_tensor_cast(ev->arena, x, to);
    const struct vn_tensor *wide = vn_tensor_cast(ev->arena, narrow, y->dtype);
    memcpy(y->data, wide->data, vn_tensor_bytes(y));
    return VN_OK;
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    const enum vn_dtype to = n->out[0]->dtype;
    const int same = n->in[0]->dtype == to || (vn_dtype_is_float(to) && to != VN_F16 && to != VN_BF16 &&
                                               vn_dtype_is_float(n->in[0]->dtype));
    if (same && !n->in[0]->bounded)
        return vn_low_reshape(n, l, e);
    const int x = vn_low_in(l, 0, PLAIN);
    return vn_low_cast(l, x, vn_low_out(l, PLAIN), to == VN_F64 ? VN_F32 : to, e);
}

const struct op_def vn_op_cast = {
    .name = "cast",
    .onnx = "Cast",
    .min_in = 1,
    .max_in = 1,
    .attrs = specs,
    .attrs_size = sizeof(struct cast_attrs),
    .infer = infer,
    .eval = eval,
    .lower = lower,
    .reads_bounded = 1,
    .elements = ELEMENTS_CONVERTED,
};
