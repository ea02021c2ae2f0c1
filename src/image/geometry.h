/* image/geometry.h - crop, pad, letterbox, flips, warp; pixels to the network's tensor. Every image type
 * unless said otherwise. */
#ifndef VN_GEOMETRY_H
#define VN_GEOMETRY_H

#include "image/picture.h"
#include "tensor/tensor.h"

/* Cut out w x h at (x, y), which lies inside. */
int vn_crop(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int x, int y, int w,
            int h, struct vn_err *e);

/* Where a centre crop begins: torchvision int(round((side - size) / 2)), half to even; floor (numpy //,
 * OpenCV samples); ceil. */
enum vn_crop_rounding { VN_CROP_ROUND, VN_CROP_FLOOR, VN_CROP_CEIL, VN_CROP_ROUNDINGS };
double vn_rounded(double x, enum vn_crop_rounding r); /* round: half to even */
/* Where the crop of `size` begins on a side; negative where the side is padded up to it: by floor the
 * larger half of the border comes first (Hugging Face), otherwise the smaller one (torchvision). */
int vn_crop_begin(int side, int size, enum vn_crop_rounding r);
int vn_crop_rounding_find(const char *name); /* "round" "floor" "ceil"; -1: unknown */
const char *vn_crop_rounding_name(enum vn_crop_rounding r);
/* torchvision and Hugging Face pad a smaller image with zeros: `pad` not 0. Else that is an error. */
int vn_center_crop(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int w, int h,
                   enum vn_crop_rounding r, int pad, struct vn_err *e);

/* value: one for each channel. */
int vn_pad(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int left, int top,
           int right, int bottom, const double value[VN_MAX_CHANNELS], struct vn_err *e);
/* Where the image sits in a larger frame: "center" (left = floor(d / 2)), "center_round" (YOLO: round(d /
 * 2 - 0.1)), "center_ceil", "top_left" (bottom and right are padded), "bottom_right". */
enum vn_pad_position {
    VN_PAD_CENTER,
    VN_PAD_CENTER_ROUND,
    VN_PAD_CENTER_CEIL,
    VN_PAD_TOP_LEFT,
    VN_PAD_BOTTOM_RIGHT,
    VN_PAD_POSITIONS
};
int vn_pad_position_find(const char *name);
const char *vn_pad_position_name(enum vn_pad_position p);
/* Pixels before the image of those that a side is padded by. */
int vn_pad_before(int room, enum vn_pad_position where);
/* To exactly w x h, both at least the image's. A letterbox is a resize by the size rule `fit` or
 * `fit_round`, then this. */
int vn_pad_to(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int w, int h,
              enum vn_pad_position where, const double value[VN_MAX_CHANNELS], struct vn_err *e);

/* EXIF orientation 1..8 undone. */
int vn_orient(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int orientation,
              struct vn_err *e);

/* The inverse: 2 x 3, from positions of edges in the result to those in the image, which is w x h. */
void vn_orient_back(double m[6], int orientation, int w, int h);

/* cv2.warpAffine(in, m, (w, h), flags=INTER_LINEAR | (inverse ? WARP_INVERSE_MAP : 0), BORDER_CONSTANT,
 * value); uint8. m: 2 x 3 matrix, row by row. version NULL: newest; the fixed point of "4.10" differs from
 * 5. */
int vn_warp_affine(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, const double m[6],
                   int w, int h, int inverse, const double value[VN_MAX_CHANNELS], const char *version,
                   struct vn_err *e);

/* y = (x * scale - mean) / std, each for its channel, float32 throughout, in the order of operations that
 * `order` names: "scale_sub_div" (ToTensor, Normalize), "sub_mul" ((x - mean) * scale: the toolchain's
 * own). Arrays of VN_MAX_CHANNELS. */
struct vn_normalisation {
    float scale; /* ToTensor: divided by 255 where `divide`, else multiplied */
    int divide; /* x / scale instead of x * scale (torchvision's ToTensor divides by 255) */
    float mean[VN_MAX_CHANNELS], std[VN_MAX_CHANNELS];
    int multiply; /* (x - mean) * std instead of (x - mean) / std */
};
int vn_normalise(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in,
                 const struct vn_normalisation *n, struct vn_err *e);

/* H x W x C to a tensor [1, C, H, W] (or [1, H, W, C] with channels_last); integers are rounded half to
 * even and saturated where the pixels are float. minus_128: the *_128 forms (for VN_I8 and VN_F32). */
int vn_picture_tensor(struct vn_tensor **out, struct vn_arena *a, const struct vn_picture *in,
                      enum vn_dtype t, int channels_last, int minus_128, struct vn_err *e);
/* And back: rank 2 (H, W), 3 or 4 with batch 1; uint8, uint16 and float32 keep their type, others become
 * float32. */
int vn_picture_from_tensor(struct vn_picture *out, struct vn_arena *a, const struct vn_tensor *t,
                           int channels_last, struct vn_err *e);

#endif
