/* kernels/x86/resize_types.h - resize_body.h for each type; the includer defines LEVEL(x), a name with the
 * instruction set. */
#include "kernels/conv.h"

#define RESIZE_CHUNK 2048 /* elements of an output row that are made together */

#define NAME(x) LEVEL(x##_s8)
#define ELEM int8_t
#define HALF int32_t
#define RESIZE_BITS VN_RESIZE_BITS
#define WEIGHTS_X(p) (p)->qx
#define WEIGHTS_Y(p) (p)->qy
#define ACROSS(l, wl, r, wr) (((l)-zx) * (wl) + ((r)-zx) * (wr))
#define FINISH(a, wa, b, wb) (int8_t) vn_sat_rne((float)((a) * (wa) + (b) * (wb)) * m, zy, INT8_MIN, INT8_MAX)
#include "kernels/x86/resize_body.h"

/* Sums of 46 bits: exact in doubles. */
#define NAME(x) LEVEL(x##_s16)
#define ELEM int16_t
#define HALF int32_t
#define RESIZE_BITS VN_RESIZE16_BITS
#define WEIGHTS_X(p) (p)->qx
#define WEIGHTS_Y(p) (p)->qy
#define ACROSS(l, wl, r, wr) (((l)-zx) * (wl) + ((r)-zx) * (wr))
#define FINISH(a, wa, b, wb) \
    (int16_t) vn_sat_rne((float)((double)(a) * (double)(wa) + (double)(b) * (double)(wb)) * m, zy, \
                         INT16_MIN, INT16_MAX)
#include "kernels/x86/resize_body.h"

#define NAME(x) LEVEL(x##_f32)
#define ELEM float
#define HALF float
#define RESIZE_BITS 0
#define WEIGHTS_X(p) (p)->wx
#define WEIGHTS_Y(p) (p)->wy
#define ACROSS(l, wl, r, wr) ((l) * (wl) + (r) * (wr))
#define FINISH(a, wa, b, wb) ((a) * (wa) + (b) * (wb))
#include "kernels/x86/resize_body.h"
