/* ops/if.c - one of two subgraphs, by a condition that is known once constants are folded. */
#include "ops/op.h"

struct attrs {
    const struct branch *then_branch, *else_branch;
};
static const struct attr_spec specs[] = {
    { .onnx = "then_branch", .kind = ATTR_BRANCH, .offset = offsetof(struct attrs, then_branch), .required = 1 },
    { .onnx = "else_branch", .kind = ATTR_BRANCH, .offset = offsetof(struct attrs, else_branch), .required = 1 },
    A_END,
};

static int infer(struct node *n, struct vn_err *e)
{
    if (!n->in[0]->data || vn_shape_count(&n->in[0]->data->shape) != 1)
        return vn_because(e, REASON_condition,
                          vn_node_fail(n, e, VN_E_UNSUPPORTED, "the condition (%s) is computed at run time",
                                       n->in[0]->name));
    return VN_OK;
}

static int expand(struct graph *g, const struct node *n, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    const struct branch *b = vn_tensor_i64(n->in[0]->data, 0) ? a->then_branch : a->else_branch;
    return b->import(g, n, b, e);
}

const struct op_def vn_op_if = {
    .name = "if", .onnx = "If", .min_in = 1, .max_in = -1, .min_out = 1, .max_out = -1,
    .attrs = specs, .attrs_size = sizeof(struct attrs),
    .infer = infer, .expand = expand,
};
