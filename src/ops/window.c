/* ops/window.c - geometry of sliding windows. */
#include "format/numbers.h"
#include "ops/op.h"

const char *const vn_auto_pad_names[] = { "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", NULL };

static int list(int64_t *v, struct ints from, int want, int64_t dflt, const struct node *n, const char *what,
                struct vn_err *e)
{
    if (from.n && from.n != want)
        return vn_node_fail(n, e, VN_E_INPUT, "%s has %d entries, expected %d", what, from.n, want);
    for (int i = 0; i < want; i++)
        v[i] = from.n ? from.v[i] : dflt;
    return VN_OK;
}

static int kernel_dims(struct window *w, const struct node *n, const struct vn_shape *weight,
                       struct ints kernel, struct vn_err *e)
{
    if (!kernel.n && !weight)
        return vn_node_fail(n, e, VN_E_INPUT, "kernel_shape is missing");
    if (weight && weight->rank != w->rank + 2)
        return vn_node_fail(n, e, VN_E_INPUT, "weight has %d dimensions, expected %d", weight->rank,
                            w->rank + 2);
    TRY(list(w->kernel, kernel, w->rank, 1, n, "kernel_shape", e));
    for (int i = 0; weight && i < w->rank; i++) {
        if (kernel.n && kernel.v[i] != weight->d[i + 2])
            return vn_node_fail(n, e, VN_E_INPUT, "kernel_shape[%d] is %lld, the weight has %lld", i,
                                (long long)kernel.v[i], (long long)weight->d[i + 2]);
        w->kernel[i] = weight->d[i + 2];
    }
    return VN_OK;
}

static void same_padding(struct window *w, int i, int64_t in, int upper)
{
    int64_t extent = w->dilation[i] * (w->kernel[i] - 1) + 1;
    int64_t out = (in + w->stride[i] - 1) / w->stride[i];
    int64_t total = (out - 1) * w->stride[i] + extent - in;
    total = total > 0 ? total : 0;
    w->pad_begin[i] = upper ? total / 2 : total - total / 2;
    w->pad_end[i] = total - w->pad_begin[i];
}

int vn_window(struct window *w, const struct node *n, const struct vn_shape *x, const struct vn_shape *weight,
              struct ints kernel, struct ints strides, struct ints pads, struct ints dilations, int auto_pad,
              struct vn_err *e)
{
    memset(w, 0, sizeof *w);
    w->rank = x->rank - 2;
    if (w->rank < 1 || w->rank > 3)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED,
                            "input has %d dimensions; %s requires 1 to 3 spatial dimensions", x->rank,
                            n->op->onnx);
    int64_t p[6];
    TRY(kernel_dims(w, n, weight, kernel, e));
    TRY(list(w->stride, strides, w->rank, 1, n, "strides", e));
    TRY(list(w->dilation, dilations, w->rank, 1, n, "dilations", e));
    TRY(list(p, auto_pad == AUTO_PAD_NOTSET ? pads : (struct ints){ 0 }, 2 * w->rank, 0, n, "pads", e));
    for (int i = 0; i < w->rank; i++) {
        if (x->d[i + 2] > VN_MOST_EXTENT)
            return vn_node_fail(n, e, VN_E_UNSUPPORTED,
                                "spatial dimension %d of %s has %lld elements; at most %d are supported", i,
                                n->in[0]->name, (long long)x->d[i + 2], VN_MOST_EXTENT);
        w->pad_begin[i] = p[i];
        w->pad_end[i] = p[i + w->rank];
        if (w->kernel[i] < 1 || w->kernel[i] > 65536 || w->stride[i] < 1 || w->stride[i] > 65536 ||
            w->dilation[i] < 1 || w->dilation[i] > 65536 || p[i] < 0 || p[i] > 1 << 24 ||
            p[i + w->rank] < 0 || p[i + w->rank] > 1 << 24)
            return vn_node_fail(n, e, VN_E_INPUT,
                                "kernel, stride, dilation or padding of spatial dimension %d is out of range",
                                i);
        if (auto_pad == AUTO_PAD_SAME_UPPER || auto_pad == AUTO_PAD_SAME_LOWER)
            same_padding(w, i, x->d[i + 2], auto_pad == AUTO_PAD_SAME_UPPER);
    }
    return VN_OK;
}

int64_t vn_window_out(const struct window *w, int i, int64_t in, int ceil_mode)
{
    int64_t extent = w->dilation[i] * (w->kernel[i] - 1) + 1;
    int64_t span = in + w->pad_begin[i] + w->pad_end[i] - extent;
    if (span < 0)
        return 0;
    int64_t out = (span + (ceil_mode ? w->stride[i] - 1 : 0)) / w->stride[i] + 1;
    if (ceil_mode && (out - 1) * w->stride[i] >= in + w->pad_begin[i])
        out--; /* the last window must start inside the input or the padding in front */
    return out;
}
