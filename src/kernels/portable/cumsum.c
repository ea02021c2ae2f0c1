/* kernels/portable/cumsum.c - running sums along an axis. in: x [, axis]. i[0]: axis where it is no input;
 * i[1]: 1 without the element itself; i[2]: 1 from the end. */
#include "kernels/portable.h"

static const char *check(const struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    if (a->n_in == 2 && (vn_cells_real(&a->in[1]) || a->in[1].count != 1))
        return "cumsum: wrong axis";
    return (a->n_in == 1 || a->n_in == 2) && x->dtype == a->out.dtype && a->i[0] >= 0 && a->i[0] < x->rank &&
                   vn_cells_same(x, &a->out)
               ? NULL
               : "cumsum: wrong axis or shapes";
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    const int64_t axis = a->n_in == 2 ? vn_cells_index(vn_cell_int(&a->in[1], 0), x->rank) : a->i[0];
    if (axis < 0)
        return "the axis is out of range";
    const int64_t extent = x->d[axis], inner = vn_cells_product(x, (int)axis + 1, x->rank),
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
