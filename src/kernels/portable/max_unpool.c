/* kernels/portable/max_unpool.c - elements put where a MaxPool took them from, zeros elsewhere. in: x,
 * places. i[0..7]: the shape that the places count in (rank of x); the result has at least that shape
 * along every axis. */
#include "kernels/portable.h"

static const char *check(const struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0], *k = &a->in[1], *y = &a->out;
    if (a->n_in != 2 || !vn_cells_real(x) || vn_cells_real(k) || !vn_cells_real(y) || !vn_cells_same(x, k) ||
        y->rank != x->rank)
        return "max_unpool: wrong types or shapes";
    for (int d = 0; d < x->rank; d++)
        if (a->i[d] < 0 || a->i[d] > y->d[d])
            return "max_unpool: the output is too small";
    return NULL;
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    struct vn_cells inner = a->out;
    int64_t stride[VN_MAX_RANK];
    for (int d = 0; d < inner.rank; d++)
        inner.d[d] = a->i[d];
    const int64_t count = vn_cells_product(&inner, 0, inner.rank);
    vn_cells_strides(&a->out, stride);
    for (int64_t i = 0; i < a->out.count; i++)
        vn_cell_set(&a->out, i, 0);
    for (int64_t i = 0; i < x->count; i++) {
        int64_t at = vn_cell_int(&a->in[1], i), to = 0;
        if (at < 0 || at >= count)
            return "index out of range of the output";
        for (int d = inner.rank - 1; d >= 0; at /= inner.d[d], d--)
            to += at % inner.d[d] * stride[d];
        vn_cell_set(&a->out, to, vn_cell(x, i));
    }
    return NULL;
}

const struct vn_portable vn_portable_max_unpool = { "max_unpool", check, NULL, run };
