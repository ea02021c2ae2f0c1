/* Sums, products and maxima of several bottoms; Scale and Bias, whose second factor may be trained. */
#include "front/caffe/layer.h"

enum { PROD, SUM, MAX };
static const char *const operations[] = { "PROD", "SUM", "MAX", NULL };

struct eltwise_params {
    int64_t operation;
    struct text_floats coeff;
};
static const struct text_field eltwise_fields[] = {
    T_ENUM(struct eltwise_params, operation, "operation", SUM, operations),
    T_FLOATS(struct eltwise_params, coeff, "coeff"),
    T_ANY("stable_prod_grad"),
    T_END,
};
static const struct text_message eltwise = { sizeof(struct eltwise_params), eltwise_fields };

static int check_equal_shapes(struct caffe_builder *b)
{
    char want[VN_SHAPE_TEXT], have[VN_SHAPE_TEXT];
    for (int i = 1; i < b->n_in; i++)
        if (!vn_shape_equal(&b->in[0]->shape, &b->in[i]->shape)) {
            vn_caffe_fail(b, VN_E_INPUT, "bottom %s has shape %s, expected %s as %s has", b->in[i]->name,
                          vn_shape_text(&b->in[i]->shape, have), vn_shape_text(&b->in[0]->shape, want),
                          b->in[0]->name);
            return 0;
        }
    return 1;
}

static void build_eltwise(struct caffe_builder *b)
{
    static const char *const ops[] = { "Mul", "Add", "Max" };
    const struct eltwise_params *p = b->params;
    const double *c = p->coeff.v;
    if (!check_equal_shapes(b))
        return;
    if (p->coeff.n && (p->coeff.n != b->n_in || p->operation != SUM)) {
        vn_caffe_fail(b, VN_E_INPUT,
                      "coeff is given %d times for %d bottoms; expected one per bottom, with SUM", p->coeff.n,
                      b->n_in);
        return;
    }
    struct value *y = p->coeff.n ? vn_caffe_times(b, b->in[0], c[0]) : b->in[0];
    for (int i = 1; i < b->n_in; i++)
        if (p->coeff.n && c[i] == -1)
            y = PUT(b, "Sub", IN(y, b->in[i]), AT_NONE);
        else
            y = PUT(b, ops[p->operation], IN(y, p->coeff.n ? vn_caffe_times(b, b->in[i], c[i]) : b->in[i]),
                    AT_NONE);
    vn_caffe_top(b, 0, y);
}
const struct caffe_layer vn_caffe_eltwise = { .type = "Eltwise",
                                              .v1 = "ELTWISE",
                                              .onnx = "Add, Sub, Mul or Max",
                                              .param = "eltwise_param",
                                              .params = &eltwise,
                                              .min_bottom = 1,
                                              .max_bottom = -1,
                                              .build = build_eltwise };

/* ---- a factor or term along some axes ---- */

struct params {
    int64_t axis, num_axes, bias;
};

/* The trained (blob i) or given (bottom 1) operand, shaped to broadcast over bottom 0. */
static struct value *operand(struct caffe_builder *b, const struct params *p, int from_bottom, int blob,
                             const char *what)
{
    const int rank = vn_caffe_rank(b, 0), axis = vn_caffe_axis(b, "axis", p->axis, rank);
    const struct vn_shape *x = &b->in[0]->shape;
    int64_t as[VN_MAX_RANK];
    const int n = from_bottom ? vn_caffe_rank(b, 1) : p->num_axes < 0 ? rank - axis : (int)p->num_axes;
    if (axis + n > rank) {
        vn_caffe_fail(b, VN_E_INPUT, "axis %d and %d axes from it, the bottom has %d", axis, n, rank);
        return NULL;
    }
    for (int i = axis; i < rank; i++)
        as[i - axis] = i < axis + n ? x->d[i] : 1;
    if (!from_bottom)
        return vn_caffe_blob_as(b, blob, what, n, x->d + axis, rank - axis, as);
    for (int i = 0; i < n; i++)
        if (b->in[1]->shape.d[i] != x->d[axis + i]) {
            vn_caffe_fail(b, VN_E_INPUT, "bottom %s has %lld along axis %d, expected %lld", b->in[1]->name,
                          (long long)b->in[1]->shape.d[i], i, (long long)x->d[axis + i]);
            return NULL;
        }
    return axis + n == rank ? b->in[1] : vn_caffe_reshape(b, b->in[1], rank - axis, as);
}

/* Behind a convolution or its BatchNorm, a trained factor for each channel is written as what optimization
 * folds into the weights. */
static int folds(const struct caffe_builder *b, const struct params *p)
{
    const struct node *from = b->in[0]->producer;
    const int affine = from && from->op == &vn_op_batchnormalization; /* operator identity: made here */
    if (!affine && (!from || !from->op->quant.bias))
        return 0;
    return b->n_in == 1 && p->axis == 1 && p->num_axes == 1;
}

static void scale_channels(struct caffe_builder *b, const struct params *p)
{
    const int64_t c = vn_caffe_dim(b, 0, 1);
    struct value *scale = vn_caffe_blob(b, 0, "scale", 1, &c);
    struct value *bias = p->bias ? vn_caffe_blob(b, 1, "bias", 1, &c) : vn_caffe_filled(b, "bias", c, 0);
    vn_caffe_top(
        b, 0,
        PUT(b, "BatchNormalization",
            IN(b->in[0], scale, bias, vn_caffe_filled(b, "mean", c, 0), vn_caffe_filled(b, "variance", c, 1)),
            AT_FLOAT("epsilon", 0)));
}

static void build_scale(struct caffe_builder *b)
{
    const struct params *p = b->params;
    const int given = b->n_in == 2;
    struct params trained = *p;
    if (folds(b, p)) {
        scale_channels(b, p);
        return;
    }
    struct value *y = PUT(b, "Mul", IN(b->in[0], operand(b, p, given, 0, "scale")), AT_NONE);
    if (given)
        trained.num_axes = vn_caffe_rank(b, 1);
    if (p->bias)
        y = PUT(b, "Add", IN(y, operand(b, &trained, 0, given ? 0 : 1, "bias")), AT_NONE);
    vn_caffe_top(b, 0, y);
}
static const struct text_field scale_fields[] = {
    T_INT(struct params, axis, "axis", 1, -VN_MAX_RANK, VN_MAX_RANK),
    T_INT(struct params, num_axes, "num_axes", 1, -1, VN_MAX_RANK),
    T_BOOL(struct params, bias, "bias_term", 0),
    T_ANY("filler"),
    T_ANY("bias_filler"),
    T_END,
};
static const struct text_message scale = { sizeof(struct params), scale_fields };
const struct caffe_layer vn_caffe_scale = { .type = "Scale",
                                            .onnx = "Mul, Add; BatchNormalization after a convolution",
                                            .param = "scale_param",
                                            .params = &scale,
                                            .min_bottom = 1,
                                            .max_bottom = 2,
                                            .build = build_scale };

static void build_bias(struct caffe_builder *b)
{
    vn_caffe_top(b, 0, PUT(b, "Add", IN(b->in[0], operand(b, b->params, b->n_in == 2, 0, "bias")), AT_NONE));
}
static const struct text_field bias_fields[] = {
    T_INT(struct params, axis, "axis", 1, -VN_MAX_RANK, VN_MAX_RANK),
    T_INT(struct params, num_axes, "num_axes", 1, -1, VN_MAX_RANK),
    T_ANY("filler"),
    T_END,
};
static const struct text_message bias = { sizeof(struct params), bias_fields };
const struct caffe_layer vn_caffe_bias = { .type = "Bias",
                                           .onnx = "Add",
                                           .param = "bias_param",
                                           .params = &bias,
                                           .min_bottom = 1,
                                           .max_bottom = 2,
                                           .build = build_bias };

/* a x + y, with one a for each channel of each image */
static void build_axpy(struct caffe_builder *b)
{
    vn_caffe_top(b, 0, PUT(b, "Add", IN(PUT(b, "Mul", IN(b->in[1], b->in[0]), AT_NONE), b->in[2]), AT_NONE));
}
const struct caffe_layer vn_caffe_axpy = {
    .type = "Axpy", .onnx = "Mul, Add", .min_bottom = 3, .max_bottom = 3, .build = build_axpy
};
