/* kernels/image/pixel_rows.c - channels and normalisation: the definition of right. */
#define NAME(x) vn_##x##_c
#include "kernels/image/pixel_rows_body.h"
