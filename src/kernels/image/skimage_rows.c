/* kernels/image/skimage_rows.c - weighted sums of rows in float64: the definition of right. */
#define NAME(x) vn_##x##_c
#include "kernels/image/skimage_rows_body.h"
