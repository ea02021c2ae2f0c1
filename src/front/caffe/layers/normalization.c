/* BatchNorm, MVN, Normalize, LRN, and Softmax. */
#include "front/caffe/layer.h"

/* ---- BatchNorm: blobs are sums of means and variances, and the number to divide them by ---- */

struct bn_params {
    int64_t global;
    double eps;
};

static struct value *statistics(struct caffe_builder *b, int blob, const char *what, int64_t channels,
                                double divide)
{
    struct value *v = vn_caffe_blob(b, blob, what, 1, &channels);
    if (!v)
        return NULL;
    struct vn_tensor *t = vn_tensor_new(b->g->arena, VN_F32, &v->shape);
    for (int64_t i = 0; i < channels; i++)
        ((float *)t->data)[i] = divide == 0 ? 0 : (float)(vn_tensor_f64(v->data, i) / divide);
    v->data = t;
    return v;
}

static void build_bn(struct caffe_builder *b)
{
    const struct bn_params *p = b->params;
    const int64_t channels = vn_caffe_dim(b, 0, 1);
    if (!p->global) {
        vn_caffe_fail(b, VN_E_UNSUPPORTED,
                      "use_global_stats: false computes means and variances from the batch, as in training");
        return;
    }
    if (vn_caffe_rank(b, 0) < 2)
        vn_caffe_fail(b, VN_E_INPUT, "the bottom has %d axes, expected 2 or more", vn_caffe_rank(b, 0));
    const struct vn_tensor *divisor = vn_caffe_raw_blob(b, 2, "factor");
    if (divisor && vn_shape_count(&divisor->shape) != 1)
        vn_caffe_fail(b, VN_E_INPUT, "blob 2 (factor) has %lld numbers, expected 1",
                      (long long)vn_shape_count(&divisor->shape));
    if (b->failed)
        return;
    const double divide = vn_tensor_f64(divisor, 0);
    struct value *mean = statistics(b, 0, "mean", channels, divide),
                 *variance = statistics(b, 1, "variance", channels, divide);
    vn_caffe_top(b, 0,
                 PUT(b, "BatchNormalization",
                     IN(b->in[0], vn_caffe_filled(b, "scale", channels, 1),
                        vn_caffe_filled(b, "bias", channels, 0), mean, variance),
                     AT_FLOAT("epsilon", p->eps)));
}
static const struct text_field bn_fields[] = {
    T_BOOL(struct bn_params, global, "use_global_stats", 1),
    T_FLOAT(struct bn_params, eps, "eps", 1e-5f),
    T_ANY("moving_average_fraction"),
    T_ANY("engine"),
    T_END,
};
static const struct text_message bn = { sizeof(struct bn_params), bn_fields };
const struct caffe_layer vn_caffe_batchnorm = { .type = "BatchNorm",
                                                .onnx = "BatchNormalization",
                                                .param = "batch_norm_param",
                                                .params = &bn,
                                                .min_bottom = 1,
                                                .max_bottom = 1,
                                                .build = build_bn };

/* ---- MVN: (x - mean) / (standard deviation + eps), over one channel or the whole image ---- */

struct mvn_params {
    int64_t variance, across;
    double eps;
};
static void build_mvn(struct caffe_builder *b)
{
    const struct mvn_params *p = b->params;
    const int rank = vn_caffe_rank(b, 0), from = p->across ? 1 : 2;
    if (rank <= from) {
        vn_caffe_fail(b, VN_E_INPUT, "the bottom has %d axes, expected more than %d", rank, from);
        return;
    }
    struct value *y =
        PUT(b, "Sub", IN(b->in[0], vn_caffe_reduce(b, "ReduceMean", b->in[0], from, rank, 1)), AT_NONE);
    if (p->variance) {
        struct value *square =
            vn_caffe_reduce(b, "ReduceMean", PUT(b, "Mul", IN(y, y), AT_NONE), from, rank, 1);
        y = PUT(b, "Div", IN(y, vn_caffe_plus(b, PUT(b, "Sqrt", IN(square), AT_NONE), p->eps)), AT_NONE);
    }
    vn_caffe_top(b, 0, y);
}
static const struct text_field mvn_fields[] = { T_BOOL(struct mvn_params, variance, "normalize_variance", 1),
                                                T_BOOL(struct mvn_params, across, "across_channels", 0),
                                                T_FLOAT(struct mvn_params, eps, "eps", 1e-9f), T_END };
static const struct text_message mvn = { sizeof(struct mvn_params), mvn_fields };
const struct caffe_layer vn_caffe_mvn = { .type = "MVN",
                                          .v1 = "MVN",
                                          .onnx = "ReduceMean, Sub, Mul, Sqrt, Div",
                                          .param = "mvn_param",
                                          .params = &mvn,
                                          .min_bottom = 1,
                                          .max_bottom = 1,
                                          .build = build_mvn };

/* ---- Normalize: x / sqrt(sum of squares + eps) * a trained factor, at each place or over the whole image
 * ---- */

struct normalize_params {
    int64_t across, shared;
    double eps;
};
static void build_normalize(struct caffe_builder *b)
{
    const struct normalize_params *p = b->params;
    const int rank = vn_caffe_rank(b, 0);
    const int64_t c = p->shared ? 1 : vn_caffe_dim(b, 0, 1), as[] = { c, 1, 1, 1, 1, 1, 1, 1 };
    if (rank < 2)
        vn_caffe_fail(b, VN_E_INPUT, "the bottom has %d axes, expected 2 or more", rank);
    struct value *square = vn_caffe_reduce(b, "ReduceSumSquare", b->in[0], 1, p->across ? rank : 2, 1);
    struct value *y =
        PUT(b, "Div", IN(b->in[0], PUT(b, "Sqrt", IN(vn_caffe_plus(b, square, p->eps)), AT_NONE)), AT_NONE);
    vn_caffe_top(
        b, 0,
        PUT(b, "Mul", IN(y, vn_caffe_blob_as(b, 0, "scale", 1, &c, rank < 2 ? 1 : rank - 1, as)), AT_NONE));
}
static const struct text_field normalize_fields[] = {
    T_BOOL(struct normalize_params, across, "across_spatial", 1),
    T_BOOL(struct normalize_params, shared, "channel_shared", 1),
    T_FLOAT(struct normalize_params, eps, "eps", 1e-10f),
    T_ANY("scale_filler"),
    T_END,
};
static const struct text_message normalize = { sizeof(struct normalize_params), normalize_fields };
const struct caffe_layer vn_caffe_normalize = { .type = "Normalize",
                                                .onnx = "ReduceSumSquare, Add, Sqrt, Div, Mul",
                                                .param = "norm_param",
                                                .params = &normalize,
                                                .min_bottom = 1,
                                                .max_bottom = 1,
                                                .build = build_normalize };

/* ---- LRN ---- */

enum { ACROSS_CHANNELS, WITHIN_CHANNEL };
static const char *const regions[] = { "ACROSS_CHANNELS", "WITHIN_CHANNEL", NULL };
struct lrn_params {
    int64_t size, region;
    double alpha, beta, k;
};

/* x / (1 + alpha * mean of the squares around it, zeros outside) ^ beta */
static struct value *lrn_within(struct caffe_builder *b, const struct lrn_params *p)
{
    const int64_t kernel[] = { p->size, p->size }, half = p->size / 2, pads[] = { half, half, half, half };
    struct value *square = PUT(b, "Mul", IN(b->in[0], b->in[0]), AT_NONE);
    struct value *mean = PUT(b, "AveragePool", IN(square), AT_INTS("kernel_shape", 2, kernel),
                             AT_INTS("pads", 4, pads), AT_INT("count_include_pad", 1));
    struct value *base = vn_caffe_plus(b, vn_caffe_times(b, mean, p->alpha), 1);
    return PUT(b, "Div", IN(b->in[0], PUT(b, "Pow", IN(base, vn_caffe_number(b, p->beta)), AT_NONE)),
               AT_NONE);
}

static void build_lrn(struct caffe_builder *b)
{
    const struct lrn_params *p = b->params;
    if (!vn_caffe_want_rank(b, 0, 4))
        return;
    if (p->size % 2 == 0)
        vn_caffe_fail(b, VN_E_INPUT, "local_size is %lld, expected an odd number", (long long)p->size);
    else if (p->region == WITHIN_CHANNEL)
        vn_caffe_top(b, 0, lrn_within(b, p));
    else
        vn_caffe_top(b, 0,
                     PUT(b, "LRN", IN(b->in[0]), AT_INT("size", p->size), AT_FLOAT("alpha", p->alpha),
                         AT_FLOAT("beta", p->beta), AT_FLOAT("bias", p->k)));
}
static const struct text_field lrn_fields[] = {
    T_INT(struct lrn_params, size, "local_size", 5, 1, 65535),
    T_ENUM(struct lrn_params, region, "norm_region", ACROSS_CHANNELS, regions),
    T_FLOAT(struct lrn_params, alpha, "alpha", 1),
    T_FLOAT(struct lrn_params, beta, "beta", 0.75),
    T_FLOAT(struct lrn_params, k, "k", 1),
    T_ANY("engine"),
    T_END,
};
static const struct text_message lrn = { sizeof(struct lrn_params), lrn_fields };
const struct caffe_layer vn_caffe_lrn = { .type = "LRN",
                                          .v1 = "LRN",
                                          .v0 = "lrn",
                                          .onnx = "LRN, or Mul, AveragePool, Pow, Div",
                                          .param = "lrn_param",
                                          .params = &lrn,
                                          .min_bottom = 1,
                                          .max_bottom = 1,
                                          .build = build_lrn };

/* ---- Softmax ---- */

struct softmax_params {
    int64_t axis;
};
static void build_softmax(struct caffe_builder *b)
{
    const struct softmax_params *p = b->params;
    vn_caffe_top(b, 0,
                 PUT(b, "Softmax", IN(b->in[0]),
                     AT_INT("axis", vn_caffe_axis(b, "axis", p->axis, vn_caffe_rank(b, 0)))));
}
static const struct text_field softmax_fields[] = {
    T_INT(struct softmax_params, axis, "axis", 1, -VN_MAX_RANK, VN_MAX_RANK), T_ANY("engine"), T_END
};
static const struct text_message softmax = { sizeof(struct softmax_params), softmax_fields };
const struct caffe_layer vn_caffe_softmax = { .type = "Softmax",
                                              .v1 = "SOFTMAX",
                                              .v0 = "softmax",
                                              .onnx = "Softmax",
                                              .param = "softmax_param",
                                              .params = &softmax,
                                              .min_bottom = 1,
                                              .max_bottom = 1,
                                              .build = build_softmax };
