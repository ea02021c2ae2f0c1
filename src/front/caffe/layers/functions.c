/* Functions of one value. */
#include <math.h>

#include "front/caffe/layer.h"

#define ONE_TO_ONE .min_bottom = 1, .max_bottom = 1

/* ---- without parameters: the operator itself ---- */

static const struct text_field engine_fields[] = { T_ANY("engine"), T_END };
static const struct text_message engine = { 0, engine_fields };

#define WITHOUT_PARAMS(id, name, v1_name, v0_name, op, message) \
    const struct caffe_layer vn_caffe_##id = { \
        .type = name, \
        .v1 = v1_name, \
        .v0 = v0_name, \
        .onnx = op, \
        .param = message, \
        .params = &engine, \
        ONE_TO_ONE, \
        .build = vn_caffe_plain, \
    }
WITHOUT_PARAMS(absval, "AbsVal", "ABSVAL", NULL, "Abs", NULL);
WITHOUT_PARAMS(bnll, "BNLL", "BNLL", "bnll", "Softplus", NULL);
WITHOUT_PARAMS(sigmoid, "Sigmoid", "SIGMOID", "sigmoid", "Sigmoid", "sigmoid_param");
WITHOUT_PARAMS(tanh, "TanH", "TANH", "tanh", "Tanh", "tanh_param");

static const struct text_field dropout_fields[] = { T_ANY("dropout_ratio"), T_ANY("scale_train"), T_END };
static const struct text_message dropout = { 0, dropout_fields };
const struct caffe_layer vn_caffe_dropout = { .type = "Dropout",
                                              .v1 = "DROPOUT",
                                              .v0 = "dropout",
                                              .onnx = "Dropout",
                                              .param = "dropout_param",
                                              .params = &dropout,
                                              ONE_TO_ONE,
                                              .build = vn_caffe_plain };

/* ---- with numbers ---- */

struct params {
    double slope, alpha, beta, power, scale, shift, base, low, high, threshold;
};

static void build_relu(struct caffe_builder *b)
{
    const struct params *p = b->params;
    vn_caffe_top(b, 0,
                 p->slope == 0 ? PUT(b, "Relu", IN(b->in[0]), AT_NONE)
                               : PUT(b, "LeakyRelu", IN(b->in[0]), AT_FLOAT("alpha", p->slope)));
}

static const struct text_field relu_fields[] = { T_FLOAT(struct params, slope, "negative_slope", 0),
                                                 T_ANY("engine"), T_END };
static const struct text_message relu = { sizeof(struct params), relu_fields };
const struct caffe_layer vn_caffe_relu = { .type = "ReLU",
                                           .v1 = "RELU",
                                           .v0 = "relu",
                                           .onnx = "Relu or LeakyRelu",
                                           .param = "relu_param",
                                           .params = &relu,
                                           ONE_TO_ONE,
                                           .build = build_relu };

static void build_relu6(struct caffe_builder *b)
{
    vn_caffe_top(b, 0, PUT(b, "Clip", IN(b->in[0], vn_caffe_number(b, 0), vn_caffe_number(b, 6)), AT_NONE));
}
const struct caffe_layer vn_caffe_relu6 = { .type = "ReLU6",
                                            .onnx = "Clip",
                                            .param = "relu6_param",
                                            .params = &engine,
                                            ONE_TO_ONE,
                                            .build = build_relu6 };

static void build_clip(struct caffe_builder *b)
{
    const struct params *p = b->params;
    vn_caffe_top(
        b, 0, PUT(b, "Clip", IN(b->in[0], vn_caffe_number(b, p->low), vn_caffe_number(b, p->high)), AT_NONE));
}
static const struct text_field clip_fields[] = { T_FLOAT(struct params, low, "min", -3.4e38),
                                                 T_FLOAT(struct params, high, "max", 3.4e38), T_END };
static const struct text_message clip = { sizeof(struct params), clip_fields };
const struct caffe_layer vn_caffe_clip = {
    .type = "Clip", .onnx = "Clip", .param = "clip_param", .params = &clip, ONE_TO_ONE, .build = build_clip
};

static void build_elu(struct caffe_builder *b)
{
    const struct params *p = b->params;
    vn_caffe_top(b, 0, PUT(b, "Elu", IN(b->in[0]), AT_FLOAT("alpha", p->alpha)));
}
static const struct text_field elu_fields[] = { T_FLOAT(struct params, alpha, "alpha", 1), T_END };
static const struct text_message elu = { sizeof(struct params), elu_fields };
const struct caffe_layer vn_caffe_elu = {
    .type = "ELU", .onnx = "Elu", .param = "elu_param", .params = &elu, ONE_TO_ONE, .build = build_elu
};

/* x * sigmoid(beta x) */
static void build_swish(struct caffe_builder *b)
{
    const struct params *p = b->params;
    struct value *x = b->in[0];
    vn_caffe_top(
        b, 0, PUT(b, "Mul", IN(x, PUT(b, "Sigmoid", IN(vn_caffe_times(b, x, p->beta)), AT_NONE)), AT_NONE));
}
static const struct text_field swish_fields[] = { T_FLOAT(struct params, beta, "beta", 1), T_ANY("engine"),
                                                  T_END };
static const struct text_message swish = { sizeof(struct params), swish_fields };
const struct caffe_layer vn_caffe_swish = { .type = "Swish",
                                            .onnx = "Sigmoid, Mul",
                                            .param = "swish_param",
                                            .params = &swish,
                                            ONE_TO_ONE,
                                            .build = build_swish };

static void build_threshold(struct caffe_builder *b)
{
    const struct params *p = b->params;
    vn_caffe_top(b, 0,
                 PUT(b, "Cast",
                     IN(PUT(b, "Greater", IN(b->in[0], vn_caffe_number(b, p->threshold)), AT_NONE)),
                     AT_INT("to", VN_F32)));
}
static const struct text_field threshold_fields[] = { T_FLOAT(struct params, threshold, "threshold", 0),
                                                      T_END };
static const struct text_message threshold = { sizeof(struct params), threshold_fields };
const struct caffe_layer vn_caffe_threshold = { .type = "Threshold",
                                                .v1 = "THRESHOLD",
                                                .onnx = "Greater, Cast",
                                                .param = "threshold_param",
                                                .params = &threshold,
                                                ONE_TO_ONE,
                                                .build = build_threshold };

/* ---- scale * x + shift, and a function of it ---- */

static struct value *affine(struct caffe_builder *b, double scale, double shift)
{
    return vn_caffe_plus(b, vn_caffe_times(b, b->in[0], scale), shift);
}

/* (scale x + shift) ^ power */
static void build_power(struct caffe_builder *b)
{
    const struct params *p = b->params;
    struct value *y = affine(b, p->scale, p->shift);
    vn_caffe_top(b, 0, p->power == 1 ? y : PUT(b, "Pow", IN(y, vn_caffe_number(b, p->power)), AT_NONE));
}
static const struct text_field power_fields[] = { T_FLOAT(struct params, power, "power", 1),
                                                  T_FLOAT(struct params, scale, "scale", 1),
                                                  T_FLOAT(struct params, shift, "shift", 0), T_END };
static const struct text_message power = { sizeof(struct params), power_fields };
const struct caffe_layer vn_caffe_power = { .type = "Power",
                                            .v1 = "POWER",
                                            .onnx = "Mul, Add, Pow",
                                            .param = "power_param",
                                            .params = &power,
                                            ONE_TO_ONE,
                                            .build = build_power };

/* base -1 stands for e. */
static int log_of_base(struct caffe_builder *b, double base, double *log_base)
{
    *log_base = base == -1 ? 1 : log(base);
    if (base == -1 || base > 0)
        return 1;
    vn_caffe_fail(b, VN_E_INPUT, "base is %g, expected > 0, or -1 for e", base);
    return 0;
}

static const struct text_field base_fields[] = { T_FLOAT(struct params, base, "base", -1),
                                                 T_FLOAT(struct params, scale, "scale", 1),
                                                 T_FLOAT(struct params, shift, "shift", 0), T_END };
static const struct text_message base = { sizeof(struct params), base_fields };

/* base ^ (scale x + shift) */
static void build_exp(struct caffe_builder *b)
{
    const struct params *p = b->params;
    double l;
    if (log_of_base(b, p->base, &l))
        vn_caffe_top(b, 0, PUT(b, "Exp", IN(affine(b, l * p->scale, l * p->shift)), AT_NONE));
}
const struct caffe_layer vn_caffe_exp = { .type = "Exp",
                                          .v1 = "EXP",
                                          .onnx = "Mul, Add, Exp",
                                          .param = "exp_param",
                                          .params = &base,
                                          ONE_TO_ONE,
                                          .build = build_exp };

/* log of (scale x + shift) to the base */
static void build_log(struct caffe_builder *b)
{
    const struct params *p = b->params;
    double l;
    if (log_of_base(b, p->base, &l) && l == 0)
        vn_caffe_fail(b, VN_E_INPUT, "base is 1, which has no logarithm");
    vn_caffe_top(
        b, 0,
        vn_caffe_times(b, PUT(b, "Log", IN(affine(b, p->scale, p->shift)), AT_NONE), b->failed ? 1 : 1 / l));
}
const struct caffe_layer vn_caffe_log = { .type = "Log",
                                          .onnx = "Mul, Add, Log",
                                          .param = "log_param",
                                          .params = &base,
                                          ONE_TO_ONE,
                                          .build = build_log };

/* ---- with one number per channel ---- */

struct prelu_params {
    int64_t shared;
};
static void build_prelu(struct caffe_builder *b)
{
    const struct prelu_params *p = b->params;
    const int64_t c = p->shared ? 1 : vn_caffe_dim(b, 0, 1), shape[] = { c, 1, 1, 1, 1, 1, 1, 1 };
    const int rank = vn_caffe_rank(b, 0);
    if (rank < 2)
        vn_caffe_fail(b, VN_E_INPUT, "the bottom has %d axes, expected 2 or more", rank);
    vn_caffe_top(
        b, 0,
        PUT(b, "PRelu",
            IN(b->in[0], vn_caffe_blob_as(b, 0, "slope", 1, &c, p->shared || rank < 2 ? 1 : rank - 1, shape)),
            AT_NONE));
}
static const struct text_field prelu_fields[] = { T_BOOL(struct prelu_params, shared, "channel_shared", 0),
                                                  T_ANY("filler"), T_END };
static const struct text_message prelu = { sizeof(struct prelu_params), prelu_fields };
const struct caffe_layer vn_caffe_prelu = { .type = "PReLU",
                                            .v1 = "PRELU",
                                            .onnx = "PRelu",
                                            .param = "prelu_param",
                                            .params = &prelu,
                                            ONE_TO_ONE,
                                            .build = build_prelu };
