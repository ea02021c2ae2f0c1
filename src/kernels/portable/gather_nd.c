/* kernels/portable/gather_nd.c - slices of x named by coordinates. in: x, indices, whose last axis holds
 * coordinates (from the end where negative). i[0]: leading axes that both share. */
#include "kernels/portable/coordinates.h"

static const char *check(const struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0], *k = &a->in[1];
    const int batch = a->i[0];
    if (a->n_in != 2 || vn_cells_real(k) || x->dtype != a->out.dtype || k->rank < 1 || batch < 0 ||
        batch >= k->rank)
        return "gather_nd: wrong types";
    const int64_t tuple = k->d[k->rank - 1];
    if (tuple < 0 || batch + tuple > x->rank)
        return "gather_nd: too many coordinates";
    for (int d = 0; d < batch; d++)
        if (x->d[d] != k->d[d])
            return "gather_nd: batches differ";
    return a->out.count ==
                   vn_cells_product(k, 0, k->rank - 1) * vn_cells_product(x, batch + (int)tuple, x->rank)
               ? NULL
               : "gather_nd: shapes do not match";
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0], *k = &a->in[1];
    const int batch = a->i[0], tuple = (int)k->d[k->rank - 1];
    const int64_t tuples = vn_cells_product(k, 0, k->rank - 1),
                  run = vn_cells_product(x, batch + tuple, x->rank);
    const int64_t outer = vn_cells_product(x, 0, batch), block = vn_cells_product(x, batch, x->rank);
    for (int64_t i = 0; i < tuples; i++) {
        const int64_t at = vn_coordinates(x, k, i * tuple, batch, tuple);
        if (at < 0)
            return "coordinates out of range";
        for (int64_t j = 0; j < run; j++)
            vn_cell_copy(&a->out, i * run + j, x, i / (tuples / outer) * block + at + j);
    }
    return NULL;
}

const struct vn_portable vn_portable_gather_nd = { "gather_nd", check, NULL, run };
