#define NAME vn_dots_f64_avx512
#define LANES 8
#define UNITS 16
#define WIDEN(p) _mm512_cvtps_pd(_mm256_loadu_ps(p))
#include "kernels/x86/dots_body.h"
