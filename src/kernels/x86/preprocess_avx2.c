/* kernels/x86/preprocess_avx2.c - the common body with AVX2. */
#define NAME vn_preprocess_s8_avx2
#include "kernels/preprocess_body.h"
