/* front/caffe/caffe.h - Caffe networks in: a prototxt (the network as text) and a caffemodel (its trained
 * weights).
 *
 * Layers become the ONNX operators of the graph; the result is a graph like that of any ONNX file. The
 * network is read as it is tested (phase TEST); what only training needs is dropped, with a note. See
 * docs/caffe.md for the layers.
 */
#ifndef VN_FRONT_CAFFE_H
#define VN_FRONT_CAFFE_H

#include "front/onnx/onnx.h"

/* Read a network. Options are those of ONNX files: shapes replace the ones of the prototxt. Unlike after
 * vn_onnx_read, the shapes of all tensors are known. All problems that can be found are in one message, with
 * layer and line; where they do not fit, each is a note, too. */
int vn_caffe_read(struct graph **g, struct vn_arena *a, const char *prototxt, const char *caffemodel,
                  const struct vn_onnx_options *o, struct vn_err *e);

/* The same from memory, which must outlive the graph. */
struct vn_caffe_file {
    const char *path; /* for messages */
    const void *data;
    size_t bytes;
};
int vn_caffe_read_memory(struct graph **g, struct vn_arena *a, const struct vn_caffe_file *prototxt,
                         const struct vn_caffe_file *caffemodel, const struct vn_onnx_options *o,
                         struct vn_err *e);

#endif
