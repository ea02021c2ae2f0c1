/* kernels/portable/where.c - x where the condition holds, else y; with broadcasting. in: condition, x, y. */
#include "kernels/portable.h"

static const char *check(const struct vn_portable_args *a)
{
    int64_t stride[VN_MAX_RANK];
    if (a->n_in != 3 || vn_cells_real(&a->in[0]) || a->in[1].dtype != a->out.dtype ||
        a->in[2].dtype != a->out.dtype)
        return "where: wrong types";
    for (int i = 0; i < 3; i++)
        if (vn_cells_broadcast(stride, &a->in[i], &a->out))
            return "where: shapes do not match";
    return NULL;
}

static const char *run(struct vn_portable_args *a)
{
    int64_t stride[3][VN_MAX_RANK], idx[VN_MAX_RANK] = { 0 };
    for (int i = 0; i < 3; i++)
        vn_cells_broadcast(stride[i], &a->in[i], &a->out);
    for (int64_t k = 0; k < a->out.count; k++, vn_cells_next(idx, &a->out)) {
        const int from = vn_cell_int(&a->in[0], vn_cells_at(idx, stride[0], a->out.rank)) ? 1 : 2;
        vn_cell_copy(&a->out, k, &a->in[from], vn_cells_at(idx, stride[from], a->out.rank));
    }
    return NULL;
}

const struct vn_portable vn_portable_where = { "where", check, NULL, run };
