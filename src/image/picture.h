/* image/picture.h - pixels in memory, and the libraries whose rules are followed. */
#ifndef VN_PICTURE_H
#define VN_PICTURE_H

#include "base/arena.h"
#include "base/err.h"

enum vn_pixel_type { VN_PIXEL_U8, VN_PIXEL_U16, VN_PIXEL_F32 };

/* H x W x C, row-major, without padding. What the values mean (R, G, B or B, G, R; 0..255 or 0..1) is known
 * to who made them. */
struct vn_picture {
    int w, h, c;
    union {
        uint8_t *data; /* VN_PIXEL_U8 */
        uint16_t *u16;
        float *f32;
    };
    enum vn_pixel_type type;
};

#ifndef VN_MAX_PIXELS /* fuzzing takes fewer: a few bytes of WebP or fax may stand for as many as are \
                         allowed */
#define VN_MAX_PIXELS ((int64_t)1 << 28) /* of any image */
#endif
#define VN_MAX_CHANNELS 4

size_t vn_pixel_size(enum vn_pixel_type t);
const char *vn_pixel_name(enum vn_pixel_type t); /* "uint8", "uint16", "float32" */
static inline size_t vn_picture_values(const struct vn_picture *p) { return (size_t)p->w * p->h * p->c; }
/* An image of zeros. Errors: VN_E_INPUT where a size is out of range. */
int vn_picture_new(struct vn_picture *p, struct vn_arena *a, int w, int h, int c, enum vn_pixel_type t,
                   struct vn_err *e);
/* Refuses sizes below 1 and more than VN_MAX_PIXELS; `what` begins the message. */
int vn_picture_check_size(int64_t w, int64_t h, const char *what, struct vn_err *e);
double vn_picture_value(const struct vn_picture *p, size_t i); /* of any type */
/* The same values in another type: integers keep their value (saturated), float to integer truncates (numpy's
 * astype, saturated). */
int vn_picture_cast(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in,
                    enum vn_pixel_type t, struct vn_err *e);

/* The libraries whose rules are known, as a pipeline names them: "opencv", "pillow", "skimage",
 * "torchvision". */
enum vn_image_library { VN_LIB_OPENCV, VN_LIB_PILLOW, VN_LIB_SKIMAGE, VN_LIB_TORCHVISION, VN_LIBS };
const char *vn_library_name(enum vn_image_library l);
int vn_library_find(const char *name); /* -1: unknown */
int vn_image_word(const char *const *words, int n,
                  const char *word); /* index of a word in a list; -1: not there */

#endif
