/* ops/cumsum.c - running sums along an axis, forward or backward, with or without the element itself. */
#include "ops/lower.h"

struct attrs {
    int64_t exclusive, reverse;
};

static const struct attr_spec specs[] = {
    A_INT(struct attrs, exclusive, "exclusive", 0, 0, 1),
    A_INT(struct attrs, reverse, "reverse", 0, 0, 1),
    A_END,
};

static int infer(struct node *n, struct vn_err *e)
{
    int64_t axis;
    TRY(vn_infer_begin(n, e));
    int count = vn_node_list(n, 1, "axis", &axis, 1, e);
    TRY(count);
    if (count != 1 || vn_shape_axis(&n->in[0]->shape, axis) < 0)
        return vn_node_fail(n, e, VN_E_INPUT, "axis is outside of the input's %d dimensions", n->in[0]->shape.rank);
    return vn_infer_same(n, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    const struct attrs *a = n->attrs;
    const struct vn_tensor *x = ev->in[0];
    const int axis = vn_shape_axis(&x->shape, vn_i64(ev->in[1])[0]);
    const int64_t dim = x->shape.d[axis], count = vn_shape_count(&x->shape);
    int64_t inner = 1;
    for (int d = axis + 1; d < x->shape.rank; d++)
        inner *= x->shape.d[d];
    for (int64_t i = 0; i < count; i++) {
        const int64_t k = i / inner % dim;
        const int64_t from = a->reverse ? k + a->exclusive : 0, to = a->reverse ? dim : k + 1 - a->exclusive;
        double real = 0;
        uint64_t whole = 0;
        for (int64_t m = from; m < to; m++)
            if (x->dtype == VN_I64)
                whole += (uint64_t)vn_i64(x)[i + (m - k) * inner];
            else
                real += vn_f64(x)[i + (m - k) * inner];
        if (x->dtype == VN_I64)
            vn_i64(ev->out[0])[i] = (int64_t)whole;
        else
            vn_f64(ev->out[0])[i] = real;
    }
    return VN_OK;
}

const struct op_def vn_op_cumsum = {
    .name = "cumsum", .onnx = "CumSum", .min_in = 2, .max_in = 2,
    .attrs = specs, .attrs_size = sizeof(struct attrs),
    .infer = infer, .eval = eval, .lower = vn_low_reference,
};
