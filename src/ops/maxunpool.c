/* ops/maxunpool.c - elements put back where a MaxPool took them from, zeros elsewhere. */
#include "ops/portable_op.h"

struct attrs {
    struct ints kernel, pads, strides;
};
static const struct attr_spec specs[] = {
    { .onnx = "kernel_shape",
      .kind = ATTR_INTS,
      .offset = offsetof(struct attrs, kernel),
      .min = 1,
      .max = 65536,
      .required = 1 },
    A_INTS(struct attrs, pads, "pads", 0, 65536),
    A_INTS(struct attrs, strides, "strides", 1, 65536),
    A_END,
};

/* The shape of the pooling's input, as far as the result determines it. */
static int pooled(const struct node *n, struct vn_shape *s, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    *s = n->in[0]->shape;
    const int axes = s->rank - 2;
    if (axes < 1 || a->kernel.n != axes || (a->strides.n && a->strides.n != axes) ||
        (a->pads.n && a->pads.n != 2 * axes))
        return vn_node_fail(n, e, VN_E_INPUT,
                            "kernel_shape, strides or pads do not match an input of %d dimensions", s->rank);
    for (int d = 0; d < axes; d++) {
        const int64_t pads = a->pads.n ? a->pads.v[d] + a->pads.v[d + axes] : 0;
        s->d[d + 2] = (s->d[d + 2] - 1) * (a->strides.n ? a->strides.v[d] : 1) + a->kernel.v[d] - pads;
        if (s->d[d + 2] < 0 || s->d[d + 2] > INT32_MAX)
            return vn_node_fail(n, e, VN_E_INPUT, "axis %d would have %lld elements", d + 2,
                                (long long)s->d[d + 2]);
    }
    return VN_OK;
}

static int infer(struct node *n, struct vn_err *e)
{
    struct vn_shape s;
    TRY(vn_infer_begin(n, e));
    TRY(vn_infer_float(n, 0, e));
    TRY(pooled(n, &s, e));
    if (!vn_shape_equal(&n->in[0]->shape, &n->in[1]->shape) || n->in[1]->dtype != VN_I64)
        return vn_node_fail(n, e, VN_E_INPUT, "%s must have one int64 index per element", n->in[1]->name);
    if (vn_node_has(n, 2)) {
        const struct vn_shape smallest = s;
        int64_t d[VN_MAX_RANK];
        const int count = vn_node_list(n, 2, "output_shape", d, VN_MAX_RANK, e);
        TRY(count);
        s = vn_shape_of(count, d);
        for (int k = 0; k < count || count != smallest.rank; k++)
            if (count != smallest.rank || d[k] < smallest.d[k])
                return vn_node_fail(n, e, VN_E_INPUT, "output_shape is smaller than the input of the pool");
    }
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

static void call(const struct node *n, struct portable_params *p)
{
    struct vn_shape s;
    pooled(n, &s, NULL);
    *p = (struct portable_params){ .id = VN_PORTABLE_max_unpool, .n_in = 2 };
    for (int d = 0; d < s.rank; d++)
        p->i[d] = (int32_t)s.d[d];
}

const struct op_def vn_op_maxunpool = {
    .name = "maxunpool",
    .onnx = "MaxUnpool",
    .min_in = 2,
    .max_in = 3,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .eval = vn_eval_portable,
    .lower = vn_low_portable,
    .portable = call,
};
