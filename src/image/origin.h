/* image/origin.h - where the pixels of a prepared image come from: boxes and masks are mapped back by it.
 *
 * Positions are those of edges: pixel i reaches from i to i + 1, its centre is i + 0.5. They are mapped to
 * the image as displayed, that is turned as the camera's note in the file (EXIF) says, whether or not the
 * decoding library turns it. */
#ifndef VN_ORIGIN_H
#define VN_ORIGIN_H

struct vn_origin {
    /* 2 x 3, row by row: (x, y) here is at (m0 x + m1 y + m2, m3 x + m4 y + m5) in the image as displayed */
    double m[6];
    int w, h; /* size of that image; 0: unknown, e.g. for an array that is not an image */
};

/* Pixels as the file stores them, w x h, with the note `orientation`, 1 to 8; 1: they are as shown. */
struct vn_origin vn_origin_of_file(int w, int h, int orientation);

/* The operations on the image, in order. */
void vn_origin_step(struct vn_origin *o, const double back[6]); /* a position now to one before */
void vn_origin_resized(struct vn_origin *o, int from_w, int from_h, int w, int h);
void vn_origin_cropped(struct vn_origin *o, int x,
                       int y); /* what was at (x, y) is at (0, 0); negative: padded */
void vn_origin_turned(struct vn_origin *o, int orientation, int from_w, int from_h); /* vn_orient */
void vn_origin_warped(struct vn_origin *o, const double m[6],
                      int inverse); /* vn_warp_affine: between centres of pixels */

/* out: first `inner`, then `outer`; it may be one of them. */
void vn_affine_after(double out[6], const double outer[6], const double inner[6]);
/* As cv::invertAffineTransform: all zero where there is no inverse. */
void vn_affine_invert(double out[6], const double m[6]);

#endif
