#define NAME vn_normalize_f32_avx2
#include "kernels/x86/normalize_body.h"
