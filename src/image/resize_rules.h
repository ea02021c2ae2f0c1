/* image/resize_rules.h - between resize.c, which has the table, and each library's file. */
#ifndef VN_RESIZE_RULES_H
#define VN_RESIZE_RULES_H

#include "image/resize.h"

#define RESIZE_RUN(name) \
    int name(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, \
             const struct vn_resize_rule *r, int w, int h, struct vn_err *e)
RESIZE_RUN(vn_resize_opencv);
RESIZE_RUN(vn_resize_pillow);
RESIZE_RUN(vn_resize_torchvision);
RESIZE_RUN(vn_resize_skimage);

/* out(i, j) = in(x[i], y[j]), x and y ascending: all kinds of nearest. */
int vn_resize_pick(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, const int *x,
                   int w, const int *y, int h, struct vn_err *e);

/* OpenCV's source pixels for each output pixel. */
static inline double vn_opencv_scale(int in, int out) { return 1. / ((double)out / in); }
struct vn_taps;
/* Finds lo, hi and block of t, of rows of `in` pixels of c channels; leaves them 0 for two channels. */
void vn_opencv_widen(struct vn_taps *t, struct vn_arena *a, int in, int out, int c);
int vn_opencv_area(struct vn_picture *out, struct vn_arena *a, const struct vn_picture *in, int w, int h,
                   struct vn_err *e);

/* n indices between `from` and `to`, by repeated addition: nearest of Pillow, and nearest_exact of OpenCV 5.
 */
int *vn_resize_steps(struct vn_arena *a, int in, float from, float to, int n);

enum {
    OPENCV_NEAREST,
    OPENCV_NEAREST_EXACT,
    OPENCV_NEAREST_STEPS,
    OPENCV_LINEAR,
    OPENCV_LINEAR_EXACT,
    OPENCV_AREA,
    OPENCV_CUBIC,
    OPENCV_LANCZOS4
};
enum {
    PILLOW_NEAREST,
    PILLOW_BOX,
    PILLOW_BILINEAR,
    PILLOW_HAMMING,
    PILLOW_BICUBIC,
    PILLOW_LANCZOS,
    PILLOW_METHOD = 15,
    PILLOW_BY_COST = 16
};
enum { TORCH_NEAREST, TORCH_NEAREST_EXACT, TORCH_BILINEAR, TORCH_BICUBIC };

#endif
