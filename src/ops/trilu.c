/* ops/trilu.c - matrices with what is below (upper) or above (lower) a diagonal set to zero. */
#include "ops/lower.h"

struct attrs {
    int64_t upper;
};

static const struct attr_spec specs[] = { A_INT(struct attrs, upper, "upper", 1, 0, 1), A_END };

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_same(n, e));
    if (n->in[0]->shape.rank < 2)
        return vn_node_fail(n, e, VN_E_INPUT, "the input is no matrix");
    return VN_OK;
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    const struct vn_shape *s = &ev->in[0]->shape;
    const int64_t rows = s->d[s->rank - 2], columns = s->d[s->rank - 1], count = vn_shape_count(s);
    int64_t k = n->n_in > 1 && ev->in[1] ? vn_i64(ev->in[1])[0] : 0;
    k = k > INT32_MAX ? INT32_MAX : k < INT32_MIN ? INT32_MIN : k;
    for (int64_t i = 0; i < count; i++) {
        const int64_t distance = i % columns - i / columns % rows;
        const int keep = ((const struct attrs *)n->attrs)->upper ? distance >= k : distance <= k;
        ((uint64_t *)ev->out[0]->data)[i] = keep ? ((const uint64_t *)ev->in[0]->data)[i] : 0;
    }
    return VN_OK;
}

const struct op_def vn_op_trilu = {
    .name = "trilu", .onnx = "Trilu", .min_in = 1, .max_in = 2,
    .attrs = specs, .attrs_size = sizeof(struct attrs),
    .infer = infer, .eval = eval, .lower = vn_low_reference,
};
