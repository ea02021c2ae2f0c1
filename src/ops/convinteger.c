/* ops/convinteger.c - convolution of 8-bit integers into int32. */
#include "format/numbers.h"
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

static int infer(struct node *n, struct vn_err *e)
{
    const struct conv_attrs *a = n->attrs;
    struct window w;
    TRY(vn_infer_begin(n, e));
    TRY(window_of(&w, n, e));
    const struct vn_shape *x = &n->in[0]->shape, *k = &n->in[1]->shape;
    struct vn_shape s = *x;
    if (x->d[1] % a->group || k->d[0] % a->group || k->d[1] != x->d[1] / a->group)
        return NODE_MISFIT(n, e, "weight %s does not match %lld input channels in %lld groups",
                           n->in[1]->name, (long long)x->d[1], (long long)a->group);
    for (int i = 2; i < 4; i++)
        if (vn_node_has(n, i) && vn_shape_count(&n->in[i]->shape) != 1 &&
            (i == 2 || n->in[i]->shape.rank != 1 || n->in[i]->shape.d[0] != k->d[0]))
            return vn_node_fail(n, e, VN_E_INPUT, "zero point %s does not match", n->in[i]->name);
    s.d[1] = k->d[0];
    for (int i = 0; i < w.rank; i++) {
        s.d[i + 2] = vn_window_out(&w, i, x->d[i + 2], 0);
        if (s.d[i + 2] < 1)
            return vn_node_fail(n, e, VN_E_INPUT, "the kernel does not fit into spatial dimension %d of %s",
                                i, n->in[0]->name);
    }
    return vn_infer_out(n, 0, VN_I32, &s, e);
}

static struct portable_params conv(const struct node *n)
{
    struct portable_params p = { .id = VN_PORTABLE_conv_nd };
    struct window w;
    window_of(&w, n, NULL);
    vn_portable_put_window(&p, &w);
    p.i[VN_CW_GROUPS] = (int32_t)((const struct conv_attrs *)n->attrs)->group;
    return p;
}

static const struct portable_params less_zero = { .id = VN_PORTABLE_binary, .i = { VN_CB_SUB, VN_I64 } };

/* The shape in which zero point i + 2 broadcasts to operand i. */
static struct vn_shape spread(const struct node *n, int i)
{
    struct vn_shape s = { .rank = n->in[i]->shape.rank };
    for (int d = 0; d < s.rank; d++)
        s.d[d] = 1;
    s.d[0] = vn_shape_count(&n->in[i + 2]->shape);
    return s;
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    const struct portable_params p = conv(n);
    const struct vn_tensor *in[2];
    for (int i = 0; i < 2; i++) {
        in[i] = ev->in[i];
        if (!vn_node_has(n, i + 2))
            continue;
        struct vn_tensor zero = *ev->in[i + 2],
                         *shifted = vn_tensor_new(ev->arena, VN_I64, &ev->in[i]->shape);
        const struct vn_tensor *const pair[2] = { ev->in[i], &zero };
        zero.shape = spread(n, i);
        TRY(vn_portable_eval(n, &less_zero, ev->arena, 2, pair, shifted, e));
        in[i] = shifted;
    }
    return vn_portable_eval(n, &p, ev->arena, 2, in, ev->out[0], e);
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    const struct portable_params p = conv(n);
    int in[2];
    for (int i = 0; i < 2; i++) {
        in[i] = vn_low_in(l, i, PLAIN);
        if (!vn_node_has(n, i + 2))
            continue;
        const struct vn_shape s = spread(n, i);
        const int64_t one = 1;
        const int pair[2] = { in[i], vn_low_temp(l, VN_I64, &s, PLAIN, 0, 0) };
        TRY(vn_low_copy(l, vn_low_in(l, i + 2, PLAIN), pair[1], 1, &s.d[0], 0, &one, 0, &one, e));
        in[i] = vn_low_temp(l, VN_I64, &n->in[i]->shape, PLAIN, 0, 0);
        TRY(vn_portable_emit(l, &less_zero, 2, pair, in[i], e));
    }
    return vn_portable_emit(l, &p, 2, in, vn_low_out(l, PLAIN), e);
}

const struct op_def vn_op_convinteger = {
    .name = "convinteger",
    .onnx = "ConvInteger",
    .min_in = 2,
    .max_in = 4,
    .attrs = specs,
    .attrs_size = sizeof(struct conv_attrs),
    .infer = infer,
    .eval = eval,
    .lower = lower,
};
