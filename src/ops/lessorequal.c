/* ops/lessorequal.c - a <= b, with broadcasting. */
#include "ops/lower.h"

static int real(double a, double b) { return a <= b; }
static int whole(int64_t a, int64_t b) { return a <= b; }
static int eval(const struct node *n, const struct eval *ev, struct vn_err *e) { return vn_eval_compare(n, ev, real, whole, e); }

const struct op_def vn_op_lessorequal = {
    .name = "lessorequal", .onnx = "LessOrEqual", .min_in = 2, .max_in = 2,
    .infer = vn_infer_compare, .eval = eval, .lower = vn_low_reference,
};
