/* ops/relu.c - y = max(x, 0). */
#include <math.h>

#include "ops/lower.h"

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    TRY(vn_infer_float(n, 0, e));
    return vn_infer_same(n, e);
}

static double relu(const struct node *n, double x)
{
    (void)n;
    return x < 0 ? 0 : x;
}

static int qeval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    return vn_qeval_clamp(n, ev, 0, INFINITY);
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    return vn_low_clamp(n, l, 0, INFINITY, e);
}

const struct op_def vn_op_relu = {
    .name = "relu",
    .onnx = "Relu",
    .min_in = 1,
    .max_in = 1,
    .any_width = 1,
    .infer = infer,
    .eval = vn_eval_unary,
    .qeval = qeval,
    .lower = lower,
    .f = relu,
    .quant = { .kind = Q_OWN },
    .is_clamp = 1,
    .scales_through = 1,
};
