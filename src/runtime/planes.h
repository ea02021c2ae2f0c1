/* runtime/planes.h - images in the caller's memory as the bytes of an input. */
#ifndef VN_PLANES_H
#define VN_PLANES_H

#include <vernier/runtime.h>

#include "kernels/kernels.h"

struct rt_pixels {
    const char *name; /* of the input */
    enum vn_input_type type;
    int n, h, w;
    int channels_last;
    int resizes; /* takes regions of other sizes */
};

/* Is one image right for such an input? A region of no size becomes the whole image. */
int rt_check_planes(struct vn_planes *p, const struct rt_pixels *f, struct vn_err *e);

/* vn_model_pack_input. */
int rt_pack_planes(uint8_t *to, const struct vn_kernels *k, const struct rt_pixels *f,
                   const struct vn_planes *images, struct vn_err *e);

/* What metadata call an input's source: "input_parameters.NAME.input_source". */
int rt_is_resizer(const char *source);

#endif
