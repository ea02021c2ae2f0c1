/* ops/where.c - x where the condition holds, else y; with broadcasting. */
#include "ops/lower.h"

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    struct vn_shape s = n->in[1]->shape, left;
    if (n->in[0]->dtype != VN_BOOL)
        return vn_node_fail(n, e, VN_E_INPUT, "condition %s is %s, not bool", n->in[0]->name, vn_dtype_name(n->in[0]->dtype));
    if (n->in[1]->dtype != n->in[2]->dtype)
        return vn_node_fail(n, e, VN_E_INPUT, "%s is %s, %s is %s", n->in[1]->name, vn_dtype_name(n->in[1]->dtype), n->in[2]->name,
                            vn_dtype_name(n->in[2]->dtype));
    for (int i = 0; i < 3; i += 2) {
        left = s;
        if (vn_shape_broadcast(&s, &left, &n->in[i]->shape, e) < 0)
            return e ? vn_fail_at(e, "%s", n->name) : VN_E_INPUT;
    }
    return vn_infer_out(n, 0, n->in[1]->dtype, &s, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)n, (void)e;
    const struct vn_shape *s = &ev->out[0]->shape;
    const int64_t count = vn_shape_count(s);
    int64_t stride[3][VN_MAX_RANK], idx[VN_MAX_RANK] = { 0 };
    for (int k = 0; k < 3; k++)
        vn_broadcast_strides(stride[k], &ev->in[k]->shape, s);
    for (int64_t i = 0; i < count; i++, vn_index_next(idx, s)) {
        int64_t at[3] = { 0 };
        for (int k = 0; k < 3; k++)
            for (int d = 0; d < s->rank; d++)
                at[k] += idx[d] * stride[k][d];
        const int k = vn_i64(ev->in[0])[at[0]] ? 1 : 2;
        ((uint64_t *)ev->out[0]->data)[i] = ((const uint64_t *)ev->in[k]->data)[at[k]];
    }
    return VN_OK;
}

const struct op_def vn_op_where = {
    .name = "where", .onnx = "Where", .min_in = 3, .max_in = 3,
    .infer = infer, .eval = eval, .lower = vn_low_reference,
};
