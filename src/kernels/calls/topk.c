/* kernels/calls/topk.c - where the k largest or smallest elements along an axis are, best first; equal ones in the order of their
 * places. in: x. i[0]: axis; i[1]: 1 largest, 0 smallest. k is the output's extent. */
#include "kernels/call.h"

static const char *check(const struct vn_call_args *a)
{
    const struct vn_cells *x = &a->in[0];
    if (a->n_in != 1 || vn_cells_real(&a->out) || a->i[0] < 0 || a->i[0] >= x->rank || x->rank != a->out.rank)
        return "topk: wrong types or axis";
    for (int d = 0; d < x->rank; d++)
        if (d == a->i[0] ? a->out.d[d] > x->d[d] : a->out.d[d] != x->d[d])
            return "topk: shapes do not fit";
    return NULL;
}

static int64_t scratch(const struct vn_call_args *a) { return a->in[0].d[a->i[0]] * 2; }

static int before(const struct vn_cells *x, int64_t p, int64_t q, int largest)
{
    if (!vn_cells_real(x))
        return largest ? vn_cell_int(x, p) > vn_cell_int(x, q) : vn_cell_int(x, p) < vn_cell_int(x, q);
    return largest ? vn_cell(x, p) > vn_cell(x, q) : vn_cell(x, p) < vn_cell(x, q);
}

/* Stable merge sort of the places 0..n-1 of one line. */
static int64_t *sorted(const struct vn_cells *x, int64_t base, int64_t step, int64_t n, int largest, int64_t *from, int64_t *to)
{
    for (int64_t i = 0; i < n; i++)
        from[i] = i;
    for (int64_t width = 1; width < n; width *= 2) {
        for (int64_t lo = 0; lo < n; lo += 2 * width) {
            const int64_t mid = lo + width < n ? lo + width : n, hi = lo + 2 * width < n ? lo + 2 * width : n;
            for (int64_t i = lo, j = mid, k = lo; k < hi; k++)
                to[k] = i < mid && (j >= hi || !before(x, base + from[j] * step, base + from[i] * step, largest)) ? from[i++] : from[j++];
        }
        int64_t *swap = from;
        from = to;
        to = swap;
    }
    return from;
}

static const char *run(struct vn_call_args *a)
{
    const struct vn_cells *x = &a->in[0];
    const int64_t extent = x->d[a->i[0]], k = a->out.d[a->i[0]], inner = vn_cells_product(x, a->i[0] + 1, x->rank);
    const int64_t lines = extent ? x->count / extent : 0;
    for (int64_t o = 0; k && o < lines; o++) {
        const int64_t base = o / inner * extent * inner + o % inner, to = o / inner * k * inner + o % inner;
        const int64_t *order = sorted(x, base, inner, extent, a->i[1], a->scratch, a->scratch + extent);
        for (int64_t i = 0; i < k; i++)
            vn_cell_set_int(&a->out, to + i * inner, order[i]);
    }
    return NULL;
}

const struct vn_call vn_call_topk = { "topk", check, scratch, run };
