/* ops/slice.c - every step-th element from start to end along some axes; negative steps walk backward. */
#include "ops/lower.h"

struct cut {
    int64_t start, step, count;
};

/* NumPy's clamping. step != 0. */
static struct cut clamp_cut(int64_t start, int64_t end, int64_t step, int64_t dim)
{
    const int64_t far = INT64_C(1) << 40;
    step = step > far ? far : step < -far ? -far : step;
    start += start < 0 ? dim : 0;
    end += end < 0 ? dim : 0;
    int64_t lo = step > 0 ? 0 : -1, hi = step > 0 ? dim : dim - 1;
    start = start < (step > 0 ? 0 : -1) ? lo : start > hi ? hi : start;
    end = end < lo ? lo : end > hi ? hi : end;
    int64_t count = step > 0 ? (end - start + step - 1) / step : (start - end - step - 1) / -step;
    if (step > 0 ? end <= start : start <= end)
        count = 0;
    return (struct cut){ start < 0 ? 0 : start, step, count };
}

static int cuts(const struct node *n, struct cut *cut, struct vn_err *e)
{
    const struct vn_shape *x = &n->in[0]->shape;
    int64_t start[VN_MAX_RANK], end[VN_MAX_RANK], axes[VN_MAX_RANK], step[VN_MAX_RANK];
    int count = vn_node_list(n, 1, "starts", start, VN_MAX_RANK, e), more;
    TRY(count);
    for (int i = 0; i < VN_MAX_RANK; i++)
        axes[i] = i, step[i] = 1;
    TRY(more = vn_node_list(n, 2, "ends", end, VN_MAX_RANK, e));
    int same = more == count;
    if (vn_node_has(n, 3)) {
        TRY(more = vn_node_list(n, 3, "axes", axes, VN_MAX_RANK, e));
        same &= more == count;
    }
    if (vn_node_has(n, 4)) {
        TRY(more = vn_node_list(n, 4, "steps", step, VN_MAX_RANK, e));
        same &= more == count;
    }
    if (!same)
        return vn_node_fail(n, e, VN_E_INPUT, "starts, ends, axes and steps differ in length");
    for (int d = 0; d < x->rank; d++)
        cut[d] = (struct cut){ 0, 1, x->d[d] };
    for (int i = 0; i < count; i++) {
        int axis = vn_shape_axis(x, axes[i]);
        if (axis < 0 || step[i] == 0)
            return vn_node_fail(n, e, VN_E_INPUT, axis < 0 ? "axis %lld is out of range" : "step is %lld",
                                (long long)(axis < 0 ? axes[i] : step[i]));
        cut[axis] = clamp_cut(start[i], end[i], step[i], x->d[axis]);
    }
    return VN_OK;
}

/* Constant bounds. */
static int picks(const struct node *n, int axis, int64_t *start, int64_t *step)
{
    struct cut cut[VN_MAX_RANK];
    if (cuts(n, cut, NULL) < 0)
        return 0;
    *start = cut[axis].start;
    *step = cut[axis].step;
    return 1;
}

static int infer(struct node *n, struct vn_err *e)
{
    struct cut cut[VN_MAX_RANK];
    TRY(vn_infer_begin(n, e));
    TRY(cuts(n, cut, e));
    struct vn_shape s = n->in[0]->shape;
    for (int d = 0; d < s.rank; d++)
        s.d[d] = cut[d].count;
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

/* Offset of the first element, and strides along the output's axes, from the input's strides. */
static int64_t walk(const struct cut *cut, int rank, const int64_t *own, int64_t *stride)
{
    int64_t from = 0;
    for (int d = 0; d < rank; d++) {
        from += cut[d].start * own[d];
        stride[d] = cut[d].count > 1 ? cut[d].step * own[d] : 0;
    }
    return from;
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    struct cut cut[VN_MAX_RANK];
    int64_t own[VN_MAX_RANK], stride[VN_MAX_RANK];
    TRY(cuts(n, cut, e));
    vn_shape_strides(&ev->in[0]->shape, own);
    int64_t from = walk(cut, ev->in[0]->shape.rank, own, stride);
    vn_eval_gather(ev->out[0], ev->in[0], from, stride);
    return VN_OK;
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    struct cut cut[VN_MAX_RANK];
    int64_t own[VN_MAX_RANK], stride[VN_MAX_RANK], to[VN_MAX_RANK];
    enum layout order;
    TRY(cuts(n, cut, e));
    int x = vn_low_in_any(l, 0, &order);
    int y = vn_low_out(l, order);
    vn_low_axis_strides(vn_low_tensor(l, x), own);
    vn_low_axis_strides(vn_low_tensor(l, y), to);
    int64_t from = walk(cut, n->in[0]->shape.rank, own, stride);
    return vn_low_copy(l, x, y, n->out[0]->shape.rank, n->out[0]->shape.d, from, stride, 0, to, e);
}

const struct op_def vn_op_slice = {
    .name = "slice",
    .onnx = "Slice",
    .min_in = 3,
    .max_in = 5,
    .infer = infer,
    .eval = eval,
    .lower = lower,
    .quant = { .kind = Q_MOVE, .out = Q_OUT_SAME, .data_inputs = 1 },
    .picks = picks,
};
