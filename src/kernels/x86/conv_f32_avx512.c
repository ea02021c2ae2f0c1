/* kernels/x86/conv_f32_avx512.c - float32 convolution; lanes are output channels, so each output's order is
 * C's. */
#include "kernels/x86/finish_avx512.h"

#define ELEM float
#define PARAMS struct vn_conv_f32
#define VECTOR __m512
#define VECS 1
#define STEP 1
#define LANES (VN_OCB / VECS)
#define LOAD(p) _mm512_loadu_ps(p)
#define STORE(p, y) _mm512_storeu_ps(p, y)
#define STORE_HALF(p, y) _mm256_storeu_ps(p, _mm512_castps512_ps256(y))
#define SET(x) _mm512_set1_ps(x)
#define ADD(a, b) _mm512_add_ps(a, b)
#define MAX(a, b) _mm512_max_ps(a, b)
#define MIN(a, b) _mm512_min_ps(a, b)
#define LOAD_W(w) _mm512_loadu_ps(w)
#define LOAD_X(x) _mm512_set1_ps(*(x))
#define MAC(acc, x, w) _mm512_fmadd_ps(x, w, acc)
#define START(p, i) _mm512_loadu_ps((p)->bias + (i))
#define FINISH(out, pixel, k, acc, count, p) finish16_f32(out, pixel, k, acc, low_lanes(count), p)
#define FINISH_TILE(np, nv, form, acc, out, o, first, count, p) \
    finish_tile(np, nv, acc, out, first, count, (o)->oc, (o)->left, p)
#define PAD(p) 0
#define MOST_STEPS 32768
#define PATCH 131072
#define NP4 6
#define NP3 8
#define NP2 8
#define NP1 8
#include "kernels/x86/pixels.h"
#include "kernels/x86/finish_f32_body.h"
#include "kernels/x86/conv_body.h"

VN_CONV_F32(vn_conv_f32_avx512)
{
    const struct vn_window2d *const g = &p->g;
    if (g->k / g->groups <= VN_OCB / 2) { /* half a vector */
        vn_conv_f32_avx2(out, x, p, row0, row1, kb0, kb1);
        return;
    }
    if (!fits_list(g)) {
        vn_conv_f32_c(out, x, p, row0, row1, kb0, kb1);
        return;
    }
    const struct job job = { out, x, p, (size_t)g->kh * g->kw * (g->c / g->groups) * VN_OCB };
    run(&job, row0, row1, kb0, kb1);
}
