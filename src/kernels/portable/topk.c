/* kernels/portable/topk.c - where the k largest or smallest elements along an axis are, best first; equal
 * ones in the order of their places. in: x. i[0]: axis; i[1]: 1 largest, 0 smallest. k is the output's
 * extent. */
#include "kernels/portable/sorting.h"

static const char *check(const struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    if (a->n_in != 1 || vn_cells_real(&a->out) || a->i[0] < 0 || a->i[0] >= x->rank || x->rank != a->out.rank)
        return "topk: wrong types or axis";
    for (int d = 0; d < x->rank; d++)
        if (d == a->i[0] ? a->out.d[d] > x->d[d] : a->out.d[d] != x->d[d])
            return "topk: shapes do not match";
    return NULL;
}

static int64_t scratch(const struct vn_portable_args *a) { return a->in[0].d[a->i[0]] * 2; }

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    const int64_t extent = x->d[a->i[0]], k = a->out.d[a->i[0]],
                  inner = vn_cells_product(x, a->i[0] + 1, x->rank);
    const int64_t lines = extent ? x->count / extent : 0;
    for (int64_t o = 0; k && o < lines; o++) {
        const int64_t base = o / inner * extent * inner + o % inner, to = o / inner * k * inner + o % inner;
        const int64_t *order = vn_sorted(x, base, inner, extent, a->i[1], a->scratch, a->scratch + extent);
        for (int64_t i = 0; i < k; i++)
            vn_cell_set_int(&a->out, to + i * inner, order[i]);
    }
    return NULL;
}

const struct vn_portable vn_portable_topk = { "topk", check, scratch, run, .quantized = 1 };
