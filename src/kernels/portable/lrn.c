/* kernels/portable/lrn.c - x / (bias + alpha / size * sum of squares of neighbouring channels)^beta. in:
 * x, channels on axis 1. i[0]: size; f: alpha, beta, bias. The neighbours of channel c: [c - (size - 1) /
 * 2, c + size / 2]. */
#include "kernels/portable.h"
#include "num/num.h"

static const char *check(const struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    return a->n_in == 1 && vn_cells_real(x) && vn_cells_real(&a->out) && x->rank >= 2 && a->i[0] > 0 &&
                   vn_cells_same(x, &a->out)
               ? NULL
               : "lrn: wrong shapes";
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0];
    const int64_t channels = x->d[1], inner = vn_cells_product(x, 2, x->rank), below = (a->i[0] - 1) / 2,
                  above = a->i[0] / 2;
    for (int64_t i = 0; i < x->count; i++) {
        const int64_t c = i / inner % channels, lo = c < below ? 0 : c - below,
                      hi = c + above < channels ? c + above : channels - 1;
        double sum = 0;
        for (int64_t k = lo; k <= hi; k++) {
            const double v = vn_cell(x, i + (k - c) * inner);
            sum += v * v;
        }
        vn_cell_set(&a->out, i, vn_cell(x, i) / vn_pow(a->f[2] + a->f[0] / a->i[0] * sum, a->f[1]));
    }
    return NULL;
}

const struct vn_portable vn_portable_lrn = { "lrn", check, NULL, run };
