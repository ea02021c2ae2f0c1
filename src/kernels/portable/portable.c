/* kernels/portable/portable.c - the table of functions, and what they share. */
#include "kernels/portable.h"

const struct vn_portable *const vn_portables[VN_PORTABLE_COUNT] = {
#define PORTABLE(name) &vn_portable_##name,
#include "format/portable.def"
#undef PORTABLE
};

int64_t vn_cell_wrap(int64_t x, int dtype)
{
    switch (dtype) {
    case VN_BOOL: return x != 0;
    case VN_I8: return (int8_t)x;
    case VN_U8: return (uint8_t)x;
    case VN_I16: return (int16_t)x;
    case VN_U16: return (uint16_t)x;
    case VN_I32: return (int32_t)x;
    case VN_U32: return (uint32_t)x;
    default: return x;
    }
}

int vn_cells_same(const struct vn_cells *a, const struct vn_cells *b)
{
    return a->rank == b->rank && !memcmp(a->d, b->d, sizeof *a->d * (size_t)a->rank);
}

void vn_cells_strides(const struct vn_cells *t, int64_t *stride)
{
    int64_t step = 1;
    for (int k = t->rank - 1; k >= 0; k--) {
        stride[k] = step;
        step *= t->d[k];
    }
}

int vn_cells_broadcast(int64_t *stride, const struct vn_cells *x, const struct vn_cells *s)
{
    int64_t own[VN_MAX_RANK];
    const int shift = s->rank - x->rank;
    if (shift < 0)
        return -1;
    vn_cells_strides(x, own);
    for (int k = 0; k < s->rank; k++) {
        const int64_t extent = k < shift ? 1 : x->d[k - shift];
        if (extent != 1 && extent != s->d[k])
            return -1;
        stride[k] = extent == 1 ? 0 : own[k - shift];
    }
    return 0;
}

int vn_cells_next(int64_t *idx, const struct vn_cells *t)
{
    for (int k = t->rank - 1; k >= 0; k--) {
        if (++idx[k] < t->d[k])
            return 1;
        idx[k] = 0;
    }
    return 0;
}

int64_t vn_cells_product(const struct vn_cells *t, int from, int to)
{
    int64_t n = 1;
    for (int k = from; k < to; k++)
        n *= t->d[k];
    return n;
}
