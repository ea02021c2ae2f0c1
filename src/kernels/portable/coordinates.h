/* kernels/portable/coordinates.h - what the gathers and scatters share. */
#ifndef VN_COORDINATES_H
#define VN_COORDINATES_H

#include "kernels/portable.h"

/* Offset behind `batch` leading axes of x that the `tuple` coordinates from cell `from` of k name; -1:
 * outside. */
static inline int64_t vn_coordinates(const struct vn_cells *x, const struct vn_cells *k, int64_t from,
                                     int batch, int tuple)
{
    int64_t stride[VN_MAX_RANK], at = 0;
    vn_cells_strides(x, stride);
    for (int c = 0; c < tuple; c++) {
        const int64_t i = vn_cells_index(vn_cell_int(k, from + c), x->d[batch + c]);
        if (i < 0)
            return -1;
        at += i * stride[batch + c];
    }
    return at;
}

/* y[at] joined with v[from]. */
static inline void vn_scatter(struct vn_cells *y, int64_t at, const struct vn_cells *v, int64_t from,
                              int mode)
{
    if (mode == VN_SCATTER_NONE) {
        vn_cell_copy(y, at, v, from);
    } else if (vn_cells_real(y)) {
        const double a = vn_cell(y, at), b = vn_cell(v, from);
        const double joined[] = { b, a + b, a * b, a > b ? a : b, a < b ? a : b };
        vn_cell_set(y, at, joined[mode]);
    } else {
        const int64_t a = vn_cell_int(y, at), b = vn_cell_int(v, from);
        const int64_t joined[] = { b, (int64_t)((uint64_t)a + (uint64_t)b),
                                   (int64_t)((uint64_t)a * (uint64_t)b), a > b ? a : b, a < b ? a : b };
        vn_cell_set_int(y, at, joined[mode]);
    }
}

#endif
