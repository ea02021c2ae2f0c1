/* ops/lpnormalization.c - x divided by its norm along one axis; 0 where the norm is 0. */
#include <math.h>

#include "ops/lines.h"

struct attrs {
    int64_t axis, p;
};

static const struct attr_spec specs[] = {
    A_INT(struct attrs, axis, "axis", -1, -VN_MAX_RANK, VN_MAX_RANK),
    A_INT(struct attrs, p, "p", 2, 1, 2),
    A_END,
};

static void line(const struct node *n, double *y, const double *x, int64_t count, int64_t step)
{
    const struct attrs *a = n->attrs;
    double norm = 0;
    for (int64_t i = 0; i < count; i++)
        norm += a->p == 1 ? fabs(x[i * step]) : x[i * step] * x[i * step];
    norm = a->p == 1 ? norm : sqrt(norm);
    for (int64_t i = 0; i < count; i++)
        y[i * step] = norm > 0 ? x[i * step] / norm : 0;
}

static int infer(struct node *n, struct vn_err *e) { return vn_infer_lines(n, ((const struct attrs *)n->attrs)->axis, e); }
static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    return vn_eval_lines(n, ev, ((const struct attrs *)n->attrs)->axis, line);
}

const struct op_def vn_op_lpnormalization = {
    .name = "lpnormalization", .onnx = "LpNormalization", .min_in = 1, .max_in = 1,
    .attrs = specs, .attrs_size = sizeof(struct attrs),
    .infer = infer, .eval = eval, .lower = vn_low_reference,
};
