/* kernels/portable/cumsum.c - running sums along an axis. in: x. i[0]: axis; i[1]: 1 without the element
 * itself; i[2]: 1 from the end. */
#include "kernels/portable.h"

static const char *check(const struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    return a->n_in == 1 && x->dtype == a->out.dtype && a->i[0] >= 0 && a->i[0] < x->rank &&
                   vn_cells_same(x, &a->out)
               ? NULL
               : "cumsum: wrong axis or shapes";
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    const int64_t extent = x->d[a->i[0]], inner = vn_cells_product(x, a->i[0] + 1, x->rank),
                  lines = extent ? x->count / extent : 0;
    for (int64_t o = 0; o < lines; o++) {
        double real = 0;
        uint64_t whole = 0;
        for (int64_t k = 0; k < extent; k++) {
            const int64_t at =
                o / inner * extent * inner + (a->i[2] ? extent - 1 - k : k) * inner + o % inner;
            const double real_before = real;
            const uint64_t before = whole;
            if (vn_cells_real(x))
                real += vn_cell(x, at);
            else
                whole += (uint64_t)vn_cell_int(x, at);
            if (vn_cells_real(x))
                vn_cell_set(&a->out, at, a->i[1] ? real_before : real);
            else
                vn_cell_set_int(&a->out, at, (int64_t)(a->i[1] ? before : whole));
        }
    }
    return NULL;
}

const struct vn_portable vn_portable_cumsum = { "cumsum", check, NULL, run };
