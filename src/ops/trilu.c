/* ops/trilu.c - matrices with what is below (upper) or above (lower) a diagonal set to zero. */
#include "ops/portable_op.h"

struct attrs {
    int64_t upper;
};

static const struct attr_spec specs[] = { A_INT(struct attrs, upper, "upper", 1, 0, 1), A_END };

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_same(n, e));
    if (n->in[0]->shape.rank < 2)
        return vn_node_fail(n, e, VN_E_INPUT, "the input is not a matrix");
    if (vn_node_has(n, 1) && vn_shape_count(&n->in[1]->shape) != 1)
        return vn_node_fail(n, e, VN_E_INPUT, "the diagonal (%s) must be a scalar", n->in[1]->name);
    return VN_OK;
}

static int is_computed(const struct node *n) { return vn_node_has(n, 1) && !n->in[1]->data; }

static void call(const struct node *n, struct portable_params *p)
{
    int64_t k = vn_node_has(n, 1) && !is_computed(n) ? vn_tensor_i64(n->in[1]->data, 0) : 0;
    k = k > INT32_MAX ? INT32_MAX : k < INT32_MIN ? INT32_MIN : k;
    *p = (struct portable_params){ .id = VN_PORTABLE_trilu,
                                   .i = { (int32_t)((const struct attrs *)n->attrs)->upper, (int32_t)k },
                                   .n_in = 1 + is_computed(n) };
}

const struct op_def vn_op_trilu = {
    .name = "trilu",
    .onnx = "Trilu",
    .min_in = 1,
    .max_in = 2,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .eval = vn_eval_portable,
    .lower = vn_low_portable,
    .portable = call,
};
