/* front/front.h - a model of any format that we read. */
#ifndef VN_FRONT_H
#define VN_FRONT_H

#include "front/onnx/onnx.h"

/* `model`: an ONNX file, or with `prototxt` (NULL: none) the weights of a Caffe network. */
int vn_model_read(struct graph **g, struct vn_arena *a, const char *model, const char *prototxt,
                  const struct vn_onnx_options *o, struct vn_err *e);

#endif
