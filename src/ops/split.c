/* ops/split.c - pieces of a tensor along an axis. The pass split_to_slices turns it into slices, which have
 * integer forms. */
#include "ops/lower.h"

struct attrs {
    int64_t axis, num_outputs;
};

static const struct attr_spec specs[] = {
    A_INT(struct attrs, axis, "axis", 0, -VN_MAX_RANK, VN_MAX_RANK),
    A_INT(struct attrs, num_outputs, "num_outputs", 0, 0, INT32_MAX),
    A_END,
};

static int axis_of(const struct node *n)
{
    return vn_shape_axis(&n->in[0]->shape, ((const struct attrs *)n->attrs)->axis);
}

/* Equal pieces, the last one smaller where it does not come out even. */
static int sizes(const struct node *n, int axis, int64_t *size, struct vn_err *e)
{
    const int64_t dim = n->in[0]->shape.d[axis], each = (dim + n->n_out - 1) / n->n_out;
    if (vn_node_has(n, 1)) {
        int count = vn_node_list(n, 1, "split", size, n->n_out, e);
        TRY(count);
        if (count != n->n_out)
            return vn_node_fail(n, e, VN_E_INPUT, "split has %d entries for %d outputs", count, n->n_out);
        return VN_OK;
    }
    for (int i = 0; i < n->n_out; i++)
        size[i] = i * each > dim ? 0 : dim - i * each < each ? dim - i * each : each;
    return VN_OK;
}

static int infer(struct node *n, struct vn_err *e)
{
    int64_t size[256], total = 0;
    if (n->n_out > 256)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "Split into %d pieces, expected at most 256", n->n_out);
    TRY(vn_infer_begin(n, e));
    struct vn_shape s = n->in[0]->shape;
    const int axis = axis_of(n);
    if (axis < 0)
        return vn_node_fail(n, e, VN_E_INPUT, "axis is out of range for an input of %d dimensions", s.rank);
    TRY(sizes(n, axis, size, e));
    const int64_t dim = s.d[axis];
    for (int i = 0; i < n->n_out; i++) {
        if (size[i] < 0 || size[i] > dim)
            return vn_node_fail(n, e, VN_E_INPUT, "piece %d has %lld of %lld elements", i, (long long)size[i],
                                (long long)dim);
        total += s.d[axis] = size[i];
        TRY(vn_infer_out(n, i, n->in[0]->dtype, &s, e));
    }
    if (total != dim)
        return vn_node_fail(n, e, VN_E_INPUT, "the pieces have %lld elements in total, axis %d has %lld",
                            (long long)total, axis, (long long)dim);
    return VN_OK;
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    int64_t size[256], stride[VN_MAX_RANK], at = 0;
    const int axis = axis_of(n);
    TRY(sizes(n, axis, size, e));
    vn_shape_strides(&ev->in[0]->shape, stride);
    for (int i = 0; i < n->n_out; at += size[i++] * stride[axis])
        if (ev->out[i])
            vn_eval_gather(ev->out[i], ev->in[0], at, stride);
    return VN_OK;
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    int64_t size[256], from[VN_MAX_RANK], to[VN_MAX_RANK], at = 0;
    const int axis = axis_of(n);
    enum layout order;
    TRY(sizes(n, axis, size, e));
    const int x = vn_low_in_any(l, 0, &order);
    vn_low_axis_strides(vn_low_tensor(l, x), from);
    for (int i = 0; i < n->n_out; at += size[i++] * from[axis]) {
        if (!n->out[i])
            continue;
        if (!size[i])
            return vn_node_fail(n, e, VN_E_UNSUPPORTED,
                                "%s has no elements; the runtime requires at least one", n->out[i]->name);
        const int y = vn_low_out_at(l, i, order);
        vn_low_axis_strides(vn_low_tensor(l, y), to);
        TRY(vn_low_copy(l, x, y, n->out[i]->shape.rank, n->out[i]->shape.d, at, from, 0, to, e));
        vn_low_finish_at(l, i, y);
    }
    return VN_OK;
}

const struct op_def vn_op_split = {
    .name = "split",
    .onnx = "Split",
    .min_in = 1,
    .max_in = 2,
    .min_out = 1,
    .max_out = 256,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .eval = eval,
    .lower = lower,
    .lowers_all = 1,
};
