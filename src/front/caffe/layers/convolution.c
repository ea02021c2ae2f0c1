/* Convolution, depthwise too, and Deconvolution. */
#include "front/caffe/layer.h"

struct params {
    int64_t outputs, bias, group, axis;
    struct caffe_extent kernel, stride, pad, dilation;
};
static const struct text_field fields[] = {
    T_INT(struct params, outputs, "num_output", 0, 1, INT32_MAX),
    T_BOOL(struct params, bias, "bias_term", 1),
    T_INT(struct params, group, "group", 1, 1, INT32_MAX),
    T_INT(struct params, axis, "axis", 1, -VN_MAX_RANK, VN_MAX_RANK),
    T_EXTENT(struct params, kernel, "kernel_size", "kernel", 1),
    T_EXTENT(struct params, stride, "stride", "stride", 1),
    T_EXTENT(struct params, pad, "pad", "pad", 0),
    T_EXTENT(struct params, dilation, "dilation", "dilation", 1),
    T_ANY("force_nd_im2col"),
    T_ANY("weight_filler"),
    T_ANY("bias_filler"),
    T_ANY("engine"),
    T_END,
};
static const struct text_message params = { sizeof(struct params), fields };

static void convolve(struct caffe_builder *b, int transposed, int64_t group)
{
    const struct params *p = b->params;
    const int rank = vn_caffe_rank(b, 0), axes = rank - 2;
    int64_t kernel[CAFFE_MAX_AXES], stride[CAFFE_MAX_AXES], dilation[CAFFE_MAX_AXES],
        pads[2 * CAFFE_MAX_AXES];
    if (axes < 1 || axes > CAFFE_MAX_AXES || vn_caffe_axis(b, "axis", p->axis, rank) != 1) {
        vn_caffe_fail(b, VN_E_UNSUPPORTED,
                      "a bottom with %d axes and channels on axis %lld; channels must be axis 1, with 1 to 3 "
                      "axes after it",
                      rank, (long long)p->axis);
        return;
    }
    vn_caffe_extent(b, "kernel_size", &p->kernel, axes, -1, kernel);
    vn_caffe_extent(b, "stride", &p->stride, axes, 1, stride);
    vn_caffe_extent(b, "pad", &p->pad, axes, 0, pads);
    vn_caffe_extent(b, "dilation", &p->dilation, axes, 1, dilation);
    memcpy(pads + axes, pads, (size_t)axes * sizeof *pads);
    const int64_t channels = vn_caffe_dim(b, 0, 1), from = transposed ? p->outputs : channels;
    if (!p->outputs)
        vn_caffe_fail(b, VN_E_INPUT, "num_output is missing");
    else if (channels % group || p->outputs % group)
        vn_caffe_fail(b, VN_E_INPUT, "group is %lld, which does not divide %lld inputs and %lld outputs",
                      (long long)group, (long long)channels, (long long)p->outputs);
    int64_t shape[2 + CAFFE_MAX_AXES] = { transposed ? channels : p->outputs, from / group };
    memcpy(shape + 2, kernel, sizeof kernel);
    struct value *w = vn_caffe_blob(b, 0, "weight", rank, shape),
                 *bias = p->bias ? vn_caffe_blob(b, 1, "bias", 1, &p->outputs) : NULL;
    const struct caffe_attr attrs[] = { AT_INTS("kernel_shape", axes, kernel),
                                        AT_INTS("strides", axes, stride),
                                        AT_INTS("pads", 2 * axes, pads),
                                        AT_INTS("dilations", axes, dilation),
                                        AT_INT("group", group),
                                        AT_NONE };
    vn_caffe_top(b, 0,
                 vn_caffe_put(b, transposed ? "ConvTranspose" : "Conv", bias ? 3 : 2,
                              (struct value *[]){ b->in[0], w, bias }, attrs));
}

/* The same weights on each pair of bottom and top is possible in Caffe; one pair is what networks have. */
static void build_conv(struct caffe_builder *b) { convolve(b, 0, ((const struct params *)b->params)->group); }
static void build_deconv(struct caffe_builder *b)
{
    convolve(b, 1, ((const struct params *)b->params)->group);
}
static void build_depthwise(struct caffe_builder *b)
{
    const int64_t c = vn_caffe_dim(b, 0, 1);
    convolve(b, 0, c ? c : 1);
}

#define CONVOLUTION .param = "convolution_param", .params = &params, .min_bottom = 1, .max_bottom = 1
const struct caffe_layer vn_caffe_convolution = {
    .type = "Convolution", .v1 = "CONVOLUTION", .v0 = "conv", .onnx = "Conv", CONVOLUTION, .build = build_conv
};
const struct caffe_layer vn_caffe_depthwiseconvolution = { .type = "DepthwiseConvolution",
                                                           .also = "ConvolutionDepthwise",
                                                           .onnx = "Conv",
                                                           CONVOLUTION,
                                                           .build = build_depthwise };
const struct caffe_layer vn_caffe_deconvolution = { .type = "Deconvolution",
                                                    .v1 = "DECONVOLUTION",
                                                    .onnx = "ConvTranspose",
                                                    CONVOLUTION,
                                                    .build = build_deconv };
