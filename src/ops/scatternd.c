/* ops/scatternd.c - x with slices, named by coordinates, replaced or joined with updates. */
#include "ops/portable_op.h"

struct attrs {
    int mode;
};

static const char *const modes[VN_SCATTER_COUNT + 1] = { [VN_SCATTER_NONE] = "none",
                                                         [VN_SCATTER_ADD] = "add",
                                                         [VN_SCATTER_MUL] = "mul",
                                                         [VN_SCATTER_MAX] = "max",
                                                         [VN_SCATTER_MIN] = "min" };
static const struct attr_spec specs[] = { A_ENUM(struct attrs, mode, "reduction", 0, modes), A_END };

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    const struct vn_shape *x = &n->in[0]->shape, *k = &n->in[1]->shape;
    struct vn_shape want = { 0 };
    const int64_t tuple = k->rank ? k->d[k->rank - 1] : 0;
    if (k->rank < 1 || tuple < 1 || tuple > x->rank || k->rank - 1 + x->rank - tuple > VN_MAX_RANK ||
        n->in[2]->dtype != n->in[0]->dtype)
        return vn_node_fail(n, e, VN_E_INPUT,
                            "the coordinates do not match an input of %d dimensions, or the types differ",
                            x->rank);
    for (int d = 0; d < k->rank - 1; d++)
        want.d[want.rank++] = k->d[d];
    for (int d = (int)tuple; d < x->rank; d++)
        want.d[want.rank++] = x->d[d];
    if (!vn_shape_equal(&want, &n->in[2]->shape))
        return vn_node_fail(n, e, VN_E_INPUT, "the updates do not match the coordinates");
    return vn_infer_same(n, e);
}

static void call(const struct node *n, struct portable_params *p)
{
    *p = (struct portable_params){ .id = VN_PORTABLE_scatter_nd,
                                   .i = { ((const struct attrs *)n->attrs)->mode } };
}

const struct op_def vn_op_scatternd = {
    .name = "scatternd",
    .onnx = "ScatterND",
    .min_in = 3,
    .max_in = 3,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .eval = vn_eval_portable,
    .lower = vn_low_portable,
    .portable = call,
};
