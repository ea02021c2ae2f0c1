/* ops/dropout.c - identity in inference; the optional mask is all true. */
#include "ops/lower.h"

struct attrs {
    int64_t seed;
};
static const struct attr_spec specs[] = { A_INT(struct attrs, seed, "seed", 0, INT64_MIN, INT64_MAX), A_END };

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    const int training = vn_node_has(n, 2) && n->in[2]->data && vn_shape_count(&n->in[2]->shape) > 0 &&
                         vn_tensor_i64(n->in[2]->data, 0);
    const int drops = !vn_node_has(n, 1) || !n->in[1]->data || vn_shape_count(&n->in[1]->shape) != 1 ||
                      vn_tensor_f64(n->in[1]->data, 0) != 0;
    if (training && drops)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED,
                            "Dropout in training mode; export the model for inference");
    TRY(vn_infer_out(n, 1, VN_BOOL, &n->in[0]->shape, e));
    return vn_infer_same(n, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    int64_t count = vn_shape_count(&ev->in[0]->shape);
    for (int64_t i = 0; n->n_out > 1 && ev->out[1] && i < count; i++)
        vn_i64(ev->out[1])[i] = 1;
    return vn_eval_copy(n, ev, e);
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    if (n->n_out > 1 && n->out[1])
        vn_low_fill(l, vn_low_out_at(l, 1, PLAIN), 1);
    return vn_low_reshape(n, l, e);
}

/* Training mode was refused. */
static int is_identity(const struct node *n)
{
    (void)n;
    return 1;
}

const struct op_def vn_op_dropout = {
    .name = "dropout",
    .onnx = "Dropout",
    .min_in = 1,
    .max_in = 3,
    .max_out = 2,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .eval = eval,
    .lower = lower,
    .lowers_all = 1,
    .quant = { .kind = Q_MOVE, .out = Q_OUT_SAME, .data_inputs = 1 },
    .is_identity = is_identity,
};
