/* ops/compress.c - slices of x along an axis, or elements of x in a row, where a condition holds. */
#include "ops/portable_op.h"

struct attrs {
    int64_t axis;
};

enum { ALL = INT32_MIN }; /* the axis where none is given */
static const struct attr_spec specs[] = { A_INT(struct attrs, axis, "axis", ALL, INT32_MIN, VN_MAX_RANK),
                                          A_END };

static int axis_of(const struct node *n)
{
    const int64_t axis = ((const struct attrs *)n->attrs)->axis;
    return axis == ALL ? -1 : vn_shape_axis(&n->in[0]->shape, axis);
}

/* How many are kept where the condition is a constant; else how many there could be. */
static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    const struct value *c = n->in[1];
    struct vn_shape s = n->in[0]->shape;
    const int axis = axis_of(n), all = ((const struct attrs *)n->attrs)->axis == ALL;
    if (c->shape.rank != 1 || c->dtype != VN_BOOL || (!all && axis < 0))
        return vn_node_fail(n, e, VN_E_INPUT, "axis is out of range, or %s is not a list of booleans",
                            c->name);
    if (all)
        s = (struct vn_shape){ .rank = 1, .d = { vn_shape_count(&s) } };
    int64_t *extent = &s.d[all ? 0 : axis], most = *extent < c->shape.d[0] ? *extent : c->shape.d[0];
    *extent = c->data ? 0 : most;
    for (int64_t i = 0; c->data && i < most; i++)
        *extent += vn_tensor_i64(c->data, i) != 0;
    if (n->out[0])
        n->out[0]->bounded = !c->data;
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

/* The portable kernel requires room for all candidates. */
static struct vn_shape room(const struct node *n)
{
    struct vn_shape s = n->out[0]->shape;
    const int axis = axis_of(n);
    const int64_t extent = axis < 0 ? vn_shape_count(&n->in[0]->shape) : n->in[0]->shape.d[axis],
                  given = n->in[1]->shape.d[0];
    s.d[axis < 0 ? 0 : axis] = extent < given ? extent : given;
    return s;
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    const struct portable_params p = { .id = VN_PORTABLE_compress, .i = { axis_of(n) } };
    const struct vn_shape s = room(n);
    struct vn_tensor *all = vn_tensor_new(ev->arena, ev->out[0]->dtype, &s);
    TRY(vn_portable_eval(n, &p, ev->arena, 2, ev->in, all, e));
    ev->out[0]->shape = all->shape;
    memcpy(ev->out[0]->data, all->data, vn_tensor_bytes(all));
    return VN_OK;
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    const struct vn_shape s = room(n), *y = &n->out[0]->shape;
    const struct portable_params p = { .id = VN_PORTABLE_compress, .i = { axis_of(n) } };
    const int in[2] = { vn_low_in(l, 0, PLAIN), vn_low_in(l, 1, PLAIN) };
    const int64_t count = vn_shape_count(y), one = 1;
    if (n->out[0]->bounded)
        return vn_portable_emit(l, &p, 2, in, vn_low_out(l, PLAIN), e);
    const int all = vn_low_temp(l, vn_low_cell(n->in[0]->dtype), &s, PLAIN, 0, 0);
    TRY(vn_portable_emit(l, &p, 2, in, all, e));
    return vn_low_copy(l, all, vn_low_out(l, PLAIN), 1, &count, 0, &one, 0, &one, e);
}

const struct op_def vn_op_compress = {
    .name = "compress",
    .onnx = "Compress",
    .min_in = 2,
    .max_in = 2,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .eval = eval,
    .lower = lower,
};
