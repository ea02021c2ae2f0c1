/* kernels/portable/conv_nd.c - convolution with computed weights, over three axes, or of integers. in: x
 * (N, C, ...), w (K, C/groups, ...), optionally bias (K). Parameters: window.h; i[1]: groups. */
#include "kernels/portable/window.h"

static const char *check(const struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0], *w = &a->in[1];
    struct vn_portable_window g;
    if (a->n_in < 2 || a->n_in > 3 || w->rank != x->rank || w->rank < 3)
        return "conv: wrong shapes";
    for (int k = 0; k < a->n_in; k++)
        if (vn_cells_real(&a->in[k]) != vn_cells_real(&a->out))
            return "conv: wrong types";
    if (vn_portable_window(&g, a, x, &a->out, w->d + 2) || a->i[1] < 1 || x->d[1] % a->i[1] ||
        w->d[0] % a->i[1])
        return "conv: wrong window or groups";
    if (w->d[1] != x->d[1] / a->i[1] || a->out.d[1] != w->d[0])
        return "conv: channels do not match";
    return a->n_in == 3 && a->in[2].count != w->d[0] ? "conv: bias does not match" : NULL;
}

static const char *run(struct vn_portable_args *a)
{
    const struct vn_cells *x = &a->in[0], *w = &a->in[1];
    struct vn_portable_window g;
    vn_portable_window(&g, a, x, &a->out, w->d + 2);
    const int64_t channels = w->d[1], k_group = w->d[0] / a->i[1];
    for (int64_t i = 0; i < a->out.count; i++) {
        const int64_t k = i / g.out_plane % w->d[0], b = i / g.out_plane / w->d[0];
        int64_t o[3], t[3];
        double real = a->n_in == 3 && vn_cells_real(x) ? vn_cell(&a->in[2], k) : 0;
        uint64_t whole = a->n_in == 3 && !vn_cells_real(x) ? (uint64_t)vn_cell_int(&a->in[2], k) : 0;
        vn_portable_place(o, i % g.out_plane, g.out);
        for (int64_t c = 0; c < channels; c++)
            for (int64_t tap = 0; tap < g.taps; tap++) {
                vn_portable_place(t, tap, g.kernel);
                const int64_t at = vn_portable_under(&g, o, t),
                              plane = b * x->d[1] + k / k_group * channels + c;
                if (at < 0)
                    continue;
                if (vn_cells_real(x))
                    real +=
                        vn_cell(x, plane * g.in_plane + at) * vn_cell(w, (k * channels + c) * g.taps + tap);
                else
                    whole += (uint64_t)vn_cell_int(x, plane * g.in_plane + at) *
                             (uint64_t)vn_cell_int(w, (k * channels + c) * g.taps + tap);
            }
        if (vn_cells_real(x))
            vn_cell_set(&a->out, i, real);
        else
            vn_cell_set_int(&a->out, i, (int64_t)whole);
    }
    return NULL;
}

const struct vn_portable vn_portable_conv_nd = { "conv_nd", check, NULL, run };
