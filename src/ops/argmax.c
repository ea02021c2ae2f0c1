/* ops/argmax.c - where the largest element is along one axis. */
#include "ops/arg.h"

static int better(double a, double b) { return a > b; }
static int better_whole(int64_t a, int64_t b) { return a > b; }
static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    return vn_eval_arg(n, ev, better, better_whole);
}

const struct op_def vn_op_argmax = {
    .name = "argmax", .onnx = "ArgMax", .min_in = 1, .max_in = 1,
    .attrs = vn_arg_specs, .attrs_size = sizeof(struct arg_attrs),
    .infer = vn_infer_arg, .eval = eval, .lower = vn_low_reference,
};
