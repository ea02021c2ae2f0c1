/* image/resize.h - resize as the libraries do it, and the rules for the target's size.
 *
 * A rule is one way of one library to resize; the table of rules is open to who searches it. Bit-equal to the
 * library for uint8 (OpenCV cubic, which is Intel's IPP there, and skimage's filter of integers, which
 * NumPy's exp decides: within 1). */
#ifndef VN_RESIZE_H
#define VN_RESIZE_H

#include "image/geometry.h"

struct vn_resize_rule {
    enum vn_image_library library;
    const char
        *interpolation; /* the library's word: "linear", "bilinear", "bicubic", "lanczos", "order1", ... */
    int antialias; /* torchvision on tensors, skimage (anti_aliasing): 0 or 1; the others have no choice: -1
                    */
    const char
        *versions; /* "" = all that we know; else "<13", ">=13": where versions of the library differ */
    int from, until; /* the same in hundredths: from <= version < until; 0: open */
    unsigned types; /* 1 << enum vn_pixel_type: what it takes. It gives the same type, but skimage's order1,
                       order3: float32 in 0..1 */
    int (*run)(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in,
               const struct vn_resize_rule *r, int w, int h, struct vn_err *e);
    int method; /* for run */
    int other; /* not the library's default for antialias */
};

const struct vn_resize_rule *vn_resize_rules(int *n);

/* The rule for a request. antialias -1: the library's default (torchvision: off on tensors, as in its
 * versions below 0.17; skimage: on where the image shrinks). version NULL: the newest; else "12.2" or "4.10".
 * Errors: VN_E_INPUT names the interpolations that the library has. */
int vn_resize_find(const struct vn_resize_rule **r, const char *library, const char *interpolation,
                   int antialias, const char *version, struct vn_err *e);

/* w x h are checked. `out` may share `in`'s pixels where the size does not change. */
int vn_resize(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in,
              const struct vn_resize_rule *r, int w, int h, struct vn_err *e);

/* Pillow: resize(size, resample, box, reducing_gap). box = {x0, y0, x1, y1} in source pixels, NULL: all;
 * reducing_gap 0: none. */
int vn_resize_pillow_box(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in,
                         const struct vn_resize_rule *r, int w, int h, const float *box, double reducing_gap,
                         struct vn_err *e);

/* ---- the target's size ----
 *
 *   exact            w, h                                     cv2.resize, PIL resize, torchvision Resize((h,
 * w)), HF height/width short_side       short[, max]: other = int(s * long / short)        torchvision
 * Resize(s, max_size), HF shortest_edge short_side_round likewise, other side rounded (half to even)
 *   short_side_ceil
 *   long_side, long_side_round, long_side_ceil                          HF longest_edge (long_side)
 *   short_long       short, long: scale so that the shorter side is `short`, but the longer at most `long`;
 *                    HF DETR (shortest_edge + longest_edge)
 *   short_long_yolos likewise, but a portrait image is reduced even where rounding keeps its width
 *   fit              w, h: largest size of the same aspect that fits (letterbox); sides int(side * scale)
 *   fit_round        sides rounded half to even (YOLO's letterbox)
 *   fit_half_up      sides int(side * scale + 0.5) (HF SAM's longest_edge)
 *   cover, cover_round   w, h: smallest size of the same aspect that covers
 *   scale            numerator[, denominator]: int(side * scale)
 *   least_scale      w, h: side * scale, by the scale closer to 1 (HF DPT: keep_aspect_ratio)
 *   each_scale       w, h: side * (w / side): w, but for a hair, which decides where a multiple is halfway;
 * by rounding to the nearest (HF DPT without keep_aspect_ratio) thumbnail        w, h: PIL.Image.thumbnail
 */
struct vn_size_rule {
    const char *name, *usage;
    int min_args, max_args;
    void (*size)(double *w, double *h, int in_w, int in_h, const int *arg, int n);
};
const struct vn_size_rule *vn_size_rules(int *n);
const struct vn_size_rule *vn_size_rule_find(const char *name); /* NULL: unknown */
/* Errors: VN_E_INPUT where a side would be below 1 or too long. */
int vn_size_apply(int *w, int *h, const struct vn_size_rule *r, int in_w, int in_h, const int *arg, int n,
                  struct vn_err *e);
/* Then both sides to a multiple of `multiple`; vn_size_apply is floor to 1. Sides that the rule leaves with a
 * fraction (scale, least_scale, each_scale) are rounded once. */
int vn_size_multiple(int *w, int *h, const struct vn_size_rule *r, int in_w, int in_h, const int *arg, int n,
                     int multiple, enum vn_crop_rounding rounding, struct vn_err *e);

#endif
