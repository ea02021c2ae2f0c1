/* ops/concat.c - tensors one behind the other along an axis. */
#include "ops/lower.h"

static const struct attr_spec specs[] = {
    { .onnx = "axis",
      .kind = ATTR_INT,
      .offset = offsetof(struct axis_attrs, axis),
      .min = -VN_MAX_RANK,
      .max = VN_MAX_RANK,
      .required = 1 },
    A_END,
};

static int axis_of(const struct node *n)
{
    return vn_shape_axis(&n->in[0]->shape, ((const struct axis_attrs *)n->attrs)->axis);
}

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    struct vn_shape s = n->in[0]->shape;
    int axis = axis_of(n);
    if (axis < 0)
        return vn_node_fail(n, e, VN_E_INPUT, "axis is out of range for an input of %d dimensions", s.rank);
    for (int i = 1; i < n->n_in; i++) {
        if (!n->in[i])
            return vn_node_fail(n, e, VN_E_INPUT, "input %d is missing", i);
        const struct vn_shape *x = &n->in[i]->shape;
        if (n->in[i]->dtype != n->in[0]->dtype)
            return vn_node_fail(n, e, VN_E_INPUT, "%s is %s, %s is %s", n->in[0]->name,
                                vn_dtype_name(n->in[0]->dtype), n->in[i]->name,
                                vn_dtype_name(n->in[i]->dtype));
        if (x->rank != s.rank)
            return vn_node_fail(n, e, VN_E_INPUT, "%s has %d dimensions, %s has %d", n->in[i]->name, x->rank,
                                n->in[0]->name, s.rank);
        for (int d = 0; d < s.rank; d++)
            if (d != axis && x->d[d] != s.d[d])
                return vn_node_fail(n, e, VN_E_INPUT, "dimension %d of %s is %lld, of %s %lld", d,
                                    n->in[i]->name, (long long)x->d[d], n->in[0]->name, (long long)s.d[d]);
        s.d[axis] += x->d[axis];
    }
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    const struct vn_shape *s = &ev->out[0]->shape;
    int axis = axis_of(n);
    int64_t outer = 1, inner = 8, at = 0;
    for (int d = 0; d < s->rank; d++)
        *(d < axis ? &outer : &inner) *= d == axis ? 1 : s->d[d];
    for (int i = 0; i < n->n_in; i++) {
        int64_t block = ev->in[i]->shape.d[axis] * inner;
        for (int64_t o = 0; block && o < outer; o++)
            memcpy((char *)ev->out[0]->data + o * s->d[axis] * inner + at,
                   (const char *)ev->in[i]->data + o * block, (size_t)block);
        at += block;
    }
    return VN_OK;
}

static int qeval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    struct eval same = *ev;
    const struct vn_tensor **in = NEW_ARRAY(ev->arena, const struct vn_tensor *, n->n_in);
    for (int i = 0; i < n->n_in; i++) {
        in[i] = ev->in[i];
        if (vn_qparam_equal(n->in[i]->q, n->out[0]->q))
            continue;
        struct vn_tensor *t = vn_tensor_new(ev->arena, VN_I64, &ev->in[i]->shape);
        int64_t count = vn_shape_count(&t->shape);
        for (int64_t k = 0; k < count; k++)
            vn_i64(t)[k] = vn_q_rescale(vn_i64(ev->in[i])[k], n->in[i]->q, n->out[0]->q);
        in[i] = t;
    }
    same.in = in;
    return eval(n, &same, e);
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    enum layout order, other;
    int axis = axis_of(n);
    int64_t at = 0, from[VN_MAX_RANK], to[VN_MAX_RANK];
    vn_low_in_any(l, 0, &order);
    int y = vn_low_out(l, order);
    vn_low_axis_strides(vn_low_tensor(l, y), to);
    for (int i = 0; i < n->n_in; i++) {
        int x = vn_low_in_any(l, i, &other);
        if (l->integer && !vn_qparam_equal(n->in[i]->q, n->out[0]->q))
            x = vn_low_rescaled(l, i, x);
        vn_low_axis_strides(vn_low_tensor(l, x), from);
        TRY(vn_low_copy(l, x, y, n->in[i]->shape.rank, n->in[i]->shape.d, 0, from, at, to, e));
        at += n->in[i]->shape.d[axis] * to[axis];
    }
    return VN_OK;
}

static int is_identity(const struct node *n) { return n->n_in == 1; }

const struct op_def vn_op_concat = {
    .name = "concat",
    .onnx = "Concat",
    .min_in = 1,
    .max_in = -1,
    .attrs = specs,
    .attrs_size = sizeof(struct axis_attrs),
    .any_width = 1,
    .infer = infer,
    .eval = eval,
    .qeval = qeval,
    .lower = lower,
    .quant = { .kind = Q_OWN, .inputs_as_out = 1 },
    .chooses = 1,
    .is_identity = is_identity,
    .wants_channels_last = 1,
};
