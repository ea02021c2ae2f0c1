/* kernels/x86/conv_f32_avx2.c - float32 convolution; lanes are output channels, so each output's order is
 * C's. */
#include "kernels/x86/finish_avx2.h"

#define ELEM float
#define PARAMS struct vn_conv_f32
#define VECTOR __m256
#define VECS 2
#define STEP 1
#define LANES (VN_OCB / VECS)
#define LOAD(p) _mm256_loadu_ps(p)
#define STORE(p, y) _mm256_storeu_ps(p, y)
#define STORE_HALF(p, y) _mm_storeu_ps(p, _mm256_castps256_ps128(y))
#define SET(x) _mm256_set1_ps(x)
#define ADD(a, b) _mm256_add_ps(a, b)
#define MAX(a, b) _mm256_max_ps(a, b)
#define MIN(a, b) _mm256_min_ps(a, b)
#define LOAD_W(w) _mm256_loadu_ps(w)
#define LOAD_X(x) _mm256_broadcast_ss(x)
#define MAC(acc, x, w) _mm256_fmadd_ps(x, w, acc)
#define START(p, i) _mm256_loadu_ps((p)->bias + (i))
#define FINISH(out, pixel, k, acc, count, p) finish8_f32(out, pixel, k, acc, count, p)
#define FINISH_TILE(np, nv, form, acc, out, o, first, count, p) \
    finish_tile(np, nv, acc, out, first, count, (o)->oc, (o)->left, p)
#define PAD(p) 0
#define MOST_STEPS 32768
#define PATCH 131072
#define NP2 6
#define NP1 8
#include "kernels/x86/pixels.h"
#include "kernels/x86/finish_f32_body.h"
#include "kernels/x86/conv_body.h"

VN_CONV_F32(vn_conv_f32_avx2)
{
    const struct vn_window2d *const g = &p->g;
    if (!fits_list(g)) {
        vn_conv_f32_c(out, x, p, row0, row1, kb0, kb1);
        return;
    }
    const struct job job = { out, x, p, (size_t)g->kh * g->kw * (g->c / g->groups) * VN_OCB };
    run(&job, row0, row1, kb0, kb1);
}
