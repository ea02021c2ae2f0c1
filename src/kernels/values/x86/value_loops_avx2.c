/* kernels/values/x86/value_loops_avx2.c - the common body with AVX2: the compiler makes the vectors. */
#include <vernier/runtime.h>

#define VALUE_KERNELS vn_value_kernels_avx2
#define VALUE_CPU VN_CPU_AVX2
#define VALUE_WIDTH 4
#include "kernels/values/value_loops_body.h"
