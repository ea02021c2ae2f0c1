/* kernels/portable/reverse_sequence.c - the first elements of each sequence turned around. in: x, lengths
 * (one for each of the batch). i[0]: batch axis, i[1]: time axis. */
#include "kernels/portable.h"

static const char *check(const struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    const int batch = a->i[0], time = a->i[1];
    if (a->n_in != 2 || vn_cells_real(&a->in[1]) || x->dtype != a->out.dtype || batch < 0 ||
        batch >= x->rank || time < 0 || time >= x->rank || batch == time)
        return "reverse_sequence: wrong types or axes";
    return vn_cells_same(x, &a->out) && a->in[1].count == x->d[batch]
               ? NULL
               : "reverse_sequence: shapes do not match";
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    const int batch = a->i[0], time = a->i[1];
    int64_t stride[VN_MAX_RANK], idx[VN_MAX_RANK] = { 0 };
    vn_cells_strides(x, stride);
    for (int64_t i = 0; i < x->count; i++, vn_cells_next(idx, x)) {
        const int64_t length = vn_cell_int(&a->in[1], idx[batch]), t = idx[time];
        if (length < 0 || length > x->d[time])
            return "length out of range of the time axis";
        vn_cell_copy(&a->out, i, x, i + (t < length ? length - 1 - 2 * t : 0) * stride[time]);
    }
    return NULL;
}

const struct vn_portable vn_portable_reverse_sequence = { "reverse_sequence", check, NULL, run };
