/* ops/depthtospace.c - channels become squares of pixels (pixel shuffle). */
#include "ops/blocks.h"

static int infer(struct node *n, struct vn_err *e) { return vn_blocks_infer(n, 1, e); }

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    return vn_blocks_eval(n, ev, 1);
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    return vn_blocks_lower(n, l, 1, e);
}

const struct op_def vn_op_depthtospace = {
    .name = "depthtospace",
    .onnx = "DepthToSpace",
    .min_in = 1,
    .max_in = 1,
    .attrs = vn_blocks_specs,
    .attrs_size = sizeof(struct blocks_attrs),
    .infer = infer,
    .eval = eval,
    .lower = lower,
    .quant = { .kind = Q_MOVE, .out = Q_OUT_SAME },
};
