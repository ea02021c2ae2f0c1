/* kernels/x86/preprocess_avx2.c - the common body with AVX2. */
#define NAME(width) vn_preprocess_##width##_avx2
#include "kernels/preprocess_body.h"
