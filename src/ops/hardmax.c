/* ops/hardmax.c - 1 at the first largest element along one axis, else 0. */
#include <math.h>

#include "ops/lines.h"

struct attrs {
    int64_t axis;
};

static const struct attr_spec specs[] = {
    A_INT(struct attrs, axis, "axis", -1, -VN_MAX_RANK, VN_MAX_RANK),
    A_END,
};

static void line(const struct node *n, double *y, const double *x, int64_t count, int64_t step)
{
    (void)n;
    int64_t best = 0;
    for (int64_t i = 0; i < count; i++) {
        y[i * step] = 0;
        best = x[i * step] > x[best * step] ? i : best;
    }
    if (count)
        y[best * step] = 1;
}

static int infer(struct node *n, struct vn_err *e) { return vn_infer_lines(n, ((const struct attrs *)n->attrs)->axis, e); }
static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    return vn_eval_lines(n, ev, ((const struct attrs *)n->attrs)->axis, line);
}

const struct op_def vn_op_hardmax = {
    .name = "hardmax", .onnx = "Hardmax", .min_in = 1, .max_in = 1,
    .attrs = specs, .attrs_size = sizeof(struct attrs),
    .infer = infer, .eval = eval, .lower = vn_low_reference,
};
