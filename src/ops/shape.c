/* ops/shape.c - the dimensions [start, end) of a tensor as int64. */
#include "ops/lower.h"

struct attrs {
    int64_t start, end;
};
static const struct attr_spec specs[] = {
    A_INT(struct attrs, start, "start", 0, INT32_MIN, INT32_MAX),
    A_INT(struct attrs, end, "end", INT32_MAX, INT64_MIN, INT64_MAX),
    A_END,
};

static int64_t clamped(int64_t at, int rank)
{
    at += at < 0 ? rank : 0;
    return at < 0 ? 0 : at > rank ? rank : at;
}

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    const struct attrs *a = n->attrs;
    int rank = n->in[0]->shape.rank;
    int64_t count = clamped(a->end, rank) - clamped(a->start, rank);
    struct vn_shape s = { .rank = 1, .d = { count > 0 ? count : 0 } };
    return vn_infer_out(n, 0, VN_I64, &s, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    const struct attrs *a = n->attrs;
    const struct vn_shape *x = &n->in[0]->shape;
    for (int64_t i = 0; i < ev->out[0]->shape.d[0]; i++)
        vn_i64(ev->out[0])[i] = x->d[clamped(a->start, x->rank) + i];
    return VN_OK;
}

const struct op_def vn_op_shape = {
    .name = "shape",
    .reads_shape = 1,
    .onnx = "Shape",
    .min_in = 1,
    .max_in = 1,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .eval = eval,
    .lower = vn_low_none,
};
