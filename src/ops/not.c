/* ops/not.c - logical negation. */
#include "ops/lower.h"

static int64_t whole(int64_t x) { return !x; }
static int eval(const struct node *n, const struct eval *ev, struct vn_err *e) { return vn_eval_number(n, ev, whole, e); }

const struct op_def vn_op_not = {
    .name = "not", .onnx = "Not", .min_in = 1, .max_in = 1,
    .infer = vn_infer_same, .eval = eval, .lower = vn_low_reference,
};
