/* ops/argmax.c - where the largest element is along one axis. */
#include "ops/arg.h"

static void call(const struct node *n, struct call_params *p) { vn_call_of_arg(n, p, 1); }

const struct op_def vn_op_argmax = {
    .name = "argmax", .onnx = "ArgMax", .min_in = 1, .max_in = 1,
    .attrs = vn_arg_specs, .attrs_size = sizeof(struct arg_attrs),
    .infer = vn_infer_arg, .eval = vn_eval_call, .lower = vn_low_call, .call = call,
};
