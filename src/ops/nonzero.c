/* ops/nonzero.c - the coordinates of all elements that are not zero; of a constant only, for the shape depends on them. */
#include "ops/lower.h"

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    const struct value *x = n->in[0];
    if (!x->data)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "%s is computed at run time; how many of its elements are zero is not known", x->name);
    struct vn_shape s = { .rank = 2, .d = { x->shape.rank, 0 } };
    for (int64_t i = 0; i < vn_shape_count(&x->shape); i++)
        s.d[1] += vn_tensor_f64(x->data, i) != 0;
    return vn_infer_out(n, 0, VN_I64, &s, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)n, (void)e;
    const struct vn_tensor *x = ev->in[0];
    const int64_t count = vn_shape_count(&x->shape), found = ev->out[0]->shape.d[1];
    int64_t idx[VN_MAX_RANK] = { 0 }, k = 0;
    for (int64_t i = 0; k < found && i < count; i++, vn_index_next(idx, &x->shape)) {
        if (x->dtype == VN_I64 ? !vn_i64(x)[i] : vn_f64(x)[i] == 0)
            continue;
        for (int d = 0; d < x->shape.rank; d++)
            vn_i64(ev->out[0])[d * found + k] = idx[d];
        k++;
    }
    return VN_OK;
}

const struct op_def vn_op_nonzero = {
    .name = "nonzero", .onnx = "NonZero", .min_in = 1, .max_in = 1,
    .infer = infer, .eval = eval, .lower = vn_low_none,
};
