/* ops/dynamicquantizelinear.c - real numbers to uint8, with the scale and zero point of their own range (0
 * included). */
#include "ops/compose.h"

static int infer(struct node *n, struct vn_err *e)
{
    const struct vn_shape scalar = { 0 };
    TRY(vn_infer_begin(n, e));
    TRY(vn_infer_float(n, 0, e));
    TRY(vn_infer_out(n, 0, VN_U8, &n->in[0]->shape, e));
    TRY(vn_infer_out(n, 1, VN_F32, &scalar, e));
    return vn_infer_out(n, 2, VN_U8, &scalar, e);
}

struct reduce_attrs {
    int64_t keepdims, noop;
};

/* The largest or smallest element, or 0 where that is beyond. */
static struct value *end(struct graph *g, const struct node *n, const char *reduce, const char *join)
{
    struct value *x = n->in[0], *zero = vn_expand_number(g, n, "zero", VN_F32, 0);
    struct node *r = vn_expand(g, n, reduce, 1, &x, NULL, NULL);
    ((struct reduce_attrs *)r->attrs)->keepdims = 0;
    return vn_expand2(g, n, join, r->out[0], zero, NULL);
}

static int expand(struct graph *g, const struct node *n, struct vn_err *e)
{
    (void)e;
    struct value *most = end(g, n, "ReduceMax", "Max"), *least = end(g, n, "ReduceMin", "Min");
    struct value *range = vn_expand2(g, n, "Sub", most, least, NULL),
                 *all = vn_expand_number(g, n, "steps", VN_F32, 255);
    struct value *raw = vn_expand2(g, n, "Div", range, all, NULL),
                 *none = vn_expand_number(g, n, "none", VN_F32, 0);
    /* a range of nothing: any scale does */
    struct value *const choice[3] = { vn_expand2(g, n, "Equal", raw, none, NULL),
                                      vn_expand_number(g, n, "one", VN_F32, 1), raw };
    struct value *scale = vn_expand(g, n, "Where", 3, choice, n->out[1], NULL)->out[0];
    struct value *first = vn_expand2(g, n, "Div", vn_expand1(g, n, "Neg", least, NULL), scale, NULL);
    struct value *const clip[3] = { vn_expand1(g, n, "Round", first, NULL),
                                    vn_expand_number(g, n, "low", VN_F32, 0),
                                    vn_expand_number(g, n, "high", VN_F32, 255) };
    struct value *zero =
        vn_expand_cast(g, n, vn_expand(g, n, "Clip", 3, clip, NULL, NULL)->out[0], VN_U8, n->out[2]);
    struct value *const q[3] = { n->in[0], scale, zero };
    vn_expand(g, n, "QuantizeLinear", 3, q, n->out[0], NULL);
    return VN_OK;
}

const struct op_def vn_op_dynamicquantizelinear = {
    .name = "dynamicquantizelinear",
    .onnx = "DynamicQuantizeLinear",
    .min_in = 1,
    .max_in = 1,
    .min_out = 3,
    .max_out = 3,
    .infer = infer,
    .expand = expand,
};
