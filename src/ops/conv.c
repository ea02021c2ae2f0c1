/* ops/conv.c - convolution in 1 to 3 spatial dimensions, grouped and depthwise. */
#include "ops/portable_op.h"

static const struct attr_spec specs[] = {
    A_INTS(struct conv_attrs, kernel, "kernel_shape", 1, 65536),
    A_INTS(struct conv_attrs, strides, "strides", 1, 65536),
    A_INTS(struct conv_attrs, pads, "pads", 0, 1 << 24),
    A_INTS(struct conv_attrs, dilations, "dilations", 1, 65536),
    A_INT(struct conv_attrs, group, "group", 1, 1, 1 << 24),
    A_ENUM(struct conv_attrs, auto_pad, "auto_pad", AUTO_PAD_NOTSET, vn_auto_pad_names),
    A_END,
};

static int window_of(struct window *w, const struct node *n, struct vn_err *e)
{
    const struct conv_attrs *a = n->attrs;
    return vn_window(w, n, &n->in[0]->shape, &n->in[1]->shape, a->kernel, a->strides, a->pads, a->dilations,
                     a->auto_pad, e);
}

static int check_channels(const struct node *n, struct vn_err *e)
{
    const struct conv_attrs *a = n->attrs;
    const struct vn_shape *x = &n->in[0]->shape, *w = &n->in[1]->shape;
    if (a->group < 1 || w->d[0] % a->group)
        return NODE_MISFIT(n, e, "weight %s has %lld output channels, expected a multiple of %lld groups",
                           n->in[1]->name, (long long)w->d[0], (long long)a->group);
    if (w->d[1] * a->group != x->d[1])
        return NODE_MISFIT(n, e, "weight %s requires %lld input channels, %s has %lld", n->in[1]->name,
                           (long long)(w->d[1] * a->group), n->in[0]->name, (long long)x->d[1]);
    if (vn_node_has(n, 2) && (n->in[2]->shape.rank != 1 || n->in[2]->shape.d[0] != w->d[0])) {
        char text[VN_SHAPE_TEXT];
        return vn_node_fail(n, e, VN_E_INPUT, "bias %s must have %lld elements, got %s", n->in[2]->name,
                            (long long)w->d[0], vn_shape_text(&n->in[2]->shape, text));
    }
    return VN_OK;
}

static int infer(struct node *n, struct vn_err *e)
{
    struct window w;
    TRY(vn_infer_begin(n, e));
    for (int i = 0; i < n->n_in; i++)
        TRY(vn_infer_float(n, i, e));
    TRY(window_of(&w, n, e));
    TRY(check_channels(n, e));
    struct vn_shape s = n->in[0]->shape;
    s.d[1] = n->in[1]->shape.d[0];
    for (int i = 0; i < w.rank; i++) {
        s.d[i + 2] = vn_window_out(&w, i, s.d[i + 2], 0);
        if (s.d[i + 2] < 1)
            return vn_node_fail(n, e, VN_E_INPUT,
                                "the kernel does not fit into spatial dimension %d of %s (%lld elements)", i,
                                n->in[0]->name, (long long)n->in[0]->shape.d[i + 2]);
    }
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

/* Three spatial dimensions, the missing ones in front being 1. */
struct geometry {
    int64_t in[3], out[3], k[3], s[3], d[3], p[3];
};

static struct geometry geometry_of(const struct window *w, const struct vn_shape *x, const struct vn_shape *y)
{
    struct geometry g;
    for (int i = 0; i < 3; i++) {
        int at = i - (3 - w->rank), there = at >= 0;
        g.in[i] = there ? x->d[at + 2] : 1;
        g.out[i] = there ? y->d[at + 2] : 1;
        g.k[i] = there ? w->kernel[at] : 1;
        g.s[i] = there ? w->stride[at] : 1;
        g.d[i] = there ? w->dilation[at] : 1;
        g.p[i] = there ? w->pad_begin[at] : 0;
    }
    return g;
}

/* Outputs [lo, hi) along dimension i for which tap `tap` lies inside the input. */
static void inside(const struct geometry *g, int i, int64_t tap, int64_t *lo, int64_t *hi)
{
    int64_t off = tap * g->d[i] - g->p[i], last = g->in[i] - 1 - off;
    *lo = off < 0 ? (-off + g->s[i] - 1) / g->s[i] : 0;
    *hi = last < 0 ? 0 : last / g->s[i] + 1;
    *hi = *hi < g->out[i] ? *hi : g->out[i];
}

/* y += w * x shifted by one tap, over one plane. */
static void add_tap(double *y, const double *x, double w, const struct geometry *g, const int64_t tap[3])
{
    int64_t lo[3], hi[3];
    for (int i = 0; i < 3; i++)
        inside(g, i, tap[i], &lo[i], &hi[i]);
    for (int64_t z = lo[0]; z < hi[0]; z++)
        for (int64_t v = lo[1]; v < hi[1]; v++) {
            int64_t iz = z * g->s[0] + tap[0] * g->d[0] - g->p[0],
                    iy = v * g->s[1] + tap[1] * g->d[1] - g->p[1];
            const double *row = x + (iz * g->in[1] + iy) * g->in[2] + tap[2] * g->d[2] - g->p[2];
            double *out = y + (z * g->out[1] + v) * g->out[2];
            for (int64_t u = lo[2]; u < hi[2]; u++)
                out[u] += w * row[u * g->s[2]];
        }
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    const struct conv_attrs *a = n->attrs;
    const struct vn_shape *x = &ev->in[0]->shape, *y = &ev->out[0]->shape;
    struct window w;
    TRY(window_of(&w, n, e));
    struct geometry g = geometry_of(&w, x, y);
    int64_t plane_in = g.in[0] * g.in[1] * g.in[2], plane_out = g.out[0] * g.out[1] * g.out[2];
    int64_t c_group = x->d[1] / a->group, k_group = y->d[1] / a->group;
    const double *bias = n->n_in > 2 && ev->in[2] ? vn_f64(ev->in[2]) : NULL;
    for (int64_t b = 0; b < y->d[0]; b++)
        for (int64_t k = 0; k < y->d[1]; k++) {
            double *out = vn_f64(ev->out[0]) + (b * y->d[1] + k) * plane_out;
            const double *weight = vn_f64(ev->in[1]) + k * c_group * g.k[0] * g.k[1] * g.k[2];
            for (int64_t i = 0; i < plane_out; i++)
                out[i] = bias ? bias[k] : 0;
            for (int64_t c = 0; c < c_group; c++) {
                const double *in = vn_f64(ev->in[0]) + (b * x->d[1] + k / k_group * c_group + c) * plane_in;
                for (int64_t t = 0; t < g.k[0] * g.k[1] * g.k[2]; t++, weight++)
                    add_tap(out, in, *weight, &g,
                            (int64_t[]){ t / (g.k[1] * g.k[2]), t / g.k[2] % g.k[1], t % g.k[2] });
            }
        }
    return VN_OK;
}

/* The convolution kernels have one and two spatial dimensions, and constant weights. */
static int is_fast(const struct node *n)
{
    return n->in[0]->shape.rank <= 4 && n->in[1]->data && (!vn_node_has(n, 2) || n->in[2]->data);
}

static enum q_kind quant_kind(const struct node *n) { return is_fast(n) ? Q_LINEAR : Q_FLOAT; }

static enum reason_id unfit(const struct node *n)
{
    if (n->in[0]->shape.rank > 4)
        return REASON_axes;
    return vn_node_has(n, 2) && !n->in[2]->data ? REASON_bias : REASON_NONE;
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    const struct conv_attrs *a = n->attrs;
    const struct vn_shape *x = &n->in[0]->shape, *y = &n->out[0]->shape;
    struct window w;
    TRY(window_of(&w, n, e));
    if (!is_fast(n)) {
        struct portable_params p = { .id = VN_PORTABLE_conv_nd };
        const int has_bias = vn_node_has(n, 2), in[3] = { vn_low_in(l, 0, PLAIN), vn_low_in(l, 1, PLAIN),
                                                          has_bias ? vn_low_in(l, 2, PLAIN) : -1 };
        vn_portable_put_window(&p, &w);
        p.i[VN_CW_GROUPS] = (int32_t)a->group;
        return vn_portable_emit(l, &p, 2 + has_bias, in, vn_low_out(l, PLAIN), e);
    }
    int v = w.rank == 2, u = w.rank - 1; /* 1-D: an image one pixel high */
    struct low_conv c = {
        .n = (int)x->d[0],
        .c = (int)x->d[1],
        .k = (int)y->d[1],
        .groups = (int)a->group,
        .h = v ? (int)x->d[2] : 1,
        .oh = v ? (int)y->d[2] : 1,
        .kh = v ? (int)w.kernel[0] : 1,
        .sh = v ? (int)w.stride[0] : 1,
        .dh = v ? (int)w.dilation[0] : 1,
        .ph = v ? (int)w.pad_begin[0] : 0,
        .w = (int)x->d[u + 2],
        .ow = (int)y->d[u + 2],
        .kw = (int)w.kernel[u],
        .sw = (int)w.stride[u],
        .dw = (int)w.dilation[u],
        .pw = (int)w.pad_begin[u],
    };
    TRY(vn_low_weights(l, &c, vn_node_has(n, 2) ? 2 : -1, e));
    int in = vn_low_in(l, 0, CHANNELS_LAST);
    return vn_low_conv(l, in, vn_low_out(l, CHANNELS_LAST), &c, e);
}

static int64_t groups(const struct node *n) { return ((const struct conv_attrs *)n->attrs)->group; }

static struct ints *padding(struct node *n)
{
    struct conv_attrs *a = n->attrs;
    return a->auto_pad == AUTO_PAD_NOTSET ? &a->pads : NULL;
}

static int64_t terms(const struct node *n)
{
    const struct vn_shape *w = &n->in[1]->shape;
    return w->d[0] ? vn_shape_count(w) / w->d[0] + 2 : 2;
}

const struct op_def vn_op_conv = {
    .name = "conv",
    .onnx = "Conv",
    .min_in = 2,
    .max_in = 3,
    .attrs = specs,
    .attrs_size = sizeof(struct conv_attrs),
    .infer = infer,
    .eval = eval,
    .lower = lower,
    .quant = { .kind = Q_LINEAR,
               .weight = 1,
               .weight_axis = 0,
               .channel_axis = 1,
               .bias = 2,
               .float_out_ok = 1 },
    .quant_kind = quant_kind,
    .groups = groups,
    .padding = padding,
    .window = window_of,
    .terms = terms,
    .unfit = unfit,
};
