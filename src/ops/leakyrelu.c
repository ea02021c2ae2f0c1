/* ops/leakyrelu.c - y = x < 0 ? alpha * x : x. */
#include "kernels/kernels.h"
#include "ops/lower.h"

struct attrs {
    float alpha;
};
static const struct attr_spec specs[] = { A_FLOAT(struct attrs, alpha, "alpha", 0.01), A_END };

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    TRY(vn_infer_float(n, 0, e));
    return vn_infer_same(n, e);
}

static double f(const struct node *n, double x)
{
    const struct attrs *a = n->attrs;
    return x < 0 ? (double)a->alpha * x : x;
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    return vn_low_unary(n, l, VN_UN_LEAKYRELU, a->alpha, 0, e);
}

const struct op_def vn_op_leakyrelu = {
    .name = "leakyrelu",
    .onnx = "LeakyRelu",
    .min_in = 1,
    .max_in = 1,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .eval = vn_eval_unary,
    .lower = lower,
    .f = f,
    .quant = { .kind = Q_TABLE },
    .scales_through = 1,
};
