/* ops/isnan.c - which elements are not a number. */
#include <math.h>

#include "format/numbers.h"
#include "ops/portable_op.h"

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_same_float(n, e));
    return vn_infer_out(n, 0, VN_BOOL, &n->in[0]->shape, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)n, (void)e;
    const int64_t count = vn_shape_count(&ev->in[0]->shape);
    for (int64_t i = 0; i < count; i++)
        vn_i64(ev->out[0])[i] = isnan(vn_f64(ev->in[0])[i]);
    return VN_OK;
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    return vn_low_portable_unary(n, l, VN_CU_ISNAN, e);
}

const struct op_def vn_op_isnan = {
    .name = "isnan",
    .onnx = "IsNaN",
    .min_in = 1,
    .max_in = 1,
    .infer = infer,
    .eval = eval,
    .lower = lower,
};
