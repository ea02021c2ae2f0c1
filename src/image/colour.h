/* image/colour.h - channel order, gray, YUV in its layouts. */
#ifndef VN_COLOUR_H
#define VN_COLOUR_H

#include "image/picture.h"

/* First and third of 3 or 4 channels exchanged, any type. */
int vn_swap_channels(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in,
                     struct vn_err *e);
/* One channel repeated, or alpha dropped: to 3 channels. */
int vn_three_channels(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in,
                      struct vn_err *e);
int vn_first_channel(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in,
                     struct vn_err *e);
/* R, G, B (or B, G, R) to one channel: opencv cvtColor (uint8 fixed point, float32), pillow convert("L")
 * (uint8), skimage rgb2gray (float32 in 0..1), torchvision rgb_to_grayscale (uint8 truncated, float32). */
int vn_gray(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in,
            enum vn_image_library lib, int bgr, struct vn_err *e);

/* ---- YUV ---- */

/* `exact`: real arithmetic, rounded half to even once, clamped: BT.601. `opencv`: cv2.cvtColor's fixed
 * point: video range as in COLOR_RGB2YUV_I420, COLOR_YUV2RGB_NV12 and their like (chroma: corner, repeat),
 * full range as in COLOR_RGB2YCrCb, but in the order Y, U, V. */
enum vn_yuv_rule { VN_YUV_EXACT, VN_YUV_OPENCV };
enum vn_yuv_range { VN_YUV_FULL, VN_YUV_VIDEO };
/* How the chroma of a 2 x 2 block becomes one value. `mean`: (a + b + c + d + 2) / 4 of the rounded chroma
 * (what the toolchain's calibration does); `mean_rgb`: chroma of the mean colour; `left`: rounded mean of
 * the two left ones (MPEG-2 siting); `corner`: the top left one (OpenCV). */
enum vn_chroma_down { VN_DOWN_MEAN, VN_DOWN_MEAN_RGB, VN_DOWN_LEFT, VN_DOWN_CORNER, VN_DOWNS };
/* And back. `repeat`: nearest; `linear`: centred, 9 3 3 1 (libjpeg's fancy upsampling); `left`: sited on
 * even columns */
enum vn_chroma_up { VN_UP_REPEAT, VN_UP_LINEAR, VN_UP_LEFT, VN_UPS };
/* Memory layouts, all uint8. */
enum vn_yuv_layout { VN_YUV444, VN_NV12, VN_NV21, VN_I420, VN_YV12, VN_YUV_LAYOUTS };

struct vn_yuv_format {
    enum vn_yuv_rule rule;
    enum vn_yuv_range range;
    enum vn_chroma_down down;
    enum vn_chroma_up up;
};
/* The words of the configuration: "full"/"video", "mean", "repeat", ...; -1: unknown. */
int vn_chroma_down_find(const char *name);
int vn_chroma_up_find(const char *name);
int vn_yuv_layout_find(const char *name);
const char *vn_chroma_down_name(enum vn_chroma_down d);
const char *vn_chroma_up_name(enum vn_chroma_up u);
const char *vn_yuv_layout_name(enum vn_yuv_layout l);

/* uint8 R, G, B <-> Y, U, V (H x W x 3). */
int vn_rgb_to_yuv444(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *rgb,
                     const struct vn_yuv_format *f, struct vn_err *e);
int vn_yuv444_to_rgb(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *yuv,
                     const struct vn_yuv_format *f, struct vn_err *e);
/* H x W x 3 <-> planes as memory holds them: `planes` is an image of w x (h * 3 / 2) x 1 (4:2:0), or w x
 * 3h x 1 (444 planar). Sides must be even for 4:2:0. */
int vn_yuv_pack(struct vn_picture *planes, struct vn_arena *a, const struct vn_picture *yuv,
                enum vn_yuv_layout l, enum vn_chroma_down d, struct vn_err *e);
int vn_yuv_unpack(struct vn_picture *yuv, struct vn_arena *a, const struct vn_picture *planes,
                  enum vn_yuv_layout l, enum vn_chroma_up u, struct vn_err *e);
/* Both steps at once (VN_DOWN_MEAN_RGB and the OpenCV rule need the colours). */
int vn_rgb_to_planes(struct vn_picture *planes, struct vn_arena *a, const struct vn_picture *rgb,
                     enum vn_yuv_layout l, const struct vn_yuv_format *f, struct vn_err *e);
int vn_planes_to_rgb(struct vn_picture *rgb, struct vn_arena *a, const struct vn_picture *planes,
                     enum vn_yuv_layout l, const struct vn_yuv_format *f, struct vn_err *e);

/* ---- the inputs of a converted network ---- */

/* What an image input looks like on both sides: neither is VN_IN_FEATUREMAP, and NV12 is no training type. */
struct vn_pixel_format {
    enum vn_input_type train, rt;
    int video_range; /* BT.601 limited range instead of full */
    int w, h;
    int channels_last_train, channels_last_rt;
};
static inline int vn_pixel_channels(const struct vn_pixel_format *f)
{
    return f->train == VN_IN_GRAY ? 1 : 3;
}

/* R, G, B pixels to the training order: H x W x C bytes. Gray: 0.299 R + 0.587 G + 0.114 B in 16-bit fixed
 * point (Pillow's rule); yuv444: full-range BT.601, rounded. */
void vn_pixels_train(uint8_t *out, const struct vn_picture *rgb, const struct vn_pixel_format *f);
/* Training pixels to what the runtime sees, H x W x C: channel order, or BT.601 with 8-bit rounding; nv12:
 * chroma is the rounded mean over 2 x 2 pixels, repeated. */
void vn_pixels_runtime(uint8_t *out, const uint8_t *train, const struct vn_pixel_format *f);
/* H x W x C runtime pixels to the bytes that a .bin reads (nv12: planes; NCHW: planar); vn_pixels_bytes()
 * of them. */
void vn_pixels_pack(uint8_t *out, const uint8_t *runtime, const struct vn_pixel_format *f);
size_t vn_pixels_bytes(const struct vn_pixel_format *f);
/* H x W x C runtime pixels to "pixel - 128" in the network's layout. */
void vn_pixels_tensor(float *out, const uint8_t *runtime, const struct vn_pixel_format *f);

#endif
