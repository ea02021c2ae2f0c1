#include "front/caffe/layer.h"

struct params {
    int64_t outputs, bias, axis, transpose;
};
static const struct text_field fields[] = {
    T_INT(struct params, outputs, "num_output", 0, 1, INT32_MAX),
    T_BOOL(struct params, bias, "bias_term", 1),
    T_INT(struct params, axis, "axis", 1, -VN_MAX_RANK, VN_MAX_RANK),
    T_BOOL(struct params, transpose, "transpose", 0),
    T_ANY("weight_filler"),
    T_ANY("bias_filler"),
    T_END,
};
static const struct text_message params = { sizeof(struct params), fields };

/* Everything from `axis` on is one vector. */
static void build(struct caffe_builder *b)
{
    const struct params *p = b->params;
    const int rank = vn_caffe_rank(b, 0), axis = vn_caffe_axis(b, "axis", p->axis, rank);
    const int64_t rows = vn_caffe_count(b, 0, 0, axis), k = vn_caffe_count(b, 0, axis, rank), n = p->outputs;
    if (!n)
        vn_caffe_fail(b, VN_E_INPUT, "num_output is missing");
    struct value *x = b->in[0], *w = vn_caffe_blob(b, 0, "weight", 2,
                                                   p->transpose ? (int64_t[]){ k, n } : (int64_t[]){ n, k });
    struct value *bias = p->bias ? vn_caffe_blob(b, 1, "bias", 1, &n) : NULL;
    if (axis == 1 && rank > 2)
        x = PUT(b, "Flatten", IN(x), AT_INT("axis", 1));
    else if (rank != 2 || axis != 1)
        x = vn_caffe_reshape(b, x, 2, (int64_t[]){ rows, k });
    x = vn_caffe_put(b, "Gemm", bias ? 3 : 2, (struct value *[]){ x, w, bias },
                     (const struct caffe_attr[]){ AT_INT("transB", !p->transpose), AT_NONE });
    int64_t dims[VN_MAX_RANK + 1];
    memcpy(dims, b->in[0]->shape.d, (size_t)axis * sizeof *dims);
    dims[axis] = n;
    vn_caffe_top(b, 0, axis == 1 ? x : vn_caffe_reshape(b, x, axis + 1, dims));
}

const struct caffe_layer vn_caffe_innerproduct = { .type = "InnerProduct",
                                                   .v1 = "INNER_PRODUCT",
                                                   .v0 = "innerproduct",
                                                   .onnx = "Flatten, Gemm",
                                                   .param = "inner_product_param",
                                                   .params = &params,
                                                   .min_bottom = 1,
                                                   .max_bottom = 1,
                                                   .build = build };
