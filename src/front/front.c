#include "front/front.h"

#include "base/file.h"
#include "front/caffe/caffe.h"

int vn_model_read(struct graph **g, struct vn_arena *a, const char *model, const char *prototxt,
                  const struct vn_onnx_options *o, struct vn_err *e)
{
    if (prototxt && o && o->n_values && !o->value_marks)
        return vn_fail(e, VN_E_USAGE, "%s: input_value requires an ONNX model", model);
    if (prototxt)
        return vn_caffe_read(g, a, prototxt, model, o, e);
    if (vn_path_has_suffix(model, ".caffemodel"))
        return vn_fail(e, VN_E_USAGE, "%s: a Caffe network also requires its prototxt (--proto FILE)", model);
    if (vn_path_has_suffix(model, ".prototxt"))
        return vn_fail(
            e, VN_E_USAGE,
            "%s: a prototxt has no weights; pass the caffemodel as the model and this file by --proto",
            model);
    return vn_onnx_read(g, a, model, o, e);
}
