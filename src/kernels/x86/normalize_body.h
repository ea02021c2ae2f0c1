/* kernels/x86/normalize_body.h - vn_normalize_f32: lane i holds partial sum i. The file that includes this
 * defines NAME. */
#include <string.h>

#include "kernels/kernels.h"

typedef float v16 __attribute__((vector_size(64)));
typedef float v8 __attribute__((vector_size(32)));
typedef float v4 __attribute__((vector_size(16)));
#define INLINE static inline __attribute__((always_inline))

/* Vectors go by their address: as arguments they would depend on the level. */
INLINE void load(v16 *v, const float *x, int n)
{
    if (n >= 16) {
        memcpy(v, x, sizeof *v);
        return;
    }
    *v = (v16){ 0 };
    memcpy(v, x, (size_t)n * sizeof *x);
}

INLINE void store(float *y, const v16 *v, int n)
{
    memcpy(y, v, n >= 16 ? sizeof *v : (size_t)n * sizeof *y);
}

INLINE float mean(const v16 *part, int n)
{
    v8 a[2];
    v4 b[2];
    memcpy(a, part, sizeof a);
    a[0] += a[1];
    memcpy(b, a, sizeof b);
    b[0] += b[1];
    return (b[0][0] + b[0][2] + (b[0][1] + b[0][3])) / (float)n;
}

/* Elements that a row does not have add 0: no partial sum is -0. */
INLINE void clear_behind(v16 *v, int n)
{
    float copy[16];
    if (n >= 16)
        return;
    memcpy(copy, v, sizeof copy);
    load(v, copy, n);
}

INLINE void normalize_row(float *y, const float *x, const struct vn_normalize *p)
{
    const int n = p->n;
    v16 sum = { 0 }, squares = { 0 };
    v16 v, scale, bias;
    for (int i = 0; i < n && p->centre; i += 16) {
        load(&v, x + i, n - i);
        sum += v;
    }
    const float middle = p->centre ? mean(&sum, n) : 0.0f;
    for (int i = 0; i < n; i += 16) {
        load(&v, x + i, n - i);
        v -= middle;
        clear_behind(&v, n - i);
        squares += v * v;
    }
    const float root = __builtin_sqrtf(mean(&squares, n) + (float)p->epsilon);
    for (int i = 0; i < n; i += 16) {
        load(&v, x + i, n - i);
        load(&scale, p->scale + i, n - i);
        load(&bias, p->bias + i, n - i);
        v = (v - middle) / root * scale + bias;
        store(y + i, &v, n - i);
    }
}

void NAME(float *out, const float *x, const struct vn_normalize *p, int row0, int row1)
{
    for (int r = row0; r < row1; r++, x += p->n, out += p->n)
        normalize_row(out, x, p);
}
