/* kernels/x86/conv_s8_avx512vnni.c - int8 convolution with vpdpbusd.
 *
 * The instruction multiplies unsigned by signed bytes. Activations become unsigned by flipping the sign bit,
 * which adds 128; the accumulators start lower by (zx + 128) * wsum. Sums wrap on the way, their end does
 * not. */
#include "kernels/x86/finish_avx512.h"

static inline __m512i load_x(const int8_t *x)
{
    int32_t four;
    memcpy(&four, x, sizeof four);
    return _mm512_xor_si512(_mm512_set1_epi32(four), _mm512_set1_epi8(-128));
}

static inline __m512i start16(const struct vn_conv_s8 *p, size_t i)
{
    const __m512i shift = _mm512_set1_epi32(p->zx + 128);
    const __m512i bias = _mm512_loadu_si512(p->bias + i), wsum = _mm512_loadu_si512(p->wsum + i);
    return _mm512_sub_epi32(bias, _mm512_mullo_epi32(wsum, shift));
}

#define ELEM int8_t
#define PARAMS struct vn_conv_s8
#define VECTOR __m512i
#define VECS 1
#define LANES (VN_OCB / VECS)
#define STEP 4
#define LOAD_W(w) _mm512_loadu_si512(w)
#define LOAD_X(x) load_x(x)
#define MAC(acc, x, w) _mm512_dpbusd_epi32(acc, x, w)
#define START(p, i) start16(p, i)
#define FINISH_TILE(np, nv, form, acc, out, o, first, count, p) \
    finish_tile_s8(np, nv, form, acc, out, first, count, (o)->oc, (o)->left, (size_t)(o)->kb *VN_OCB, \
                   &(o)->end, p)
#define ENDING struct ending
#define ENDING_OF(p, nv, i) ending_of(p, nv, i)
#define FORM(o) (o)->end.form
#define PAD(p) (p)->zx
#define MOST_STEPS 16384
#define PATCH 65536
#define NP4 4
#define NP3 5
#define NP2 8
#define NP1 8
#include "kernels/x86/conv_body.h"

VN_CONV_S8(vn_conv_s8_avx512vnni)
{
    const struct vn_window2d *const g = &p->g;
    if (p->wide || !fits_list(g)) {
        vn_conv_s8_c(out, x, p, row0, row1, kb0, kb1);
        return;
    }
    const struct job job = { out, x, p, vn_conv_s8_packed_bytes(g) / (size_t)vn_conv_blocks(g) };
    run(&job, row0, row1, kb0, kb1);
}
