/* kernels/x86/dwconv_f32_avx512.c */
#include "kernels/x86/finish_avx512.h"

#define VECTOR __m512
#define LANES 16
#define LOAD(p) _mm512_loadu_ps(p)
#define STORE(p, y) _mm512_storeu_ps(p, y)
#define STORE_HALF(p, y) _mm256_storeu_ps(p, _mm512_castps512_ps256(y))
#define SET(x) _mm512_set1_ps(x)
#define ADD(a, b) _mm512_add_ps(a, b)
#define MAX(a, b) _mm512_max_ps(a, b)
#define MIN(a, b) _mm512_min_ps(a, b)
#define FINISH(out, pixel, k, acc, count, p) finish16_f32(out, pixel, k, acc, low_lanes(count), p)
#define LOAD_LOW(p, count) _mm512_maskz_loadu_ps(low_lanes(count), p)
#define FMA(x, w, acc) _mm512_fmadd_ps(x, w, acc)
#include "kernels/x86/pixels.h"
#include "kernels/x86/finish_f32_body.h"
#include "kernels/x86/dwconv_f32_body.h"

/* A last block of few channels has half a vector. */
VN_CONV_F32(vn_dwconv_f32_avx512)
{
    const int narrow = kb1 * VN_OCB - p->g.c >= VN_OCB / 2;
    run(out, x, p, row0, row1, kb0, kb1 - narrow);
    if (narrow)
        vn_dwconv_f32_avx2(out, x, p, row0, row1, kb1 - 1, kb1);
}
