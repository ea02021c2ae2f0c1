/* kernels/values/x86/value_loops_avx512.c - the common body with AVX512: the compiler makes the vectors. */
#include <vernier/runtime.h>

#define VALUE_KERNELS vn_value_kernels_avx512
#define VALUE_CPU (VN_CPU_AVX2 | VN_CPU_AVX512)
#define VALUE_WIDTH 8
#include "kernels/values/value_loops_body.h"
