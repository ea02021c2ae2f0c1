/* ops/pad.c - more elements (or, with negative numbers, fewer) at both ends of each axis. */
#include "ops/lower.h"

enum { CONSTANT, REFLECT, EDGE, WRAP };
static const char *const modes[] = { "constant", "reflect", "edge", "wrap", NULL };
static const struct attr_spec specs[] = { A_ENUM(struct pad_attrs, mode, "mode", CONSTANT, modes), A_END };

/* Elements added in front of and behind each axis. */
static int amounts(const struct node *n, int64_t *front, int64_t *back, struct vn_err *e)
{
    const struct vn_shape *x = &n->in[0]->shape;
    int64_t pads[2 * VN_MAX_RANK], axes[VN_MAX_RANK];
    int n_axes = x->rank, n_pads = vn_node_list(n, 1, "pads", pads, 2 * VN_MAX_RANK, e);
    uint32_t mask;
    TRY(n_pads);
    for (int d = 0; d < VN_MAX_RANK; d++)
        axes[d] = d, front[d] = back[d] = 0;
    if (vn_node_has(n, 3)) {
        TRY(vn_node_axes(n, 3, x->rank, &mask, e));
        TRY(n_axes = vn_node_list(n, 3, "axes", axes, VN_MAX_RANK, e));
    }
    if (n_pads != 2 * n_axes)
        return vn_node_fail(n, e, VN_E_INPUT, "pads has %d entries, expected %d", n_pads, 2 * n_axes);
    for (int i = 0; i < n_axes; i++) {
        int d = vn_shape_axis(x, axes[i]);
        front[d] = pads[i];
        back[d] = pads[i + n_axes];
    }
    return VN_OK;
}

static int infer(struct node *n, struct vn_err *e)
{
    const struct pad_attrs *a = n->attrs;
    int64_t front[VN_MAX_RANK], back[VN_MAX_RANK];
    TRY(vn_infer_begin(n, e));
    TRY(amounts(n, front, back, e));
    if (vn_node_has(n, 2) && vn_shape_count(&n->in[2]->shape) != 1)
        return vn_node_fail(n, e, VN_E_INPUT, "the padding value must be a scalar");
    struct vn_shape s = n->in[0]->shape;
    for (int d = 0; d < s.rank; d++) {
        const int64_t in = s.d[d], far = INT64_C(1) << 40;
        if (front[d] < -far || front[d] > far || back[d] < -far || back[d] > far ||
            (s.d[d] += front[d] + back[d]) < 0)
            return vn_node_fail(n, e, VN_E_INPUT,
                                "padding of axis %d by %lld and %lld is out of range for its %lld elements",
                                d, (long long)front[d], (long long)back[d], (long long)in);
        if (a->mode != CONSTANT && in == 0 && s.d[d] > 0)
            return vn_node_fail(n, e, VN_E_INPUT, "axis %d has no elements to pad with", d);
        if (a->mode == REFLECT && (front[d] >= in || back[d] >= in) && (front[d] > 0 || back[d] > 0))
            return vn_node_fail(n, e, VN_E_INPUT,
                                "axis %d of %lld elements cannot be reflected by %lld and %lld", d,
                                (long long)in, (long long)front[d], (long long)back[d]);
    }
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

/* Source index for position `at` (which may be outside); -1: the constant. */
static int64_t source(int mode, int64_t at, int64_t dim)
{
    if (at >= 0 && at < dim)
        return at;
    switch (mode) {
    case REFLECT: return at < 0 ? -at : 2 * (dim - 1) - at;
    case EDGE: return at < 0 ? 0 : dim - 1;
    case WRAP: return (at % dim + dim) % dim;
    default: return -1;
    }
}

/* The constant as a cell of x's kind. */
static uint64_t fill_cell(const struct node *n, const struct eval *ev)
{
    const struct vn_tensor *v = n->n_in > 2 ? ev->in[2] : NULL;
    const struct qparam *q = ev->in[0]->dtype == VN_I64 ? n->in[0]->q : NULL;
    uint64_t cell = 0;
    if (q) {
        int64_t k = vn_q_one(q, 0, v ? vn_f64(v)[0] : 0);
        memcpy(&cell, &k, sizeof cell);
    } else if (v) {
        memcpy(&cell, v->data, sizeof cell);
    }
    return cell;
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    const struct pad_attrs *a = n->attrs;
    const struct vn_shape *x = &ev->in[0]->shape, *y = &ev->out[0]->shape;
    int64_t front[VN_MAX_RANK], back[VN_MAX_RANK], own[VN_MAX_RANK], idx[VN_MAX_RANK] = { 0 },
                                                                     count = vn_shape_count(y);
    const uint64_t *src = ev->in[0]->data, fill = fill_cell(n, ev);
    uint64_t *dst = ev->out[0]->data;
    TRY(amounts(n, front, back, e));
    vn_shape_strides(x, own);
    for (int64_t i = 0; i < count; i++) {
        int64_t at = 0;
        int outside = 0;
        for (int d = 0; d < y->rank; d++) {
            int64_t k = source(a->mode, idx[d] - front[d], x->d[d]);
            outside |= k < 0;
            at += k * own[d];
        }
        dst[i] = outside ? fill : src[at];
        vn_index_next(idx, y);
    }
    return VN_OK;
}

static int lower_constant(const struct node *n, struct lowering *l, const int64_t *front, const int64_t *back,
                          struct vn_err *e)
{
    const struct vn_shape *s = &n->in[0]->shape;
    int64_t from[VN_MAX_RANK], to[VN_MAX_RANK], dims[VN_MAX_RANK], src = 0, dst = 0;
    enum layout order;
    double value = 0;
    if (vn_node_has(n, 2)) {
        if (!n->in[2]->data)
            return NODE_COMPUTED(
                n, e, "the padding value is computed at run time; the runtime requires a constant");
        value = vn_tensor_f64(n->in[2]->data, 0);
    }
    int x = vn_low_in_any(l, 0, &order);
    int y = vn_low_out(l, order);
    vn_low_fill(l, y, l->integer ? (float)vn_q_one(n->in[0]->q, 0, value) : (float)value);
    vn_low_axis_strides(vn_low_tensor(l, x), from);
    vn_low_axis_strides(vn_low_tensor(l, y), to);
    for (int d = 0; d < s->rank; d++) {
        int64_t cut_front = front[d] < 0 ? -front[d] : 0, cut_back = back[d] < 0 ? -back[d] : 0;
        dims[d] = s->d[d] - cut_front - cut_back;
        if (dims[d] <= 0)
            return VN_OK; /* padding only */
        src += cut_front * from[d];
        dst += (front[d] > 0 ? front[d] : 0) * to[d];
    }
    return vn_low_copy(l, x, y, s->rank, dims, src, from, dst, to, e);
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    const struct pad_attrs *a = n->attrs;
    int64_t front[VN_MAX_RANK], back[VN_MAX_RANK];
    const struct vn_shape *s = &n->in[0]->shape;
    TRY(amounts(n, front, back, e));
    if (a->mode == CONSTANT)
        return lower_constant(n, l, front, back, e);
    enum layout order;
    int x = vn_low_in_any(l, 0, &order), last = -1;
    for (int d = 0; d < s->rank; d++)
        last = front[d] || back[d] ? d : last;
    if (last < 0)
        return vn_low_reshape(n, l, e);
    for (int d = 0; d <= last; d++) { /* one axis after the other: each picks elements by index */
        int64_t count = s->d[d] + front[d] + back[d], *index = NEW_ARRAY(l->arena, int64_t, count);
        for (int64_t i = 0; i < count; i++)
            index[i] = source(a->mode, i - front[d], s->d[d]);
        if (d == last)
            vn_low_gather(l, x, d, count, index, vn_low_out(l, order));
        else if (front[d] || back[d])
            x = vn_low_gather(l, x, d, count, index, -1);
    }
    return VN_OK;
}

/* Cropping one end and padding the other keeps the shape, too. */
static int is_identity(const struct node *n)
{
    const struct vn_tensor *pads = n->in[1]->data;
    for (int64_t i = 0; pads && i < vn_shape_count(&pads->shape); i++)
        if (vn_tensor_i64(pads, i))
            return 0;
    return pads != NULL;
}

const struct op_def vn_op_pad = {
    .name = "pad",
    .onnx = "Pad",
    .min_in = 2,
    .max_in = 4,
    .attrs = specs,
    .attrs_size = sizeof(struct pad_attrs),
    .infer = infer,
    .eval = eval,
    .lower = lower,
    .quant = { .kind = Q_MOVE, .out = Q_OUT_SAME, .data_inputs = 1 },
    .is_identity = is_identity,
};
