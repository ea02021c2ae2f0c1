/* kernels/portable/resize_axis.c - weighted sums along one axis: resizing with any filter. in: x, index
 * (output extent * taps), weights (as many). i[0]: axis. */
#include "kernels/portable.h"

static const char *check(const struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0], *k = &a->in[1], *w = &a->in[2];
    const int axis = a->i[0];
    if (a->n_in != 3 || !vn_cells_real(x) || vn_cells_real(k) || !vn_cells_real(w) ||
        !vn_cells_real(&a->out) || axis < 0 || axis >= x->rank || x->rank != a->out.rank)
        return "resize_axis: wrong types or axis";
    for (int d = 0; d < x->rank; d++)
        if (d != axis && x->d[d] != a->out.d[d])
            return "resize_axis: shapes do not match";
    return k->count == w->count && (a->out.d[axis] ? k->count % a->out.d[axis] == 0 : !k->count)
               ? NULL
               : "resize_axis: indices do not match";
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0], *index = &a->in[1], *w = &a->in[2];
    const int64_t from = x->d[a->i[0]], to = a->out.d[a->i[0]],
                  inner = vn_cells_product(x, a->i[0] + 1, x->rank), taps = to ? index->count / to : 0;
    for (int64_t i = 0; i < a->out.count; i++) {
        const int64_t o = i / inner / to, j = i / inner % to;
        double sum = 0;
        for (int64_t t = 0; t < taps; t++) {
            const int64_t at = vn_cell_int(index, j * taps + t);
            if (at < 0 || at >= from)
                return "index out of range";
            sum += vn_cell(w, j * taps + t) * vn_cell(x, (o * from + at) * inner + i % inner);
        }
        vn_cell_set(&a->out, i, sum);
    }
    return NULL;
}

const struct vn_portable vn_portable_resize_axis = { "resize_axis", check, NULL, run };
