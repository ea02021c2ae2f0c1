/* ops/transpose.c - axes in another order; without perm: reversed. */
#include "ops/lower.h"

static const struct attr_spec specs[] = { A_INTS(struct perm_attrs, perm, "perm", 0, VN_MAX_RANK - 1),
                                          A_END };

static int source_axis(const struct node *n, int d)
{
    const struct perm_attrs *a = n->attrs;
    return a->perm.n ? (int)a->perm.v[d] : n->in[0]->shape.rank - 1 - d;
}

static int infer(struct node *n, struct vn_err *e)
{
    const struct perm_attrs *a = n->attrs;
    TRY(vn_infer_begin(n, e));
    const struct vn_shape *x = &n->in[0]->shape;
    struct vn_shape s = { .rank = x->rank };
    uint32_t seen = 0;
    if (a->perm.n && a->perm.n != x->rank)
        return vn_node_fail(n, e, VN_E_INPUT, "perm has %d entries, the input %d dimensions", a->perm.n,
                            x->rank);
    for (int d = 0; d < x->rank; d++) {
        int from = source_axis(n, d);
        if (from < 0 || from >= x->rank || seen >> from & 1)
            return vn_node_fail(n, e, VN_E_INPUT, "perm is not a permutation of 0 to %d", x->rank - 1);
        seen |= 1u << from;
        s.d[d] = x->d[from];
    }
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    int64_t own[VN_MAX_RANK], stride[VN_MAX_RANK];
    vn_shape_strides(&ev->in[0]->shape, own);
    for (int d = 0; d < ev->in[0]->shape.rank; d++)
        stride[d] = own[source_axis(n, d)];
    vn_eval_gather(ev->out[0], ev->in[0], 0, stride);
    return VN_OK;
}

/* With channels last, the output has the elements in the order in which they are already. */
static int is_turned_only(const struct value *y, const int64_t *from)
{
    const struct prog_tensor t = { .layout = CHANNELS_LAST, .shape = y->shape };
    int64_t to[VN_MAX_RANK];
    vn_low_axis_strides(&t, to);
    for (int d = 0; d < y->shape.rank; d++)
        if (y->shape.d[d] > 1 && from[d] != to[d])
            return 0;
    return 1;
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    enum layout order;
    int64_t own[VN_MAX_RANK], from[VN_MAX_RANK], to[VN_MAX_RANK];
    const int x = vn_low_in_any(l, 0, &order);
    vn_low_axis_strides(vn_low_tensor(l, x), own);
    for (int d = 0; d < n->in[0]->shape.rank; d++)
        from[d] = own[source_axis(n, d)];
    const int last = is_turned_only(n->out[0], from) && vn_low_is_wanted_last(n->out[0]);
    const int y = vn_low_out(l, last ? CHANNELS_LAST : PLAIN);
    vn_low_axis_strides(vn_low_tensor(l, y), to);
    return vn_low_copy(l, x, y, n->out[0]->shape.rank, n->out[0]->shape.d, 0, from, 0, to, e);
}

static int is_identity(const struct node *n)
{
    const struct perm_attrs *a = n->attrs;
    for (int i = 0; i < a->perm.n; i++)
        if (a->perm.v[i] != i)
            return 0;
    return a->perm.n == n->in[0]->shape.rank;
}

/* The axes larger than 1 keep their order. */
static int keeps_order(const struct node *n)
{
    const struct vn_shape *x = &n->in[0]->shape;
    int last = -1;
    for (int d = 0; d < x->rank; d++) {
        const int from = source_axis(n, d);
        if (x->d[from] == 1)
            continue;
        if (from < last)
            return 0;
        last = from;
    }
    return vn_shape_count(x) > 0;
}

const struct op_def vn_op_transpose = {
    .name = "transpose",
    .onnx = "Transpose",
    .min_in = 1,
    .max_in = 1,
    .attrs = specs,
    .attrs_size = sizeof(struct perm_attrs),
    .infer = infer,
    .eval = eval,
    .lower = lower,
    .quant = { .kind = Q_MOVE, .out = Q_OUT_SAME },
    .elements = ELEMENTS_PERMUTED,
    .keeps_order = keeps_order,
    .is_identity = is_identity,
};
