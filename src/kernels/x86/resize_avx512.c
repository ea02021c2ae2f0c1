/* kernels/x86/resize_avx512.c */
#define LEVEL(x) x##_avx512
#include "kernels/x86/resize_types.h"
