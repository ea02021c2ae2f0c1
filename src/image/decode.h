/* image/decode.h - image files to pixels, as the common libraries decode them. One file decode_FORMAT.c for
 * each format with one descriptor, and a line in formats.def. */
#ifndef VN_DECODE_H
#define VN_DECODE_H

#include "image/picture.h"

enum vn_orientation {
    /* EXIF orientation as the library treats it: OpenCV rotates the image, Pillow and skimage do not */
    VN_ORIENT_LIBRARY,
    VN_ORIENT_KEEP,
    VN_ORIENT_APPLY, /* as PIL.ImageOps.exif_transpose */
};

/* How a JPEG's coefficients become samples. The three differ by a step or two in many pixels. */
enum vn_jpeg_dct {
    VN_DCT_LIBRARY, /* islow: OpenCV, Pillow, and skimage, which uses Pillow */
    VN_DCT_ISLOW, /* integers, exact; libjpeg's default */
    VN_DCT_IFAST, /* integers, faster: TurboJPEG with TJFLAG_FASTDCT, TensorFlow's decode_jpeg by default */
    VN_DCT_FLOAT,
};
/* How a JPEG's chroma at half the size becomes as many samples as there are pixels. */
enum vn_upsampling {
    VN_UPSAMPLING_LIBRARY, /* fancy: OpenCV, Pillow, and skimage, which uses Pillow */
    VN_UPSAMPLING_FANCY, /* a triangle filter */
    VN_UPSAMPLING_SIMPLE, /* repeated: TurboJPEG with TJFLAG_FASTUPSAMPLE */
};

/* An image and what its file says about it. */
struct vn_decode_report {
    int w, h; /* of the image before `reduce` and `draft` */
    int orientation; /* still to be applied to the pixels, 1 to 8; 1: none */
};

/* What the library's call gives:
 *
 *   opencv    cv2.imread(path), but R, G, B unless `bgr`: 8 bits, 3 channels; alpha dropped, 16 bits / 256,
 * EXIF orientation applied pillow    PIL.Image.open(path).convert("RGB"): 8 bits, 3 channels; alpha dropped;
 * 16-bit gray clipped to 255 (as Pillow does) skimage   skimage.io.imread(path): the channels of the file
 * (gray 1, gray with alpha 2, 3, 4; CMYK 4), 16 bits stay 16 bits
 *
 * channels 1: cv2.IMREAD_GRAYSCALE, .convert("L"), as_gray is not done (skimage: only files that are gray).
 * channels 3 with skimage: gray is repeated, alpha dropped, 16 bits remain. 0: the library's default.
 * unchanged: cv2.IMREAD_UNCHANGED, Pillow without .convert (palettes are still looked up): the file's
 * channels and bits.
 *
 * Smaller images than the file's: a JPEG is decoded at 1/2, 1/4 or 1/8 of its sides (rounded up). Of other
 * formats OpenCV (cv2.IMREAD_REDUCED_*) resizes the whole image by linear_exact to sides rounded down;
 * Pillow and skimage leave it as it is.
 * draft: Pillow's Image.draft(None, (w, h)): the largest reduction that leaves at least these sides; `reduce`
 * is not looked at. */
struct vn_decode_options {
    enum vn_image_library library;
    enum vn_orientation orientation;
    int channels; /* 0, 1, 3 */
    int bgr; /* first and third channel exchanged, as OpenCV hands them out */
    int unchanged;
    enum vn_jpeg_dct dct;
    enum vn_upsampling upsampling;
    int reduce; /* 1 (or 0), 2, 4, 8 */
    int draft[2]; /* w, h; 0: not requested */
    struct vn_decode_report *report; /* NULL, or gets what is left to know */
};
/* Pillow's rule, R, G, B. */
struct vn_decode_options vn_decode_defaults(void);

/* Errors: VN_E_INPUT for a damaged, truncated or huge (over VN_MAX_PIXELS) file, VN_E_UNSUPPORTED for what is
 * not decoded (another format, a variant of one). `path` begins every message. */
int vn_decode_file(struct vn_picture *p, struct vn_arena *a, const char *path,
                   const struct vn_decode_options *o, struct vn_err *e);
int vn_decode_memory(struct vn_picture *p, struct vn_arena *a, const uint8_t *data, size_t bytes,
                     const char *path, const struct vn_decode_options *o, struct vn_err *e);

/* An image of 8-bit R, G, B as a PNG file in memory of `a`. */
int vn_png_encode(const void **data, size_t *bytes, struct vn_arena *a, const struct vn_picture *p,
                  struct vn_err *e);

/* ---- formats ---- */

/* What becomes of R, G, B where OpenCV reads gray: each of its readers has a rule of its own, most the first.
 */
enum vn_reader_gray { VN_GRAY_14_BITS, VN_GRAY_CVT_COLOR, VN_GRAY_CUT };

/* What a decoder gives: the file's own pixels, before any library's rule. */
struct vn_decoded {
    struct vn_picture p; /* c = 1 gray, 2 gray + alpha, 3 RGB, 4 RGB + alpha (or C, M, Y, K); U8 or U16 */
    int cmyk; /* 255 = no ink, as Adobe stores it; so the libraries take files of others, too */
    int bits; /* of the file's samples; 1..16 */
    int orientation; /* EXIF: 1..8, 0: absent */
    int stays; /* OpenCV does not turn it: an animation */
    int palette; /* colours came from a palette */
    int color_key; /* the file has a key colour or transparent palette entries; of these only palettes give an
                      alpha channel */
    int keep_16; /* 16 bits remain by every rule */
    enum vn_reader_gray gray;
    int reduced; /* the decoder took care of `reduce` ... */
    int file_w, file_h; /* ... of these sides */
};

/* A file being decoded. */
struct vn_decode_in {
    const uint8_t *data;
    size_t bytes;
    const char *path; /* for messages */
    const struct vn_decode_options *options;
};

struct vn_decoder {
    const char *name; /* "jpeg" */
    const char *suffixes[5]; /* ".jpg", ".jpeg", NULL */
    int (*is)(const uint8_t *data, size_t bytes);
    unsigned turned_by; /* 1 << enum vn_image_library: they apply this format's orientation by themselves */
    /* Pixels go into `a`; what the decoder holds meanwhile is tied to `work`. */
    int (*read)(struct vn_decoded *d, struct vn_arena *a, struct vn_arena *work,
                const struct vn_decode_in *in, struct vn_err *e);
};
const struct vn_decoder *vn_decoder_find(const uint8_t *data, size_t bytes); /* NULL: none */
int vn_picture_is_image_name(const char *path); /* has the suffix of a format */

/* For decoders, before they take memory: refuses `stored` bytes that are too few, as one of them stands for
 * at most `most` of what is `wanted` in all (bytes, pixels, rows). */
int vn_decode_check_length(const char *path, const char *format, uint64_t stored, uint64_t most,
                           uint64_t wanted, struct vn_err *e);
#define VN_DEFLATE_MOST 1032

/* Orientation in a block of EXIF data, with or without its "Exif" head; 0: none, or damaged. */
int vn_exif_orientation(const uint8_t *data, size_t bytes);

#define FORMAT(name) extern const struct vn_decoder vn_decoder_##name;
#include "image/formats.def"
#undef FORMAT

#endif
