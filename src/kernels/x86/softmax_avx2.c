/* kernels/x86/softmax_avx2.c */
#define NAME(x) vn_softmax_##x##_avx2
#include "kernels/x86/softmax_body.h"
