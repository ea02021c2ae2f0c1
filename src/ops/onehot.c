/* ops/onehot.c - indices become rows with one element on and the others off. */
#include "ops/portable_op.h"

static const struct attr_spec specs[] = {
    A_INT(struct axis_attrs, axis, "axis", -1, -VN_MAX_RANK - 1, VN_MAX_RANK), A_END
};

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    const struct vn_shape *x = &n->in[0]->shape;
    struct vn_shape s = { .rank = x->rank + 1 };
    if (!n->in[1]->data || vn_shape_count(&n->in[1]->shape) != 1)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "depth (%s) must be a constant scalar", n->in[1]->name);
    if (vn_shape_count(&n->in[2]->shape) != 2)
        return vn_node_fail(n, e, VN_E_INPUT, "values (%s) must have two elements: off and on",
                            n->in[2]->name);
    const int64_t depth = vn_tensor_i64(n->in[1]->data, 0);
    const int axis =
        s.rank > VN_MAX_RANK ? -1 : vn_shape_axis(&s, ((const struct axis_attrs *)n->attrs)->axis);
    if (axis < 0 || depth < 0)
        return vn_node_fail(n, e, VN_E_INPUT, "axis or depth does not match the indices");
    for (int d = 0, k = 0; d < s.rank; d++)
        s.d[d] = d == axis ? depth : x->d[k++];
    return vn_infer_out(n, 0, n->in[2]->dtype, &s, e);
}

static int axis_of(const struct node *n)
{
    return vn_shape_axis(&n->out[0]->shape, ((const struct axis_attrs *)n->attrs)->axis);
}

/* Without the depth, which is the output's extent. */
static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    const struct portable_params p = { .id = VN_PORTABLE_onehot, .i = { axis_of(n) } };
    const struct vn_tensor *const in[2] = { ev->in[0], ev->in[2] };
    return vn_portable_eval(n, &p, ev->arena, 2, in, ev->out[0], e);
}

/* The constants off and on, quantized: the indices are integers already. */
static enum q_kind quant_kind(const struct node *n)
{
    const int fits = n->in[2]->data && n->in[2]->dtype == VN_F32 && !vn_dtype_is_float(n->in[0]->dtype);
    return fits ? Q_OWN : Q_FLOAT;
}

static int qeval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    struct vn_tensor *real = vn_tensor_new(ev->arena, VN_F64, &n->out[0]->shape);
    const struct eval reals = { ev->arena, ev->in, &real };
    TRY(eval(n, &reals, e));
    memcpy(ev->out[0]->data, vn_q_cells(ev->arena, real, n->out[0]->q)->data, vn_tensor_bytes(ev->out[0]));
    return VN_OK;
}

static int values(const struct node *n, struct lowering *l)
{
    const struct qparam *q = n->out[0]->q;
    int8_t s8[2];
    int16_t s16[2];
    for (int i = 0; i < 2; i++) {
        s16[i] = (int16_t)vn_q_one(q, 0, vn_tensor_f64(n->in[2]->data, i));
        s8[i] = (int8_t)s16[i];
    }
    return vn_low_const(l, q->dtype, 2, q->dtype == VN_I8 ? (const void *)s8 : s16);
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    const struct portable_params p = { .id = VN_PORTABLE_onehot, .i = { axis_of(n) } };
    const int in[2] = { vn_low_in(l, 0, PLAIN), l->integer ? values(n, l) : vn_low_in(l, 2, PLAIN) };
    return vn_portable_emit(l, &p, 2, in, vn_low_out(l, PLAIN), e);
}

const struct op_def vn_op_onehot = {
    .name = "onehot",
    .onnx = "OneHot",
    .min_in = 3,
    .max_in = 3,
    .attrs = specs,
    .attrs_size = sizeof(struct axis_attrs),
    .infer = infer,
    .eval = eval,
    .qeval = qeval,
    .lower = lower,
    .quant = { .kind = Q_OWN, .data_inputs = -1 },
    .quant_kind = quant_kind,
    .any_width = 1,
};
