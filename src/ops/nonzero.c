/* ops/nonzero.c - the coordinates of all elements that are not zero, a column each. */
#include "ops/portable_op.h"

/* As many columns as a constant has; else as many as there could be. */
static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    const struct value *x = n->in[0];
    const int64_t count = vn_shape_count(&x->shape);
    struct vn_shape s = { .rank = 2, .d = { x->shape.rank, x->data ? 0 : count } };
    for (int64_t i = 0; x->data && i < count; i++)
        s.d[1] += vn_tensor_f64(x->data, i) != 0;
    if (n->out[0])
        n->out[0]->bounded = !x->data;
    return vn_infer_out(n, 0, VN_I64, &s, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    const struct portable_params p = { .id = VN_PORTABLE_nonzero };
    const struct vn_shape s = { .rank = 2,
                                .d = { ev->in[0]->shape.rank, vn_shape_count(&ev->in[0]->shape) } };
    struct vn_tensor *all = vn_tensor_new(ev->arena, VN_I64, &s);
    TRY(vn_portable_eval(n, &p, ev->arena, 1, ev->in, all, e));
    ev->out[0]->shape = all->shape;
    memcpy(ev->out[0]->data, all->data, vn_tensor_bytes(all));
    return VN_OK;
}

static void call(const struct node *n, struct portable_params *p) { (void)n, p->id = VN_PORTABLE_nonzero; }

const struct op_def vn_op_nonzero = {
    .name = "nonzero",
    .onnx = "NonZero",
    .min_in = 1,
    .max_in = 1,
    .infer = infer,
    .eval = eval,
    .lower = vn_low_portable,
    .portable = call,
};
