/* ops/tuples.c - coordinates in index tensors, and what a scatter does with an element. */
#include "ops/tuples.h"

const char *const vn_scatter_modes[] = { "none", "add", "mul", "max", "min", NULL };

int64_t vn_tuple_offset(const struct vn_shape *s, const int64_t *tuple, int batch, int64_t k)
{
    int64_t stride[VN_MAX_RANK], at = 0;
    vn_shape_strides(s, stride);
    for (int64_t i = 0; i < k; i++) {
        const int64_t dim = s->d[batch + i];
        if (tuple[i] < -dim || tuple[i] >= dim)
            return -1;
        at += (tuple[i] + (tuple[i] < 0 ? dim : 0)) * stride[batch + i];
    }
    return at;
}

void vn_scatter_cell(struct vn_tensor *y, int64_t at, const struct vn_tensor *v, int64_t from, int mode)
{
    if (y->dtype == VN_I64) {
        const int64_t a = vn_i64(y)[at], b = vn_i64(v)[from];
        const int64_t joined[] = { b, (int64_t)((uint64_t)a + (uint64_t)b), (int64_t)((uint64_t)a * (uint64_t)b), a > b ? a : b, a < b ? a : b };
        vn_i64(y)[at] = joined[mode];
    } else {
        const double a = vn_f64(y)[at], b = vn_f64(v)[from];
        const double joined[] = { b, a + b, a * b, a > b ? a : b, a < b ? a : b };
        vn_f64(y)[at] = joined[mode];
    }
}
