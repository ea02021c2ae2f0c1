#define NAME vn_normalize_f32_avx512
#include "kernels/x86/normalize_body.h"
