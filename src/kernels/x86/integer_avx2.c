/* kernels/x86/integer_avx2.c */
#define LEVEL(x) x##_avx2
#include "kernels/x86/integer_types.h"
