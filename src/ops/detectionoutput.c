/* ops/detectionoutput.c - our own: what an SSD detector has found, in a fixed number of rows. In ONNX files
 * it is a model-local function (front/onnx/function_detection.c). */
#include "ops/portable_op.h"

static const char *const codes[VN_BOX_CODE_COUNT + 1] = {
    [VN_BOX_CORNER] = "corner", [VN_BOX_CENTER_SIZE] = "center_size", [VN_BOX_CORNER_SIZE] = "corner_size"
};

static const struct attr_spec specs[] = {
    A_INT(struct detection_attrs, classes, "num_classes", 1, 1, 65536),
    A_INT(struct detection_attrs, background, "background_label_id", 0, -1, 65535),
    A_ENUM(struct detection_attrs, code, "code_type", 0, codes),
    A_INT(struct detection_attrs, encoded, "variance_encoded_in_target", 0, 0, 1),
    A_INT(struct detection_attrs, candidates, "top_k", 1, 1, INT32_MAX),
    A_INT(struct detection_attrs, rows, "keep_top_k", 1, 1, INT32_MAX),
    A_FLOAT(struct detection_attrs, overlap, "nms_threshold", 0.3f),
    A_FLOAT(struct detection_attrs, score, "confidence_threshold", -3.4e38f),
    A_END,
};

#define MOST_CANDIDATES (1 << 24)

static int infer(struct node *n, struct vn_err *e)
{
    const struct detection_attrs *p = n->attrs;
    TRY(vn_infer_begin(n, e));
    for (int i = 0; i < 3; i++)
        TRY(vn_infer_float(n, i, e));
    const struct vn_shape *l = &n->in[0]->shape, *c = &n->in[1]->shape, *b = &n->in[2]->shape;
    const int64_t boxes = vn_shape_count(b) / 8, pictures = l->rank ? l->d[0] : 0;
    if (boxes < 1 || vn_shape_count(b) != 8 * boxes || vn_shape_count(l) != pictures * boxes * 4 ||
        vn_shape_count(c) != pictures * boxes * p->classes)
        return vn_node_fail(n, e, VN_E_INPUT,
                            "%lld offsets, %lld scores of %lld classes and %lld default boxes do not match",
                            (long long)vn_shape_count(l), (long long)vn_shape_count(c), (long long)p->classes,
                            (long long)boxes);
    if (p->candidates > boxes || p->candidates * p->classes > MOST_CANDIDATES ||
        p->rows > p->candidates * vn_detection_classes(p))
        return vn_node_fail(
            n, e, VN_E_UNSUPPORTED,
            "top_k %lld, keep_top_k %lld: expected at most %lld boxes, and %d candidates of all classes",
            (long long)p->candidates, (long long)p->rows, (long long)boxes, MOST_CANDIDATES);
    return vn_infer_out(n, 0, VN_F32, &(struct vn_shape){ 4, { 1, 1, pictures * p->rows, 7 } }, e);
}

static void call(const struct node *n, struct portable_params *c)
{
    const struct detection_attrs *p = n->attrs;
    const int32_t i[] = { (int32_t)p->classes, (int32_t)p->background, p->code,
                          (int32_t)p->encoded, (int32_t)p->candidates, (int32_t)p->rows };
    c->id = VN_PORTABLE_detection_output;
    memcpy(c->i, i, sizeof i);
    c->f[0] = p->overlap;
    c->f[1] = p->score;
}

const struct op_def vn_op_detectionoutput = {
    .name = "detectionoutput",
    .onnx = "DetectionOutput",
    .domain = "ai.vernier",
    .min_in = 3,
    .max_in = 3,
    .attrs = specs,
    .attrs_size = sizeof(struct detection_attrs),
    .infer = infer,
    .eval = vn_eval_portable,
    .lower = vn_low_portable,
    .portable = call,
};
