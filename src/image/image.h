/* image/image.h - all about pictures. */
#ifndef VN_IMAGE_H
#define VN_IMAGE_H

#include "image/colour.h"
#include "image/decode.h"
#include "image/geometry.h"
#include "image/origin.h"
#include "image/picture.h"
#include "image/resize.h"
#include "image/steps.h"

/* Decode by Pillow's rule: R, G, B. */
int vn_picture_read(struct vn_picture *p, struct vn_arena *a, const char *path, struct vn_err *e);
/* Bilinear resize as Pillow below 13 does it: horizontal pass first. */
void vn_resize_pillow_bilinear(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int w, int h);

#endif
