/* kernels/portable/arg.c - where the largest or smallest element along an axis is. in: x. i[0]: axis;
 * i[1]: 1 largest, 0 smallest; i[2]: 1 the last of equal ones. The output is [outer][inner] in any shape. */
#include "kernels/portable.h"

static const char *check(const struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    const int axis = a->i[0];
    if (a->n_in != 1 || vn_cells_real(&a->out) || axis < 0 || axis >= x->rank || x->d[axis] < 1)
        return "arg: wrong axis or types";
    return a->out.count == x->count / x->d[axis] ? NULL : "arg: shapes do not match";
}

static int before(const struct vn_cells *x, int64_t p, int64_t q, int largest)
{
    if (vn_cells_real(x))
        return largest ? vn_cell(x, p) > vn_cell(x, q) : vn_cell(x, p) < vn_cell(x, q);
    return largest ? vn_cell_int(x, p) > vn_cell_int(x, q) : vn_cell_int(x, p) < vn_cell_int(x, q);
}

/* Line by line over neighbours in memory; x: [extent][inner] from `base` on. */
static void best_of(struct vn_portable_args *a, int64_t base, int64_t inner, int64_t *y)
{
    const struct vn_cells *x = &a->in[0];
    const int largest = a->i[1], last = a->i[2];
    memset(y, 0, (size_t)inner * sizeof *y);
    for (int64_t k = 1; k < x->d[a->i[0]]; k++)
        for (int64_t i = 0; i < inner; i++) {
            const int64_t p = base + k * inner + i, q = base + y[i] * inner + i;
            if (last ? !before(x, q, p, largest) : before(x, p, q, largest))
                y[i] = k;
        }
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    const int64_t extent = x->d[a->i[0]], inner = vn_cells_product(x, a->i[0] + 1, x->rank);
    for (int64_t o = 0; o < a->out.count; o += inner)
        best_of(a, o * extent, inner, (int64_t *)a->out.data + o);
    return NULL;
}

const struct vn_portable vn_portable_arg = { "arg", check, NULL, run, .quantized = 1 };
