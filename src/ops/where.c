/* ops/where.c - x where the condition holds, else y; with broadcasting. */
#include "ops/portable_op.h"
#include "ops/where.h"

static const struct attr_spec specs[] = { A_END };

static int check_same(const struct node *n, struct vn_err *e)
{
    const struct vn_shape *x = &n->in[1]->shape, *y = &n->in[2]->shape;
    char text[2][VN_SHAPE_TEXT];
    if (!((const struct where_attrs *)n->attrs)->same_shape || vn_shape_equal(x, y))
        return VN_OK;
    return vn_because(e, REASON_condition,
                      vn_node_fail(n, e, VN_E_UNSUPPORTED,
                                   "the condition (%s) is computed at run time, and the branches give "
                                   "results of different shapes: %s and %s",
                                   n->in[0]->name, vn_shape_text(x, text[0]), vn_shape_text(y, text[1])));
}

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    struct vn_shape s = n->in[1]->shape, left;
    if (n->in[0]->dtype != VN_BOOL)
        return vn_node_fail(n, e, VN_E_INPUT, "condition %s is %s, expected bool", n->in[0]->name,
                            vn_dtype_name(n->in[0]->dtype));
    if (n->in[1]->dtype != n->in[2]->dtype)
        return vn_node_fail(n, e, VN_E_INPUT, "%s is %s, %s is %s", n->in[1]->name,
                            vn_dtype_name(n->in[1]->dtype), n->in[2]->name, vn_dtype_name(n->in[2]->dtype));
    TRY(check_same(n, e));
    for (int i = 0; i < 3; i += 2) {
        left = s;
        if (vn_shape_broadcast(&s, &left, &n->in[i]->shape, e) < 0)
            return vn_because(e, REASON_misfit, e ? vn_fail_at(e, "%s", n->name) : VN_E_INPUT);
    }
    return vn_infer_out(n, 0, n->in[1]->dtype, &s, e);
}

static void call(const struct node *n, struct portable_params *p) { (void)n, p->id = VN_PORTABLE_where; }

const struct op_def vn_op_where = {
    .name = "where",
    .onnx = "Where",
    .min_in = 3,
    .max_in = 3,
    .attrs = specs,
    .attrs_size = sizeof(struct where_attrs),
    .infer = infer,
    .eval = vn_eval_portable,
    .lower = vn_low_portable,
    .portable = call,
    .chooses = 2,
};
