/* kernels/portable/sorting.h - places in the order of their elements. */
#ifndef VN_SORTING_H
#define VN_SORTING_H

#include "kernels/portable.h"

static inline int vn_sorts_before(const struct vn_cells *x, int64_t p, int64_t q, int largest)
{
    if (!vn_cells_real(x))
        return largest ? vn_cell_int(x, p) > vn_cell_int(x, q) : vn_cell_int(x, p) < vn_cell_int(x, q);
    return largest ? vn_cell(x, p) > vn_cell(x, q) : vn_cell(x, p) < vn_cell(x, q);
}

/* Stable merge sort of the places 0..n-1 of the line at base, base + step, ...; from, to: n cells each;
 * returns the one with the result. */
static inline int64_t *vn_sorted(const struct vn_cells *x, int64_t base, int64_t step, int64_t n, int largest,
                                 int64_t *from, int64_t *to)
{
    for (int64_t i = 0; i < n; i++)
        from[i] = i;
    for (int64_t width = 1; width < n; width *= 2) {
        for (int64_t lo = 0; lo < n; lo += 2 * width) {
            const int64_t mid = lo + width < n ? lo + width : n, hi = lo + 2 * width < n ? lo + 2 * width : n;
            for (int64_t i = lo, j = mid, k = lo; k < hi; k++)
                to[k] = i < mid && (j >= hi || !vn_sorts_before(x, base + from[j] * step,
                                                                base + from[i] * step, largest))
                            ? from[i++]
                            : from[j++];
        }
        int64_t *swap = from;
        from = to;
        to = swap;
    }
    return from;
}

#endif
