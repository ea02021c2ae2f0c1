/* kernels/portable/trilu.c - the upper or lower triangle of matrices, zeros elsewhere. in: x [, diagonal].
 * i[0]: 1 upper, 0 lower; i[1]: diagonal where it is no input; above the main one where positive. */
#include "kernels/portable.h"

static const char *check(const struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    if (a->n_in == 2 && (vn_cells_real(&a->in[1]) || a->in[1].count != 1))
        return "trilu: wrong diagonal";
    return (a->n_in == 1 || a->n_in == 2) && x->dtype == a->out.dtype && x->rank >= 2 &&
                   vn_cells_same(x, &a->out)
               ? NULL
               : "trilu: wrong shapes";
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    const int64_t cols = x->d[x->rank - 1], rows = x->d[x->rank - 2], most = rows + cols;
    int64_t k = a->n_in == 2 ? vn_cell_int(&a->in[1], 0) : a->i[1];
    k = k > most ? most : k < -most ? -most : k;
    for (int64_t i = 0; i < x->count; i++) {
        const int64_t above = i % cols - i / cols % rows - k;
        if (a->i[0] ? above >= 0 : above <= 0)
            vn_cell_copy(&a->out, i, x, i);
        else if (vn_cells_real(x))
            vn_cell_set(&a->out, i, 0);
        else
            vn_cell_set_int(&a->out, i, 0);
    }
    return NULL;
}

const struct vn_portable vn_portable_trilu = { "trilu", check, NULL, run };
