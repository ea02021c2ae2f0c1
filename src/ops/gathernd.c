/* ops/gathernd.c - slices of x named by coordinates. */
#include "ops/portable_op.h"

struct attrs {
    int64_t batch;
};

static const struct attr_spec specs[] = { A_INT(struct attrs, batch, "batch_dims", 0, 0, VN_MAX_RANK),
                                          A_END };

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    const struct vn_shape *x = &n->in[0]->shape, *k = &n->in[1]->shape;
    const int64_t batch = ((const struct attrs *)n->attrs)->batch, tuple = k->rank ? k->d[k->rank - 1] : 0;
    struct vn_shape s = { 0 };
    if (k->rank < 1 || batch >= k->rank || batch + tuple > x->rank ||
        k->rank - 1 + x->rank - batch - tuple > VN_MAX_RANK)
        return vn_node_fail(n, e, VN_E_INPUT, "the coordinates do not match an input of %d dimensions",
                            x->rank);
    for (int d = 0; d < batch; d++)
        if (x->d[d] != k->d[d])
            return vn_node_fail(n, e, VN_E_INPUT, "batch dimension %d differs", d);
    for (int d = 0; d < k->rank - 1; d++)
        s.d[s.rank++] = k->d[d];
    for (int d = (int)(batch + tuple); d < x->rank; d++)
        s.d[s.rank++] = x->d[d];
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

static void call(const struct node *n, struct portable_params *p)
{
    *p = (struct portable_params){ .id = VN_PORTABLE_gather_nd,
                                   .i = { (int32_t)((const struct attrs *)n->attrs)->batch } };
}

const struct op_def vn_op_gathernd = {
    .name = "gathernd",
    .onnx = "GatherND",
    .min_in = 2,
    .max_in = 2,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .eval = vn_eval_portable,
    .lower = vn_low_portable,
    .portable = call,
};
