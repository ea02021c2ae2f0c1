/* kernels/portable/scatter_nd.c - x with slices, named by coordinates, replaced by updates or joined with
 * them.
 * in: x, indices, whose last axis holds coordinates (from the end where negative), updates. i[0]: 0
 * replace, 1 add, 2 multiply, 3 larger, 4 smaller. */
#include "kernels/portable/coordinates.h"

static const char *check(const struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0], *k = &a->in[1], *v = &a->in[2];
    if (a->n_in != 3 || vn_cells_real(k) || x->dtype != a->out.dtype || v->dtype != a->out.dtype ||
        k->rank < 1 || a->i[0] < VN_SCATTER_NONE || a->i[0] > VN_SCATTER_MIN)
        return "scatter_nd: wrong types";
    if (!vn_cells_same(x, &a->out) || k->d[k->rank - 1] > x->rank)
        return "scatter_nd: shapes do not match";
    return v->count ==
                   vn_cells_product(k, 0, k->rank - 1) * vn_cells_product(x, (int)k->d[k->rank - 1], x->rank)
               ? NULL
               : "scatter_nd: updates do not match";
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0], *k = &a->in[1];
    const int tuple = (int)k->d[k->rank - 1];
    const int64_t tuples = vn_cells_product(k, 0, k->rank - 1), run = vn_cells_product(x, tuple, x->rank);
    for (int64_t i = 0; i < x->count; i++)
        vn_cell_copy(&a->out, i, x, i);
    for (int64_t i = 0; i < tuples; i++) {
        const int64_t at = vn_coordinates(x, k, i * tuple, 0, tuple);
        if (at < 0)
            return "coordinates out of range";
        for (int64_t j = 0; j < run; j++)
            vn_scatter(&a->out, at + j, &a->in[2], i * run + j, a->i[0]);
    }
    return NULL;
}

const struct vn_portable vn_portable_scatter_nd = { "scatter_nd", check, NULL, run };
