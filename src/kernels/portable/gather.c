/* kernels/portable/gather.c - slices of x along an axis, by computed indices. in: x, indices (from the end
 * where negative). i[0]: axis. The output is [outer][indices][inner] in any shape. */
#include "kernels/portable.h"

static const char *check(const struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0], *k = &a->in[1];
    if (a->n_in != 2 || vn_cells_real(k) || x->dtype != a->out.dtype || a->i[0] < 0 || a->i[0] >= x->rank)
        return "gather: wrong types or axis";
    const int64_t slices = vn_cells_product(x, 0, a->i[0]) * vn_cells_product(x, a->i[0] + 1, x->rank);
    return a->out.count == slices * k->count ? NULL : "gather: shapes do not match";
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0], *k = &a->in[1];
    const int64_t extent = x->d[a->i[0]], outer = vn_cells_product(x, 0, a->i[0]),
                  inner = vn_cells_product(x, a->i[0] + 1, x->rank);
    for (int64_t j = 0; j < k->count; j++) {
        const int64_t at = vn_cells_index(vn_cell_int(k, j), extent);
        if (at < 0)
            return "index out of range";
        for (int64_t o = 0; o < outer; o++)
            for (int64_t i = 0; i < inner; i++)
                vn_cell_copy(&a->out, (o * k->count + j) * inner + i, x, (o * extent + at) * inner + i);
    }
    return NULL;
}

const struct vn_portable vn_portable_gather = { "gather", check, NULL, run,
                                                .quantized = 1 | VN_PORTABLE_OUT };
