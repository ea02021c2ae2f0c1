/* kernels/portable/conv_transpose_nd.c - transposed convolution with computed weights or over three axes.
 * in: x (N, C, ...), w (C, K/groups, ...), optionally bias (K). Parameters: window.h; i[1]: groups.
 * Element p of x adds to y at p * stride + tap * dilation - pad. */
#include "kernels/portable/window.h"

static const char *check(const struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0], *w = &a->in[1];
    struct vn_portable_window g;
    if (a->n_in < 2 || a->n_in > 3 || w->rank != x->rank || w->rank < 3)
        return "conv_transpose: wrong shapes";
    for (int k = 0; k < a->n_in; k++)
        if (!vn_cells_real(&a->in[k]) || !vn_cells_real(&a->out))
            return "conv_transpose: wrong types";
    if (vn_portable_window(&g, a, x, &a->out, w->d + 2) || a->i[1] < 1 || x->d[1] % a->i[1] ||
        w->d[0] != x->d[1] || a->out.d[1] != w->d[1] * a->i[1])
        return "conv_transpose: wrong window or channels";
    return a->n_in == 3 && a->in[2].count != a->out.d[1] ? "conv_transpose: bias does not match" : NULL;
}

/* Element of x that tap t brings to place o; -1: none. */
static int64_t source(const struct vn_portable_window *g, const int64_t *o, const int64_t *t)
{
    int64_t at = 0;
    for (int k = 0; k < 3; k++) {
        const int64_t p = o[k] + g->pad[k] - t[k] * g->dilation[k];
        if (p < 0 || p % g->stride[k] || p / g->stride[k] >= g->in[k])
            return -1;
        at = at * g->in[k] + p / g->stride[k];
    }
    return at;
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0], *w = &a->in[1];
    struct vn_portable_window g;
    vn_portable_window(&g, a, x, &a->out, w->d + 2);
    const int64_t k_group = w->d[1], c_group = x->d[1] / a->i[1], outputs = a->out.d[1];
    for (int64_t i = 0; i < a->out.count; i++) {
        const int64_t k = i / g.out_plane % outputs, b = i / g.out_plane / outputs,
                      first = k / k_group * c_group;
        int64_t o[3], t[3];
        double sum = a->n_in == 3 ? vn_cell(&a->in[2], k) : 0;
        vn_portable_place(o, i % g.out_plane, g.out);
        for (int64_t c = first; c < first + c_group; c++)
            for (int64_t tap = 0; tap < g.taps; tap++) {
                vn_portable_place(t, tap, g.kernel);
                const int64_t at = source(&g, o, t);
                if (at >= 0)
                    sum += vn_cell(x, (b * x->d[1] + c) * g.in_plane + at) *
                           vn_cell(w, (c * k_group + k % k_group) * g.taps + tap);
            }
        vn_cell_set(&a->out, i, sum);
    }
    return NULL;
}

const struct vn_portable vn_portable_conv_transpose_nd = { "conv_transpose_nd", check, NULL, run };
