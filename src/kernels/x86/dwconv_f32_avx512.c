/* kernels/x86/dwconv_f32_avx512.c */
#include "kernels/x86/finish_avx512.h"

#define VECTOR __m512
#define LANES 16
#define WIDE 2
#define NP 8
#define LOAD(p) _mm512_loadu_ps(p)
#define LOAD_LOW(p, count) _mm512_maskz_loadu_ps(low_lanes(count), p)
#define FMA(x, w, acc) _mm512_fmadd_ps(x, w, acc)
#define FINISH(out, pixel, k, acc, count, p) finish16_f32(out, pixel, k, acc, low_lanes(count), p)
#include "kernels/x86/dwconv_f32_body.h"

VN_CONV_F32(vn_dwconv_f32_avx512) { run(out, x, p, row0, row1, kb0, kb1); }
