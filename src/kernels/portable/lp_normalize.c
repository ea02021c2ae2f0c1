/* kernels/portable/lp_normalize.c - lines along an axis divided by their norm; lines of zeros stay. in: x.
 * i[0]: axis; i[1]: 1 or 2. */
#include <math.h>

#include "kernels/portable.h"

static const char *check(const struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    return a->n_in == 1 && vn_cells_real(x) && vn_cells_real(&a->out) && a->i[0] >= 0 && a->i[0] < x->rank &&
                   (a->i[1] == 1 || a->i[1] == 2) && vn_cells_same(x, &a->out)
               ? NULL
               : "lp_normalize: wrong axis or shapes";
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    const int64_t extent = x->d[a->i[0]], inner = vn_cells_product(x, a->i[0] + 1, x->rank),
                  lines = extent ? x->count / extent : 0;
    for (int64_t o = 0; o < lines; o++) {
        const int64_t base = o / inner * extent * inner + o % inner;
        double sum = 0;
        for (int64_t k = 0; k < extent; k++) {
            const double v = vn_cell(x, base + k * inner);
            sum += a->i[1] == 2 ? v * v : v < 0 ? -v : v;
        }
        const double norm = a->i[1] == 2 ? sqrt(sum) : sum;
        for (int64_t k = 0; k < extent; k++)
            vn_cell_set(&a->out, base + k * inner, norm == 0 ? 0 : vn_cell(x, base + k * inner) / norm);
    }
    return NULL;
}

const struct vn_portable vn_portable_lp_normalize = { "lp_normalize", check, NULL, run };
