/* kernels/portable/mean_variance.c - (x - mean) / (sqrt(mean of squares - square of the mean) + epsilon)
 * over a set of axes. in: x. i[0]: bit per axis; f[0]: epsilon. */
#include <math.h>

#include "kernels/portable.h"

static const char *check(const struct vn_portable_args *a)
{
    return a->n_in == 1 && vn_cells_real(&a->in[0]) && vn_cells_real(&a->out) &&
                   vn_cells_same(&a->in[0], &a->out)
               ? NULL
               : "mean_variance: wrong shapes";
}

/* Two sums for each kept place. */
static int64_t scratch(const struct vn_portable_args *a)
{
    int64_t kept = 1;
    for (int d = 0; d < a->in[0].rank; d++)
        kept *= a->i[0] >> d & 1 ? 1 : a->in[0].d[d];
    return 2 * kept;
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    const int64_t kept = scratch(a) / 2;
    int64_t stride[VN_MAX_RANK], idx[VN_MAX_RANK] = { 0 }, step = 1;
    double *sum = (double *)a->scratch, *squares = sum + kept;
    for (int d = x->rank - 1; d >= 0; d--) {
        stride[d] = a->i[0] >> d & 1 ? 0 : step;
        step *= a->i[0] >> d & 1 ? 1 : x->d[d];
    }
    memset(sum, 0, sizeof *sum * (size_t)(2 * kept));
    for (int64_t k = 0; k < x->count; k++, vn_cells_next(idx, x)) {
        const double v = vn_cell(x, k);
        sum[vn_cells_at(idx, stride, x->rank)] += v;
        squares[vn_cells_at(idx, stride, x->rank)] += v * v;
    }
    const double n = kept ? (double)(x->count / kept) : 1;
    memset(idx, 0, sizeof idx);
    for (int64_t k = 0; k < x->count; k++, vn_cells_next(idx, x)) {
        const int64_t at = vn_cells_at(idx, stride, x->rank);
        const double mean = sum[at] / n, variance = squares[at] / n - mean * mean;
        vn_cell_set(&a->out, k, (vn_cell(x, k) - mean) / (sqrt(variance > 0 ? variance : 0) + a->f[0]));
    }
    return NULL;
}

const struct vn_portable vn_portable_mean_variance = { "mean_variance", check, scratch, run };
