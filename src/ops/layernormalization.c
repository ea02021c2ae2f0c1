/* ops/layernormalization.c - the trailing axes brought to mean 0 and variance 1, scaled and shifted. */
#include "ops/normal.h"

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    return vn_trailing_eval(n, ev, 1);
}

static int qeval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    return vn_trailing_qeval(n, ev, 1);
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    return vn_trailing_lower(n, l, 1, e);
}

static int slack(const struct node *n, int port, const struct vn_tensor *const *in, const struct vn_tensor *y,
                 struct vn_tensor *out, struct vn_arena *a)
{
    (void)a;
    return vn_trailing_slack(n, port, in, y, out, 1);
}

const struct op_def vn_op_layernormalization = {
    .name = "layernormalization",
    .onnx = "LayerNormalization",
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 3,
    .attrs = vn_trailing_specs,
    .attrs_size = sizeof(struct trailing_attrs),
    .infer = vn_trailing_infer,
    .eval = eval,
    .qeval = qeval,
    .lower = lower,
    .lowers_all = 1,
    .quant = { .kind = Q_OWN, .data_inputs = 1 },
    .quant_kind = vn_trailing_kind,
    .slack = slack,
};
