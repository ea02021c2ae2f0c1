/* ops/argmax.c - where the largest element is along one axis. */
#include "ops/arg.h"

static void call(const struct node *n, struct portable_params *p) { vn_portable_of_arg(n, p, 1); }

const struct op_def vn_op_argmax = {
    .name = "argmax",
    .onnx = "ArgMax",
    .min_in = 1,
    .max_in = 1,
    .attrs = vn_arg_specs,
    .attrs_size = sizeof(struct arg_attrs),
    .infer = vn_infer_arg,
    .eval = vn_eval_portable,
    .lower = vn_low_portable,
    .portable = call,
    .qeval = vn_eval_portable,
    .quant = { .kind = Q_OWN, .whole_out = 1 },
    .any_width = 1,
};
