/* DetectionOutput: an operator of our own, with a fixed number of rows. */
#include "front/caffe/layer.h"

static const char *const codes[] = { "CORNER", "CENTER_SIZE", "CORNER_SIZE", NULL };
static const char *const onnx_codes[] = { "corner", "center_size", "corner_size" };

struct nms {
    double threshold, eta;
    int64_t top_k;
};
static const struct text_field nms_fields[] = { T_FLOAT(struct nms, threshold, "nms_threshold", 0.3f),
                                                T_INT(struct nms, top_k, "top_k", -1, -1, INT32_MAX),
                                                T_FLOAT(struct nms, eta, "eta", 1), T_END };
static const struct text_message nms = { sizeof(struct nms), nms_fields };

struct params {
    int64_t classes, share, background, code, encoded, keep;
    double score;
    struct nms *nms;
};
static const struct text_field fields[] = {
    T_INT(struct params, classes, "num_classes", 0, 1, 65536),
    T_BOOL(struct params, share, "share_location", 1),
    T_INT(struct params, background, "background_label_id", 0, -1, 65535),
    T_MESSAGE(struct params, nms, "nms_param", nms),
    T_ENUM_FROM(struct params, code, "code_type", 0, 1, codes),
    T_BOOL(struct params, encoded, "variance_encoded_in_target", 0),
    T_INT(struct params, keep, "keep_top_k", -1, -1, INT32_MAX),
    T_FLOAT(struct params, score, "confidence_threshold", -3.4e38),
    T_ANY("save_output_param"),
    T_ANY("visualize"),
    T_ANY("visualize_threshold"),
    T_ANY("save_file"),
    T_END,
};
static const struct text_message params = { sizeof(struct params), fields };

static int64_t limited(int64_t n, int64_t most) { return n < 1 || n > most ? most : n; }

static void build(struct caffe_builder *b)
{
    static const struct nms usual = { 0.3f, 1, -1 };
    const struct params *p = b->params;
    const struct nms *n = p->nms ? p->nms : &usual;
    if (!p->classes)
        vn_caffe_fail(b, VN_E_INPUT, "num_classes is missing");
    if (!p->share)
        vn_caffe_fail(b, VN_E_UNSUPPORTED,
                      "share_location: false (separate boxes for each class) is not supported");
    if (n->eta != 1)
        vn_caffe_fail(b, VN_E_UNSUPPORTED, "eta is %g, expected 1 (a fixed nms_threshold)", n->eta);
    if (!vn_caffe_want_rank(b, 2, 3) || b->failed)
        return;
    const int64_t boxes = vn_caffe_dim(b, 2, 2) / 4, candidates = limited(n->top_k, boxes),
                  foreground = p->classes - (p->background >= 0 && p->background < p->classes);
    const int64_t rows = limited(p->keep, candidates * foreground);
    if (!foreground)
        vn_caffe_fail(b, VN_E_INPUT, "num_classes is 1, the background only");
    vn_caffe_top(b, 0,
                 PUT(b, "DetectionOutput", IN(b->in[0], b->in[1], b->in[2]),
                     AT_INT("num_classes", p->classes), AT_INT("background_label_id", p->background),
                     AT_ENUM("code_type", onnx_codes[p->code]),
                     AT_INT("variance_encoded_in_target", p->encoded), AT_INT("top_k", candidates),
                     AT_INT("keep_top_k", rows), AT_FLOAT("nms_threshold", n->threshold),
                     AT_FLOAT("confidence_threshold", p->score)));
}

const struct caffe_layer vn_caffe_detectionoutput = { .type = "DetectionOutput",
                                                      .onnx = "DetectionOutput, as a function in ONNX files",
                                                      .param = "detection_output_param",
                                                      .params = &params,
                                                      .min_bottom = 3,
                                                      .max_bottom = 3,
                                                      .build = build };
