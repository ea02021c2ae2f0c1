/* kernels/image/x86/skimage_rows_avx2.c - the common body with AVX2: the compiler makes the vectors. */
#define NAME(x) vn_##x##_avx2
#include "kernels/image/skimage_rows_body.h"
