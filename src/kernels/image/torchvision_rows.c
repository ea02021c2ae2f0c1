/* kernels/image/torchvision_rows.c - torchvision's passes: the definition of right. */
#define NAME(x) vn_##x##_c
#include "kernels/image/torchvision_rows_body.h"
