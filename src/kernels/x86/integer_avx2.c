/* kernels/x86/integer_avx2.c - the common body for int16 with AVX2: the compiler makes the vectors. */
#include "kernels/pool_window.h"

#include "kernels/integer_macros.h"

#define ELEM int16_t
#define LEAST INT16_MIN
#define MOST INT16_MAX
#define NAME(x) vn_##x##_s16_avx2
#include "kernels/integer_body.h"

void vn_rescale_s16_avx2(int16_t *out, const int16_t *x, size_t n, const struct vn_rescale *p)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (int16_t)vn_rescale(x[i], p->zx, p->ratio, p->zy, p->lo, p->hi);
}
