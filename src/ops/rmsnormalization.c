/* ops/rmsnormalization.c - the trailing axes divided by the root of their mean square, and scaled. */
#include "ops/normal.h"

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    return vn_trailing_eval(n, ev, 0);
}

static int qeval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    return vn_trailing_qeval(n, ev, 0);
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    return vn_trailing_lower(n, l, 0, e);
}

static int slack(const struct node *n, int port, const struct vn_tensor *const *in, const struct vn_tensor *y,
                 struct vn_tensor *out, struct vn_arena *a)
{
    (void)a;
    return vn_trailing_slack(n, port, in, y, out, 0);
}

const struct op_def vn_op_rmsnormalization = {
    .name = "rmsnormalization",
    .since = 23,
    .onnx = "RMSNormalization",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .attrs = vn_trailing_specs,
    .attrs_size = sizeof(struct trailing_attrs),
    .infer = vn_trailing_infer,
    .eval = eval,
    .qeval = qeval,
    .lower = lower,
    .quant = { .kind = Q_OWN, .data_inputs = 1 },
    .quant_kind = vn_trailing_kind,
    .slack = slack,
};
