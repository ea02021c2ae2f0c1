/* front/caffe/caffemodel.h - the trained weights: NetParameter's binary form, of all three generations of
 * layers. */
#ifndef VN_FRONT_CAFFE_CAFFEMODEL_H
#define VN_FRONT_CAFFE_CAFFEMODEL_H

#include "front/wire.h"
#include "tensor/tensor.h"

struct caffe_shape_proto {
    struct wire_list dim; /* int64_t */
};
struct caffe_blob {
    int64_t legacy[4]; /* num, channels, height, width: where shape is absent */
    struct caffe_shape_proto *shape;
    struct wire_list floats, doubles; /* runs */
};

struct caffe_weights; /* blobs by layer */

/* From an image, which must outlive the weights. */
int vn_caffemodel_read(struct caffe_weights **w, struct vn_arena *a, struct wire_bytes image,
                       const char *path, struct vn_err *e);
/* The blobs of a layer; *n = 0 where it has none. */
const struct caffe_blob *vn_caffemodel_blobs(const struct caffe_weights *w, const char *layer, int *n);
/* The layer with blobs whose name is most like this one; NULL: none. */
const char *vn_caffemodel_nearest(const struct caffe_weights *w, const char *layer);
/* As a float32 tensor; contents stay in the image where they are aligned. Errors say what is wrong, not
 * where. */
int vn_caffemodel_tensor(const struct vn_tensor **t, const struct caffe_blob *b, struct vn_arena *a,
                         struct vn_err *e);

#endif
