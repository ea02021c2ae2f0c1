/* ops/shrink.c - x moved toward 0 by bias, and 0 where |x| is at most lambd. */
#include <math.h>

#include "kernels/kernels.h"
#include "ops/lower.h"

struct attrs {
    float lambd, bias;
};

static const struct attr_spec specs[] = {
    A_FLOAT(struct attrs, lambd, "lambd", 0.5),
    A_FLOAT(struct attrs, bias, "bias", 0),
    A_END,
};

static double f(const struct node *n, double x)
{
    const struct attrs *a = n->attrs;
    return x < -a->lambd ? x + a->bias : x > a->lambd ? x - a->bias : 0;
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    return vn_low_unary(n, l, VN_UN_SHRINK, a->lambd, a->bias, e);
}

const struct op_def vn_op_shrink = {
    .name = "shrink",
    .onnx = "Shrink",
    .min_in = 1,
    .max_in = 1,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = vn_infer_same_float,
    .eval = vn_eval_unary,
    .lower = lower,
    .f = f,
    .quant = { .kind = Q_TABLE },
};
