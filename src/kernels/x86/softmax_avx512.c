/* kernels/x86/softmax_avx512.c */
#define NAME(x) vn_softmax_##x##_avx512
#include "kernels/x86/softmax_body.h"
