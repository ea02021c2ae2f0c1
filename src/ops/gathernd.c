/* ops/gathernd.c - slices of x named by coordinates. */
#include "ops/tuples.h"

struct attrs {
    int64_t batch;
};

static const struct attr_spec specs[] = { A_INT(struct attrs, batch, "batch_dims", 0, 0, VN_MAX_RANK), A_END };

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    const struct vn_shape *x = &n->in[0]->shape, *k = &n->in[1]->shape;
    const int64_t batch = ((const struct attrs *)n->attrs)->batch, tuple = k->rank ? k->d[k->rank - 1] : 0;
    struct vn_shape s = { 0 };
    if (k->rank < 1 || batch >= k->rank || batch + tuple > x->rank || k->rank - 1 + x->rank - batch - tuple > VN_MAX_RANK)
        return vn_node_fail(n, e, VN_E_INPUT, "the coordinates do not fit an input of %d dimensions", x->rank);
    for (int d = 0; d < batch; d++)
        if (x->d[d] != k->d[d])
            return vn_node_fail(n, e, VN_E_INPUT, "batch dimension %d differs", d);
    for (int d = 0; d < k->rank - 1; d++)
        s.d[s.rank++] = k->d[d];
    for (int d = (int)(batch + tuple); d < x->rank; d++)
        s.d[s.rank++] = x->d[d];
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    const struct vn_shape *x = &ev->in[0]->shape, *k = &ev->in[1]->shape;
    const int batch = (int)((const struct attrs *)n->attrs)->batch;
    const int64_t tuple = k->d[k->rank - 1], tuples = tuple ? vn_shape_count(k) / tuple : 0;
    int64_t outer = 1, block = 1, run = 1;
    for (int d = 0; d < x->rank; d++) {
        outer *= d < batch ? x->d[d] : 1;
        block *= d >= batch ? x->d[d] : 1;
        run *= d >= batch + tuple ? x->d[d] : 1;
    }
    for (int64_t i = 0; i < tuples; i++) {
        const int64_t at = vn_tuple_offset(x, vn_i64(ev->in[1]) + i * tuple, batch, tuple);
        if (at < 0)
            return vn_node_fail(n, e, VN_E_INPUT, "coordinates %lld are outside of the input", (long long)i);
        memcpy((uint64_t *)ev->out[0]->data + i * run, (const uint64_t *)ev->in[0]->data + i / (tuples / outer) * block + at, (size_t)run * 8);
    }
    return VN_OK;
}

const struct op_def vn_op_gathernd = {
    .name = "gathernd", .onnx = "GatherND", .min_in = 2, .max_in = 2,
    .attrs = specs, .attrs_size = sizeof(struct attrs),
    .infer = infer, .eval = eval, .lower = vn_low_reference,
};
