/* ops/thresholdedrelu.c - x where it is above alpha, else 0. */
#include <math.h>

#include "kernels/kernels.h"
#include "ops/lower.h"

struct attrs {
    float alpha;
};

static const struct attr_spec specs[] = {
    A_FLOAT(struct attrs, alpha, "alpha", 1),
    A_END,
};

static double f(const struct node *n, double x)
{
    const struct attrs *a = n->attrs;
    return x > a->alpha ? x : 0;
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    return vn_low_unary(n, l, VN_UN_THRESHOLD, a->alpha, 0, e);
}

const struct op_def vn_op_thresholdedrelu = {
    .name = "thresholdedrelu",
    .onnx = "ThresholdedRelu",
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
