/* kernels/portable/scatter_elements.c - x with elements, named along an axis, replaced by updates or
 * joined with them.
 * in: x, indices (from the end where negative), updates. i[0]: axis; i[1]: 0 replace, 1 add, 2 multiply, 3
 * larger, 4 smaller. */
#include "kernels/portable/coordinates.h"

static const char *check(const struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0], *k = &a->in[1], *v = &a->in[2];
    if (a->n_in != 3 || vn_cells_real(k) || x->dtype != a->out.dtype || v->dtype != a->out.dtype ||
        a->i[0] < 0 || a->i[0] >= x->rank || a->i[1] < VN_SCATTER_NONE || a->i[1] > VN_SCATTER_MIN)
        return "scatter_elements: wrong types or axis";
    if (x->rank != k->rank || !vn_cells_same(k, v) || !vn_cells_same(x, &a->out))
        return "scatter_elements: shapes do not match";
    for (int d = 0; d < x->rank; d++)
        if (d != a->i[0] && k->d[d] > x->d[d])
            return "scatter_elements: more indices than elements";
    return NULL;
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0], *k = &a->in[1];
    const int axis = a->i[0];
    int64_t stride[VN_MAX_RANK], idx[VN_MAX_RANK] = { 0 };
    vn_cells_strides(x, stride);
    for (int64_t i = 0; i < x->count; i++)
        vn_cell_copy(&a->out, i, x, i);
    for (int64_t i = 0; i < k->count; i++, vn_cells_next(idx, k)) {
        const int64_t at = vn_cells_index(vn_cell_int(k, i), x->d[axis]);
        if (at < 0)
            return "index out of range";
        vn_scatter(&a->out, vn_cells_at(idx, stride, k->rank) + (at - idx[axis]) * stride[axis], &a->in[2], i,
                   a->i[1]);
    }
    return NULL;
}

const struct vn_portable vn_portable_scatter_elements = { "scatter_elements", check, NULL, run };
