/* kernels/portable/onehot.c - indices become rows with one element on and the others off. in: indices,
 * values (off, on). i[0]: the new axis of the output. */
#include "kernels/portable.h"

static const char *check(const struct vn_portable_args *a)
{
    const int axis = a->i[0];
    if (a->n_in != 2 || a->in[1].dtype != a->out.dtype || a->in[1].count != 2 || axis < 0 ||
        axis >= a->out.rank)
        return "onehot: wrong types or axis";
    return vn_cells_product(&a->out, 0, axis) * vn_cells_product(&a->out, axis + 1, a->out.rank) ==
                   a->in[0].count
               ? NULL
               : "onehot: shapes do not match";
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *k = &a->in[0];
    const int64_t depth = a->out.d[a->i[0]], inner = vn_cells_product(&a->out, a->i[0] + 1, a->out.rank);
    for (int64_t i = 0; i < a->out.count; i++) {
        const int64_t from = i / inner / depth * inner + i % inner, at = i / inner % depth;
        const double index = vn_cell(k, from);
        vn_cell_copy(&a->out, i, &a->in[1], index == (double)at || index + (double)depth == (double)at);
    }
    return NULL;
}

const struct vn_portable vn_portable_onehot = { "onehot", check, NULL, run,
                                                .quantized = 2 | VN_PORTABLE_OUT };
