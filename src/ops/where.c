/* ops/where.c - x where the condition holds, else y; with broadcasting. */
#include "ops/portable_op.h"

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    struct vn_shape s = n->in[1]->shape, left;
    if (n->in[0]->dtype != VN_BOOL)
        return vn_node_fail(n, e, VN_E_INPUT, "condition %s is %s, expected bool", n->in[0]->name,
                            vn_dtype_name(n->in[0]->dtype));
    if (n->in[1]->dtype != n->in[2]->dtype)
        return vn_node_fail(n, e, VN_E_INPUT, "%s is %s, %s is %s", n->in[1]->name, vn_dtype_name(n->in[1]->dtype), n->in[2]->name,
                            vn_dtype_name(n->in[2]->dtype));
    for (int i = 0; i < 3; i += 2) {
        left = s;
        if (vn_shape_broadcast(&s, &left, &n->in[i]->shape, e) < 0)
            return vn_because(e, REASON_misfit, e ? vn_fail_at(e, "%s", n->name) : VN_E_INPUT);
    }
    return vn_infer_out(n, 0, n->in[1]->dtype, &s, e);
}

static void call(const struct node *n, struct portable_params *p) { (void)n, p->id = VN_PORTABLE_where; }

const struct op_def vn_op_where = {
    .name = "where", .onnx = "Where", .min_in = 3, .max_in = 3,
    .infer = infer, .eval = vn_eval_portable, .lower = vn_low_portable, .portable = call,
    .chooses = 2,
};
