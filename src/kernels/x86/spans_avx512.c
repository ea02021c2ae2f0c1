/* kernels/x86/spans_avx512.c */
#define NAME(x) vn_##x##_avx512
#include "kernels/spans_body.h"
