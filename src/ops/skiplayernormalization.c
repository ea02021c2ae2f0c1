/* ops/skiplayernormalization.c - ONNX Runtime's LayerNormalization of a sum: input + skip (+ bias). */
#include "ops/compose.h"
#include "ops/normal.h"

struct attrs {
    float epsilon;
};
static const struct attr_spec specs[] = { A_FLOAT(struct attrs, epsilon, "epsilon", 1e-5), A_END };

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_same_float(n, e));
    const struct vn_shape *x = &n->in[0]->shape;
    struct vn_shape s = *x;
    if (!x->rank)
        return vn_node_fail(n, e, VN_E_INPUT, "the input is a scalar");
    s.d[x->rank - 1] = 1;
    TRY(vn_infer_out(n, 1, VN_F32, &s, e));
    TRY(vn_infer_out(n, 2, VN_F32, &s, e));
    return vn_infer_out(n, 3, n->in[0]->dtype, x, e);
}

static int expand(struct graph *g, const struct node *n, struct vn_err *e)
{
    const int has_bias = vn_node_has(n, 4), gives_sum = n->n_out > 3 && n->out[3];
    struct value *sum =
        vn_expand2(g, n, "Add", n->in[0], n->in[1], gives_sum && !has_bias ? n->out[3] : NULL);
    if (has_bias)
        sum = vn_expand2(g, n, "Add", sum, n->in[4], gives_sum ? n->out[3] : NULL);
    struct value *const in[3] = { sum, n->in[2], vn_node_has(n, 3) ? n->in[3] : NULL };
    struct node *normal = vn_expand(g, n, "LayerNormalization", in[2] ? 3 : 2, in, n->out[0], e);
    if (!normal)
        return VN_E_INTERNAL;
    ((struct trailing_attrs *)normal->attrs)->epsilon = ((const struct attrs *)n->attrs)->epsilon;
    if (n->n_out > 1 && (n->out[1] || (n->n_out > 2 && n->out[2])))
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "mean and inv_std_var as outputs");
    return VN_OK;
}

const struct op_def vn_op_skiplayernormalization = {
    .name = "skiplayernormalization",
    .onnx = "SkipLayerNormalization",
    .domain = "com.microsoft",
    .min_in = 3,
    .max_in = 5,
    .min_out = 1,
    .max_out = 4,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .expand = expand,
};
