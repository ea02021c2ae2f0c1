/* kernels/x86/dwconv_f32_avx2.c */
#include "kernels/x86/finish_avx2.h"

#define VECTOR __m256
#define LANES 8
#define LOAD(p) _mm256_loadu_ps(p)
#define STORE(p, y) _mm256_storeu_ps(p, y)
#define STORE_HALF(p, y) _mm_storeu_ps(p, _mm256_castps256_ps128(y))
#define SET(x) _mm256_set1_ps(x)
#define ADD(a, b) _mm256_add_ps(a, b)
#define MAX(a, b) _mm256_max_ps(a, b)
#define MIN(a, b) _mm256_min_ps(a, b)
#define FINISH(out, pixel, k, acc, count, p) finish8_f32(out, pixel, k, acc, count, p)
#define LOAD_LOW(p, count) _mm256_maskload_ps(p, low_lanes(count))
#define FMA(x, w, acc) _mm256_fmadd_ps(x, w, acc)
#include "kernels/x86/pixels.h"
#include "kernels/x86/finish_f32_body.h"
#include "kernels/x86/dwconv_f32_body.h"

VN_CONV_F32(vn_dwconv_f32_avx2) { run(out, x, p, row0, row1, kb0, kb1); }
