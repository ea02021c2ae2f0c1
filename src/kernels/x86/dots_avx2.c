#define NAME vn_dots_f64_avx2
#define LANES 4
#define UNITS 8
#define WIDEN(p) _mm256_cvtps_pd(_mm_loadu_ps(p))
#include "kernels/x86/dots_body.h"
