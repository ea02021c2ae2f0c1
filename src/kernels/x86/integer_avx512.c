/* kernels/x86/integer_avx512.c */
#define LEVEL(x) x##_avx512
#include "kernels/x86/integer_types.h"
