/* kernels/portable/gather_elements.c - for each element of the indices, the element of x at that place
 * along an axis.
 * in: x, indices (from the end where negative). i[0]: axis. */
#include "kernels/portable.h"

static const char *check(const struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0], *k = &a->in[1];
    if (a->n_in != 2 || vn_cells_real(k) || x->dtype != a->out.dtype || a->i[0] < 0 || a->i[0] >= x->rank)
        return "gather_elements: wrong types or axis";
    if (x->rank != k->rank || !vn_cells_same(k, &a->out))
        return "gather_elements: shapes do not match";
    for (int d = 0; d < x->rank; d++)
        if (d != a->i[0] && k->d[d] > x->d[d])
            return "gather_elements: more indices than elements";
    return NULL;
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0], *k = &a->in[1];
    const int axis = a->i[0];
    int64_t stride[VN_MAX_RANK], idx[VN_MAX_RANK] = { 0 };
    vn_cells_strides(x, stride);
    for (int64_t i = 0; i < k->count; i++, vn_cells_next(idx, k)) {
        const int64_t at = vn_cells_index(vn_cell_int(k, i), x->d[axis]);
        if (at < 0)
            return "index out of range";
        vn_cell_copy(&a->out, i, x, vn_cells_at(idx, stride, k->rank) + (at - idx[axis]) * stride[axis]);
    }
    return NULL;
}

const struct vn_portable vn_portable_gather_elements = { "gather_elements", check, NULL, run,
                                                         .quantized = 1 | VN_PORTABLE_OUT };
