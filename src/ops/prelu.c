/* ops/prelu.c - x, or slope * x where x is negative; the slope broadcasts to x. */
#include "kernels/kernels.h"
#include "ops/lower.h"

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_broadcast(n, e));
    if (!vn_shape_equal(&n->out[0]->shape, &n->in[0]->shape))
        return NODE_MISFIT(n, e, "slope %s does not broadcast to the input", n->in[1]->name);
    return VN_OK;
}

static double real(double x, double slope) { return x < 0 ? slope * x : x; }
static int64_t whole(int64_t x, int64_t slope) { return x < 0 ? slope * x : x; }
static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    return vn_eval_binary(n, ev, real, whole, e);
}
static int qeval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    return vn_qeval_binary(n, ev, VN_BIN_PRELU, e);
}
static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    return vn_low_binary(n, l, VN_BIN_PRELU, e);
}

const struct op_def vn_op_prelu = {
    .name = "prelu",
    .onnx = "PRelu",
    .min_in = 2,
    .max_in = 2,
    .infer = infer,
    .eval = eval,
    .qeval = qeval,
    .lower = lower,
    .quant = { .kind = Q_OWN },
};
