/* ops/quantizelinear.c - real numbers to integers of a scale and a zero point. */
#include "ops/quantizers.h"

static const struct attr_spec specs[] = {
    QUANTIZER_ATTRS,
    A_INT(struct quantizer_attrs, saturate, "saturate", 1, 0, 1),
    A_INT(struct quantizer_attrs, precision, "precision", 0, 0, 64),
    A_END,
};

static enum vn_dtype whole_of(const struct node *n)
{
    const int64_t output = ((const struct quantizer_attrs *)n->attrs)->output;
    return vn_node_has(n, 2) ? n->in[2]->dtype : output ? (enum vn_dtype)output : VN_U8;
}

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    TRY(vn_infer_float(n, 0, e));
    TRY(vn_quantizer_check(n, whole_of(n), e));
    return vn_infer_out(n, 0, whole_of(n), &n->in[0]->shape, e);
}

static void call(const struct node *n, struct portable_params *p) { vn_quantizer_call(n, p, 0, whole_of(n)); }

const struct op_def vn_op_quantizelinear = {
    .name = "quantizelinear",
    .onnx = "QuantizeLinear",
    .min_in = 2,
    .max_in = 3,
    .attrs = specs,
    .attrs_size = sizeof(struct quantizer_attrs),
    .infer = infer,
    .eval = vn_eval_portable,
    .lower = vn_low_portable,
    .portable = call,
    .elements = ELEMENTS_CONVERTED,
};
