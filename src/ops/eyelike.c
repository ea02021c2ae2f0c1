/* ops/eyelike.c - a matrix of the input's shape with ones on a diagonal. */
#include "ops/lower.h"

struct attrs {
    int64_t dtype, k;
};

static const struct attr_spec specs[] = {
    A_INT(struct attrs, dtype, "dtype", 0, 0, 64),
    A_INT(struct attrs, k, "k", 0, -INT32_MAX, INT32_MAX),
    A_END,
};

static int infer(struct node *n, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    TRY(vn_infer_begin(n, e));
    if (n->in[0]->shape.rank != 2)
        return vn_node_fail(n, e, VN_E_INPUT, "the input has %d dimensions, expected 2",
                            n->in[0]->shape.rank);
    if (a->dtype && !vn_dtype_size((enum vn_dtype)a->dtype))
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "ONNX element type %lld", (long long)a->dtype);
    return vn_infer_out(n, 0, a->dtype ? (enum vn_dtype)a->dtype : n->in[0]->dtype, &n->in[0]->shape, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    const struct vn_shape *s = &ev->out[0]->shape;
    for (int64_t i = 0; i < s->d[0]; i++)
        for (int64_t j = 0; j < s->d[1]; j++)
            if (ev->out[0]->dtype == VN_I64)
                vn_i64(ev->out[0])[i * s->d[1] + j] = j - i == ((const struct attrs *)n->attrs)->k;
            else
                vn_f64(ev->out[0])[i * s->d[1] + j] = j - i == ((const struct attrs *)n->attrs)->k;
    return VN_OK;
}

const struct op_def vn_op_eyelike = {
    .name = "eyelike",
    .onnx = "EyeLike",
    .min_in = 1,
    .max_in = 1,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .eval = eval,
    .lower = vn_low_none,
    .reads_shape = 1,
};
