/* interp/resizer.h - regions of images as the reference executor resizes them. */
#ifndef VN_INTERP_RESIZER_H
#define VN_INTERP_RESIZER_H

#include <vernier/runtime.h>

/* The bytes of a w x h input of this type from a region that fits it (docs/numerics.md, section 7), each
 * pixel on its own. Returns where the next image goes. */
uint8_t *vn_interp_resize(uint8_t *to, enum vn_input_type type, int w, int h, int channels_last,
                          const struct vn_planes *image);

#endif
