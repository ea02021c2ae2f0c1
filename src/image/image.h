/* image/image.h - pictures: decode, resize and crop by the rules of the libraries that training programs use, colour. */
#ifndef VN_IMAGE_H
#define VN_IMAGE_H

#include "base/arena.h"
#include "base/err.h"

/* 8-bit pixels, H x W x C, row-major, without padding. */
struct vn_picture {
    int w, h, c; /* c = 3: R, G, B; c = 1: gray */
    uint8_t *data;
};

/* Decode a JPEG or PNG file (told apart by their first bytes) to R, G, B; gray pictures are repeated over the three channels,
 * alpha is dropped, 16-bit PNG keeps its high bytes. Same pixels as PIL.Image.open(...).convert("RGB") for 8-bit files.
 * Errors: VN_E_INPUT for a damaged, truncated or huge (over 2^28 pixels) file, VN_E_UNSUPPORTED for another format. */
int vn_picture_read(struct vn_picture *p, struct vn_arena *a, const char *path, struct vn_err *e);
/* The two decoders, from memory; `path` is for messages. */
int vn_picture_jpeg(struct vn_picture *p, struct vn_arena *a, const uint8_t *data, size_t bytes, const char *path, struct vn_err *e);
int vn_picture_png(struct vn_picture *p, struct vn_arena *a, const uint8_t *data, size_t bytes, const char *path, struct vn_err *e);
int vn_picture_is_image_name(const char *path); /* .jpg .jpeg .png */

/* Bilinear resize as Pillow does it: triangle filter widened by the reduction (antialias), horizontal pass first, coefficients in
 * units of 2^-22, each pass rounded to 8 bits. */
void vn_resize_pillow_bilinear(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int w, int h);
/* Cut out w x h at (x, y), which lies inside. */
void vn_crop(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int x, int y, int w, int h);

/* ---- a pipeline: "short_side 256; center_crop 224" ----
 *   resize W H         bilinear, antialias (Pillow)
 *   short_side S       the shorter side becomes S, the other int(S * long / short) (torchvision's rule)
 *   center_crop S      or: center_crop W H; offset round((side - S) / 2), half to even (torchvision's rule)
 */
struct vn_pipeline;
int vn_pipeline_parse(struct vn_pipeline **out, struct vn_arena *a, const char *text, struct vn_err *e);
int vn_pipeline_run(struct vn_picture *out, struct vn_arena *a, const struct vn_pipeline *p, const struct vn_picture *in, struct vn_err *e);

/* ---- colour ---- */

/* What an input looks like on both sides. Strings as in the configuration ("rgb", "bgr", "yuv444", "nv12", "gray"). */
struct vn_pixel_format {
    const char *train, *rt;
    int video_range; /* BT.601 limited range instead of full */
    int w, h;
    int channels_last_train, channels_last_rt;
};
static inline int vn_pixel_channels(const struct vn_pixel_format *f) { return f->train[0] == 'g' ? 1 : 3; }

/* R, G, B pixels to the training order: H x W x C bytes. Gray: 0.299 R + 0.587 G + 0.114 B in 16-bit fixed point (Pillow's rule);
 * yuv444: full-range BT.601, rounded. */
void vn_pixels_train(uint8_t *out, const struct vn_picture *rgb, const struct vn_pixel_format *f);
/* Training pixels to what the runtime sees, H x W x C: channel order, or BT.601 with 8-bit rounding; nv12: chroma is the rounded
 * mean over 2 x 2 pixels, repeated. */
void vn_pixels_runtime(uint8_t *out, const uint8_t *train, const struct vn_pixel_format *f);
/* H x W x C runtime pixels to the bytes that a .bin reads (nv12: planes; NCHW: planar); vn_pixels_bytes() of them. */
void vn_pixels_pack(uint8_t *out, const uint8_t *runtime, const struct vn_pixel_format *f);
size_t vn_pixels_bytes(const struct vn_pixel_format *f);
/* H x W x C runtime pixels to "pixel - 128" in the network's layout. */
void vn_pixels_tensor(float *out, const uint8_t *runtime, const struct vn_pixel_format *f);

#endif
