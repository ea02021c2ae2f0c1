/* kernels/portable/hardmax.c - 1 at the first largest element along an axis, else 0. in: x. i[0]: axis. */
#include "kernels/portable.h"

static const char *check(const struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    return a->n_in == 1 && vn_cells_real(x) && vn_cells_real(&a->out) && a->i[0] >= 0 && a->i[0] < x->rank &&
                   vn_cells_same(x, &a->out)
               ? NULL
               : "hardmax: wrong axis or shapes";
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    const int64_t extent = x->d[a->i[0]], inner = vn_cells_product(x, a->i[0] + 1, x->rank),
                  lines = extent ? x->count / extent : 0;
    for (int64_t o = 0; o < lines; o++) {
        const int64_t base = o / inner * extent * inner + o % inner;
        int64_t best = 0;
        for (int64_t k = 1; k < extent; k++)
            best = vn_cell(x, base + k * inner) > vn_cell(x, base + best * inner) ? k : best;
        for (int64_t k = 0; k < extent; k++)
            vn_cell_set(&a->out, base + k * inner, k == best);
    }
    return NULL;
}

const struct vn_portable vn_portable_hardmax = { "hardmax", check, NULL, run };
