/* kernels/image/x86/torchvision_rows_avx2.c - the common body with AVX2: the compiler makes the vectors. */
#define NAME(x) vn_##x##_avx2
#include "kernels/image/torchvision_rows_body.h"
