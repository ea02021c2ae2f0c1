/* ops/convtranspose.c - transposed convolution in 1 to 3 spatial dimensions: every input pixel adds a scaled
 * kernel. */
#include "ops/portable_op.h"

static const struct attr_spec specs[] = {
    A_INTS(struct convt_attrs, kernel, "kernel_shape", 1, 65536),
    A_INTS(struct convt_attrs, strides, "strides", 1, 65536),
    A_INTS(struct convt_attrs, pads, "pads", 0, 1 << 24),
    A_INTS(struct convt_attrs, dilations, "dilations", 1, 65536),
    A_INTS(struct convt_attrs, output_padding, "output_padding", 0, 65536),
    A_INTS(struct convt_attrs, output_shape, "output_shape", 0, INT32_MAX),
    A_INT(struct convt_attrs, group, "group", 1, 1, 1 << 24),
    A_ENUM(struct convt_attrs, auto_pad, "auto_pad", AUTO_PAD_NOTSET, vn_auto_pad_names),
    A_END,
};

/* Window (whose paddings may come out negative) and output extents. */
static int window_of(struct window *w, int64_t out[3], const struct node *n, struct vn_err *e)
{
    const struct convt_attrs *a = n->attrs;
    const struct vn_shape *x = &n->in[0]->shape;
    TRY(vn_window(w, n, x, &n->in[1]->shape, a->kernel, a->strides, a->pads, a->dilations, a->auto_pad, e));
    if ((a->output_padding.n && a->output_padding.n != w->rank) ||
        (a->output_shape.n && a->output_shape.n != w->rank && a->output_shape.n != x->rank))
        return vn_node_fail(n, e, VN_E_INPUT, "output_padding or output_shape: expected %d entries", w->rank);
    int same = a->auto_pad == AUTO_PAD_SAME_UPPER || a->auto_pad == AUTO_PAD_SAME_LOWER;
    for (int i = 0; i < w->rank; i++) {
        int64_t more = a->output_padding.n ? a->output_padding.v[i] : 0;
        int64_t full = w->stride[i] * (x->d[i + 2] - 1) + more + w->dilation[i] * (w->kernel[i] - 1) + 1;
        if (a->output_shape.n || same) {
            out[i] = a->output_shape.n ? a->output_shape.v[i + a->output_shape.n - w->rank]
                                       : x->d[i + 2] * w->stride[i];
            int64_t total = full - out[i];
            w->pad_begin[i] = total < 0                            ? 0
                              : a->auto_pad == AUTO_PAD_SAME_UPPER ? total / 2
                                                                   : total - total / 2;
            w->pad_end[i] = total - w->pad_begin[i];
        }
        out[i] = full - w->pad_begin[i] - w->pad_end[i];
        if (out[i] < 1 || x->d[i + 2] < 1)
            return vn_node_fail(n, e, VN_E_INPUT,
                                "spatial dimension %d of the output would have %lld elements", i,
                                (long long)out[i]);
    }
    return VN_OK;
}

static int infer(struct node *n, struct vn_err *e)
{
    const struct convt_attrs *a = n->attrs;
    struct window w;
    int64_t out[3];
    TRY(vn_infer_begin(n, e));
    for (int i = 0; i < n->n_in; i++)
        TRY(vn_infer_float(n, i, e));
    TRY(window_of(&w, out, n, e));
    const struct vn_shape *x = &n->in[0]->shape, *weight = &n->in[1]->shape;
    if (weight->d[0] != x->d[1])
        return NODE_MISFIT(n, e, "weight %s requires %lld input channels, %s has %lld", n->in[1]->name,
                           (long long)weight->d[0], n->in[0]->name, (long long)x->d[1]);
    if (a->group < 1 || x->d[1] % a->group)
        return NODE_MISFIT(n, e, "%lld input channels are not a multiple of %lld groups", (long long)x->d[1],
                           (long long)a->group);
    struct vn_shape s = *x;
    s.d[1] = weight->d[1] * a->group;
    if (vn_node_has(n, 2) && (n->in[2]->shape.rank != 1 || n->in[2]->shape.d[0] != s.d[1]))
        return vn_node_fail(n, e, VN_E_INPUT, "bias %s must have %lld elements", n->in[2]->name,
                            (long long)s.d[1]);
    for (int i = 0; i < w.rank; i++)
        s.d[i + 2] = out[i];
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

/* Adds one input plane, through one kernel, to one output plane. */
static void add_plane(double *y, const struct vn_shape *ys, const double *x, const struct vn_shape *xs,
                      const double *kernel, const struct window *w)
{
    struct vn_shape pixels = { .rank = w->rank }, taps = { .rank = w->rank };
    memcpy(pixels.d, xs->d + 2, sizeof(int64_t) * (size_t)w->rank);
    memcpy(taps.d, w->kernel, sizeof(int64_t) * (size_t)w->rank);
    int64_t p[VN_MAX_RANK] = { 0 }, n_pixels = vn_shape_count(&pixels), n_taps = vn_shape_count(&taps);
    for (int64_t i = 0; i < n_pixels; i++, vn_index_next(p, &pixels)) {
        int64_t t[VN_MAX_RANK] = { 0 };
        for (int64_t k = 0; k < n_taps; k++, vn_index_next(t, &taps)) {
            int64_t at = 0;
            int outside = 0;
            for (int d = 0; d < w->rank; d++) {
                int64_t o = p[d] * w->stride[d] + t[d] * w->dilation[d] - w->pad_begin[d];
                outside |= o < 0 || o >= ys->d[d + 2];
                at = at * ys->d[d + 2] + o;
            }
            if (!outside)
                y[at] += x[i] * kernel[k];
        }
    }
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    const struct convt_attrs *a = n->attrs;
    const struct vn_shape *x = &ev->in[0]->shape, *y = &ev->out[0]->shape;
    struct window w;
    int64_t out[3], plane_in = 1, plane_out = 1, taps = 1;
    TRY(window_of(&w, out, n, e));
    for (int i = 0; i < w.rank; i++) {
        plane_in *= x->d[i + 2];
        plane_out *= y->d[i + 2];
        taps *= w.kernel[i];
    }
    int64_t c_group = x->d[1] / a->group, k_group = y->d[1] / a->group;
    const double *bias = n->n_in > 2 && ev->in[2] ? vn_f64(ev->in[2]) : NULL;
    for (int64_t b = 0; b < y->d[0]; b++)
        for (int64_t k = 0; k < y->d[1]; k++) {
            double *to = vn_f64(ev->out[0]) + (b * y->d[1] + k) * plane_out;
            for (int64_t i = 0; i < plane_out; i++)
                to[i] = bias ? bias[k] : 0;
            for (int64_t c = k / k_group * c_group; c < (k / k_group + 1) * c_group; c++)
                add_plane(to, y, vn_f64(ev->in[0]) + (b * x->d[1] + c) * plane_in, x,
                          vn_f64(ev->in[1]) + (c * k_group + k % k_group) * taps, &w);
        }
    return VN_OK;
}

static int weight_axis(const struct node *n)
{
    return ((const struct convt_attrs *)n->attrs)->group == 1 ? 1 : -1;
}

/* ---- lowering: a convolution over the input with stride - 1 zeros between pixels, kernels turned around
 * ---- */

/* C,M/g,kh,kw -> M,C/g,kh,kw with both spatial axes reversed; elements of `size` bytes. */
static void *turn_weights(struct lowering *l, const void *w, size_t size, const struct low_conv *c)
{
    int cg = c->c / c->groups, mg = c->k / c->groups, taps = c->kh * c->kw;
    char *out = NEW_ARRAY(l->scratch, char, (size_t)c->c *(size_t)mg *(size_t)taps *size);
    for (int64_t in = 0; in < c->c; in++)
        for (int64_t m = 0; m < mg; m++)
            for (int64_t t = 0; t < taps; t++) {
                int64_t to = ((in / cg * mg + m) * cg + in % cg) * taps + taps - 1 - t;
                memcpy(out + (size_t)to * size, (const char *)w + (size_t)((in * mg + m) * taps + t) * size,
                       size);
            }
    return out;
}

/* One spatial axis of the stretched input. A negative padding crops its front: `skip` input pixels are left
 * out, and the next one is at `first`. */
struct stretch {
    int64_t extent, skip, first, pad;
};
static struct stretch stretch_of(int64_t in, int64_t stride, int64_t dilation, int64_t kernel,
                                 int64_t pad_begin)
{
    int64_t pad = dilation * (kernel - 1) - pad_begin, crop = pad < 0 ? -pad : 0;
    int64_t full = (in - 1) * stride + 1, skip = (crop + stride - 1) / stride;
    skip = skip < in ? skip : in;
    return (struct stretch){ full > crop ? full - crop : 1, skip, skip * stride - crop, pad < 0 ? 0 : pad };
}

static int stretched(struct lowering *l, int x, const struct stretch *s, const int64_t *stride, int rank,
                     int *out, struct vn_err *e)
{
    const struct vn_shape *from = &l->node->in[0]->shape;
    struct vn_shape shape = *from;
    int64_t src_stride[VN_MAX_RANK], dst_stride[VN_MAX_RANK], dims[VN_MAX_RANK], src = 0, dst = 0;
    const struct prog_tensor t = *vn_low_tensor(l, x);
    for (int i = 0; i < rank; i++)
        shape.d[i + 2] = s[i].extent;
    *out = vn_low_temp(l, t.dtype, &shape, CHANNELS_LAST, t.scale, t.zero);
    vn_low_fill(l, *out, t.dtype == VN_I8 ? (float)t.zero : 0.0f);
    vn_low_axis_strides(&t, src_stride);
    vn_low_axis_strides(vn_low_tensor(l, *out), dst_stride);
    memcpy(dims, from->d, sizeof dims);
    for (int i = 0; i < rank; i++) {
        dims[i + 2] -= s[i].skip;
        if (dims[i + 2] <= 0)
            return VN_OK;
        src += s[i].skip * src_stride[i + 2];
        dst += s[i].first * dst_stride[i + 2];
        dst_stride[i + 2] *= stride[i];
    }
    return vn_low_copy(l, x, *out, from->rank, dims, src, src_stride, dst, dst_stride, e);
}

/* The convolution kernels have one and two spatial dimensions, and constant weights. */
static int is_fast(const struct node *n)
{
    return n->in[0]->shape.rank <= 4 && n->in[1]->data && (!vn_node_has(n, 2) || n->in[2]->data);
}

static enum q_kind quant_kind(const struct node *n) { return is_fast(n) ? Q_LINEAR : Q_FLOAT; }

static int lower_portable(const struct node *n, struct lowering *l, const struct window *w, struct vn_err *e)
{
    struct portable_params p = { .id = VN_PORTABLE_conv_transpose_nd };
    const int has_bias = vn_node_has(n, 2);
    const int in[3] = { vn_low_in(l, 0, PLAIN), vn_low_in(l, 1, PLAIN),
                        has_bias ? vn_low_in(l, 2, PLAIN) : -1 };
    vn_portable_put_window(&p, w);
    p.i[VN_CW_GROUPS] = (int32_t)((const struct convt_attrs *)n->attrs)->group;
    return vn_portable_emit(l, &p, 2 + has_bias, in, vn_low_out(l, PLAIN), e);
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    const struct convt_attrs *a = n->attrs;
    const struct vn_shape *x = &n->in[0]->shape;
    struct window w;
    int64_t out[3];
    TRY(window_of(&w, out, n, e));
    if (!is_fast(n))
        return lower_portable(n, l, &w, e);
    struct stretch s[2];
    int plain = 1;
    for (int i = 0; i < w.rank; i++) {
        s[i] = stretch_of(x->d[i + 2], w.stride[i], w.dilation[i], w.kernel[i], w.pad_begin[i]);
        plain &= w.stride[i] == 1 && s[i].extent == x->d[i + 2];
        if (s[i].extent > INT32_MAX / 2)
            return vn_node_fail(n, e, VN_E_UNSUPPORTED, "stride %lld is too large", (long long)w.stride[i]);
    }
    int v = w.rank == 2, u = w.rank - 1;
    struct low_conv c = {
        .n = (int)x->d[0],
        .c = (int)x->d[1],
        .k = (int)n->out[0]->shape.d[1],
        .groups = (int)a->group,
        .sh = 1,
        .sw = 1,
        .h = v ? (int)s[0].extent : 1,
        .oh = v ? (int)out[0] : 1,
        .kh = v ? (int)w.kernel[0] : 1,
        .dh = v ? (int)w.dilation[0] : 1,
        .ph = v ? (int)s[0].pad : 0,
        .w = (int)s[u].extent,
        .ow = (int)out[u],
        .kw = (int)w.kernel[u],
        .dw = (int)w.dilation[u],
        .pw = (int)s[u].pad,
    };
    TRY(vn_low_weights(l, &c, vn_node_has(n, 2) ? 2 : -1, e));
    c.weight = turn_weights(l, c.weight, vn_dtype_size(c.weight_type), &c);
    int in = vn_low_in(l, 0, CHANNELS_LAST);
    if (!plain)
        TRY(stretched(l, in, s, w.stride, w.rank, &in, e));
    return vn_low_conv(l, in, vn_low_out(l, CHANNELS_LAST), &c, e);
}

static int64_t groups(const struct node *n) { return ((const struct convt_attrs *)n->attrs)->group; }

/* Without what auto_pad and output_shape make of it. */
static int window(struct window *w, const struct node *n, struct vn_err *e)
{
    const struct convt_attrs *a = n->attrs;
    TRY(vn_window(w, n, &n->in[0]->shape, &n->in[1]->shape, a->kernel, a->strides, a->pads, a->dilations,
                  a->auto_pad, e));
    w->output_padding = a->output_padding;
    return VN_OK;
}

static int64_t terms(const struct node *n)
{
    const struct vn_shape *w = &n->in[1]->shape;
    return w->d[1] ? vn_shape_count(w) / w->d[1] / groups(n) + 2 : 2;
}

const struct op_def vn_op_convtranspose = {
    .name = "convtranspose",
    .onnx = "ConvTranspose",
    .min_in = 2,
    .max_in = 3,
    .attrs = specs,
    .attrs_size = sizeof(struct convt_attrs),
    .infer = infer,
    .eval = eval,
    .lower = lower,
    .quant = { .kind = Q_LINEAR, .weight = 1, .weight_axis = 1, .channel_axis = 1, .bias = 2 },
    .weight_axis = weight_axis,
    .quant_kind = quant_kind,
    .groups = groups,
    .window = window,
    .terms = terms,
};
