/* ops/scatternd.c - x with slices, named by coordinates, replaced or joined with updates. */
#include "ops/tuples.h"

struct attrs {
    int mode;
};

static const struct attr_spec specs[] = { A_ENUM(struct attrs, mode, "reduction", 0, vn_scatter_modes), A_END };

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    const struct vn_shape *x = &n->in[0]->shape, *k = &n->in[1]->shape;
    struct vn_shape want = { 0 };
    const int64_t tuple = k->rank ? k->d[k->rank - 1] : 0;
    if (k->rank < 1 || tuple < 1 || tuple > x->rank || k->rank - 1 + x->rank - tuple > VN_MAX_RANK || n->in[2]->dtype != n->in[0]->dtype)
        return vn_node_fail(n, e, VN_E_INPUT, "the coordinates do not fit an input of %d dimensions, or the types differ", x->rank);
    for (int d = 0; d < k->rank - 1; d++)
        want.d[want.rank++] = k->d[d];
    for (int d = (int)tuple; d < x->rank; d++)
        want.d[want.rank++] = x->d[d];
    if (!vn_shape_equal(&want, &n->in[2]->shape))
        return vn_node_fail(n, e, VN_E_INPUT, "the updates do not fit the coordinates");
    return vn_infer_same(n, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    const struct vn_shape *x = &ev->in[0]->shape, *k = &ev->in[1]->shape;
    const int64_t tuple = k->d[k->rank - 1], tuples = vn_shape_count(k) / tuple;
    int64_t run = 1;
    for (int d = (int)tuple; d < x->rank; d++)
        run *= x->d[d];
    TRY(vn_eval_copy(n, ev, e));
    for (int64_t i = 0; i < tuples; i++) {
        const int64_t at = vn_tuple_offset(x, vn_i64(ev->in[1]) + i * tuple, 0, tuple);
        if (at < 0)
            return vn_node_fail(n, e, VN_E_INPUT, "coordinates %lld are outside of the input", (long long)i);
        for (int64_t j = 0; j < run; j++)
            vn_scatter_cell(ev->out[0], at + j, ev->in[2], i * run + j, ((const struct attrs *)n->attrs)->mode);
    }
    return VN_OK;
}

const struct op_def vn_op_scatternd = {
    .name = "scatternd", .onnx = "ScatterND", .min_in = 3, .max_in = 3,
    .attrs = specs, .attrs_size = sizeof(struct attrs),
    .infer = infer, .eval = eval, .lower = vn_low_reference,
};
