/* ops/isinf.c - which elements are infinite. */
#include <math.h>

#include "format/numbers.h"
#include "ops/portable_op.h"

struct attrs {
    int64_t negative, positive;
};

static const struct attr_spec specs[] = {
    A_INT(struct attrs, negative, "detect_negative", 1, 0, 1),
    A_INT(struct attrs, positive, "detect_positive", 1, 0, 1),
    A_END,
};

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_same_float(n, e));
    return vn_infer_out(n, 0, VN_BOOL, &n->in[0]->shape, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    const struct attrs *a = n->attrs;
    const int64_t count = vn_shape_count(&ev->in[0]->shape);
    for (int64_t i = 0; i < count; i++) {
        const double x = vn_f64(ev->in[0])[i];
        vn_i64(ev->out[0])[i] = (a->negative && x == -INFINITY) || (a->positive && x == INFINITY);
    }
    return VN_OK;
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    static const int test[2][2] = { { VN_CU_NEVER, VN_CU_ISPLUSINF }, { VN_CU_ISMINUSINF, VN_CU_ISINF } };
    const struct attrs *a = n->attrs;
    return vn_low_portable_unary(n, l, test[a->negative][a->positive], e);
}

const struct op_def vn_op_isinf = {
    .name = "isinf",
    .onnx = "IsInf",
    .min_in = 1,
    .max_in = 1,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .eval = eval,
    .lower = lower,
};
