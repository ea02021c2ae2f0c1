/* ops/dequantizelinear.c - integers of a scale and a zero point to real numbers. */
#include "ops/quantizers.h"

static const struct attr_spec specs[] = { QUANTIZER_ATTRS, A_END };

static int infer(struct node *n, struct vn_err *e)
{
    const int64_t output = ((const struct quantizer_attrs *)n->attrs)->output;
    TRY(vn_infer_begin(n, e));
    TRY(vn_quantizer_check(n, n->in[0]->dtype, e));
    return vn_infer_out(n, 0, output ? (enum vn_dtype)output : n->in[1]->dtype, &n->in[0]->shape, e);
}

static void call(const struct node *n, struct portable_params *p)
{
    vn_quantizer_call(n, p, 1, n->in[0]->dtype);
}

const struct op_def vn_op_dequantizelinear = {
    .name = "dequantizelinear",
    .onnx = "DequantizeLinear",
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
