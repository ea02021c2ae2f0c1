/* image/image.h - all public parts of image/. */
#ifndef VN_IMAGE_H
#define VN_IMAGE_H

#include "image/colour.h"
#include "image/decode.h"
#include "image/geometry.h"
#include "image/origin.h"
#include "image/picture.h"
#include "image/resize.h"
#include "image/steps.h"

/* Bilinear resize as Pillow below 13 does it: horizontal pass first. */
void vn_resize_pillow_bilinear(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int w,
                               int h);

#endif
