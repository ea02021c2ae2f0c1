/* kernels/portable/compress.c - slices of x along an axis where the condition holds. in: x, condition (one
 * axis, not longer than x's). i[0]: axis, -1: of all elements in a row. The output gets as many as there
 * are. */
#include "kernels/portable.h"

static const char *check(const struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0], *c = &a->in[1];
    const int axis = a->i[0];
    if (a->n_in != 2 || vn_cells_real(c) || x->dtype != a->out.dtype || axis < -1 || axis >= x->rank)
        return "compress: wrong types or axis";
    if (axis < 0)
        return a->out.rank == 1 && a->out.d[0] >= (c->count < x->count ? c->count : x->count)
                   ? NULL
                   : "compress: shapes do not match";
    if (a->out.rank != x->rank)
        return "compress: shapes do not match";
    for (int d = 0; d < x->rank; d++)
        if (d == axis ? a->out.d[d] < (c->count < x->d[d] ? c->count : x->d[d]) : a->out.d[d] != x->d[d])
            return "compress: shapes do not match";
    return NULL;
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0], *c = &a->in[1];
    const int flat = a->i[0] < 0, axis = flat ? 0 : a->i[0];
    const int64_t extent = flat ? x->count : x->d[axis],
                  inner = flat ? 1 : vn_cells_product(x, axis + 1, x->rank);
    const int64_t outer = flat ? 1 : vn_cells_product(x, 0, axis),
                  most = c->count < extent ? c->count : extent;
    int64_t kept = 0, to = 0;
    for (int64_t k = 0; k < most; k++)
        kept += vn_cell_int(c, k) != 0;
    for (int64_t o = 0; o < outer; o++)
        for (int64_t k = 0; k < most && to < (o + 1) * kept * inner; k++)
            for (int64_t i = 0; vn_cell_int(c, k) && i < inner; i++)
                vn_cell_copy(&a->out, to++, x, (o * extent + k) * inner + i);
    a->out.d[axis] = kept;
    return NULL;
}

const struct vn_portable vn_portable_compress = { "compress", check, NULL, run };
