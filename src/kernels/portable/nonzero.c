/* kernels/portable/nonzero.c - the coordinates of all elements that are not zero, a column each. in: x.
 * The output (rank, n) gets as many columns as there are; it is large enough for all. */
#include "kernels/portable.h"

static const char *check(const struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0], *y = &a->out;
    return a->n_in == 1 && !vn_cells_real(y) && y->rank == 2 && y->d[0] == x->rank && y->d[1] >= x->count
               ? NULL
               : "nonzero: wrong types or shapes";
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    int64_t idx[VN_MAX_RANK] = { 0 }, found = 0, k = 0;
    for (int64_t i = 0; i < x->count; i++)
        found += vn_cell(x, i) != 0;
    for (int64_t i = 0; i < x->count && k < found; i++, vn_cells_next(idx, x)) {
        if (vn_cell(x, i) == 0)
            continue;
        for (int d = 0; d < x->rank; d++)
            vn_cell_set_int(&a->out, d * found + k, idx[d]);
        k++;
    }
    a->out.d[1] = found;
    return NULL;
}

const struct vn_portable vn_portable_nonzero = { "nonzero", check, NULL, run };
