/* kernels/x86/resize_avx2.c */
#define LEVEL(x) x##_avx2
#include "kernels/x86/resize_types.h"
