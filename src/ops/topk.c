/* ops/topk.c - the k largest or smallest elements along an axis, and where they were; equal ones in the
 * order of their places. */
#include "ops/portable_op.h"

struct attrs {
    int64_t axis, largest, sorted;
};

static const struct attr_spec specs[] = {
    A_INT(struct attrs, axis, "axis", -1, -VN_MAX_RANK, VN_MAX_RANK),
    A_INT(struct attrs, largest, "largest", 1, 0, 1),
    A_INT(struct attrs, sorted, "sorted", 1, 0, 1),
    A_END,
};

static int axis_of(const struct node *n)
{
    return vn_shape_axis(&n->in[0]->shape, ((const struct attrs *)n->attrs)->axis);
}

static int infer(struct node *n, struct vn_err *e)
{
    int64_t k;
    TRY(vn_infer_begin(n, e));
    struct vn_shape s = n->in[0]->shape;
    const int axis = axis_of(n);
    int count = vn_node_list(n, 1, "K", &k, 1, e);
    TRY(count);
    if (axis < 0 || count != 1 || k < 0 || k > s.d[axis])
        return vn_node_fail(n, e, VN_E_INPUT, "axis or K does not match the input");
    s.d[axis] = k;
    TRY(vn_infer_out(n, 0, n->in[0]->dtype, &s, e));
    return vn_infer_out(n, 1, VN_I64, &s, e);
}

/* Where the best ones are, and from there the elements themselves. */
static struct portable_params places(const struct node *n)
{
    return (struct portable_params){
        .id = VN_PORTABLE_topk, .i = { axis_of(n), (int32_t)((const struct attrs *)n->attrs)->largest }
    };
}
static struct portable_params picked(const struct node *n)
{
    return (struct portable_params){ .id = VN_PORTABLE_gather_elements, .i = { axis_of(n) } };
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    const struct portable_params first = places(n), second = picked(n);
    struct vn_tensor *index =
        n->n_out > 1 && ev->out[1] ? ev->out[1] : vn_tensor_new(ev->arena, VN_I64, &n->out[0]->shape);
    const struct vn_tensor *const in[2] = { ev->in[0], index };
    TRY(vn_portable_eval(n, &first, ev->arena, 1, ev->in, index, e));
    return vn_portable_eval(n, &second, ev->arena, 2, in, ev->out[0], e);
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    const struct portable_params first = places(n), second = picked(n);
    int in[2] = { vn_low_in(l, 0, PLAIN) };
    in[1] = n->n_out > 1 && n->out[1] ? vn_low_out_at(l, 1, PLAIN)
                                      : vn_low_temp(l, VN_I64, &n->out[0]->shape, PLAIN, 0, 0);
    TRY(vn_portable_emit(l, &first, 1, in, in[1], e));
    return vn_portable_emit(l, &second, 2, in, vn_low_out(l, PLAIN), e);
}

const struct op_def vn_op_topk = {
    .name = "topk",
    .onnx = "TopK",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 2,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .eval = eval,
    .lower = lower,
    .lowers_all = 1,
    .quant = { .kind = Q_MOVE, .out = Q_OUT_SAME, .data_inputs = 1, .whole_out = 2 },
};
