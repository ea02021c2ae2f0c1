/* kernels/x86/spans_avx2.c */
#define NAME(x) vn_##x##_avx2
#include "kernels/spans_body.h"
