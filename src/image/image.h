/* image/image.h - all about pictures. */
#ifndef VN_IMAGE_H
#define VN_IMAGE_H

#include "image/colour.h"
#include "image/decode.h"
#include "image/geometry.h"
#include "image/picture.h"
#include "image/resize.h"

/* Decode by Pillow's rule: R, G, B. */
int vn_picture_read(struct vn_picture *p, struct vn_arena *a, const char *path, struct vn_err *e);
/* Bilinear resize as Pillow below 13 does it: horizontal pass first. */
void vn_resize_pillow_bilinear(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int w, int h);

/* ---- a pipeline: "short_side 256; center_crop 224" ----
 *   resize W H         bilinear, antialias (Pillow)
 *   short_side S       the shorter side becomes S, the other int(S * long / short) (torchvision's rule)
 *   center_crop S      or: center_crop W H; offset round((side - S) / 2), half to even (torchvision's rule)
 */
struct vn_pipeline;
int vn_pipeline_parse(struct vn_pipeline **out, struct vn_arena *a, const char *text, struct vn_err *e);
int vn_pipeline_run(struct vn_picture *out, struct vn_arena *a, const struct vn_pipeline *p, const struct vn_picture *in, struct vn_err *e);

#endif
