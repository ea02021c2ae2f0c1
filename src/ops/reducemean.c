/* ops/reducemean.c - the mean over a set of axes. */
#include "ops/reduce.h"

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_reduce_infer(n, e));
    return vn_infer_float(n, 0, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    return vn_reduce_eval(n, ev, VN_RED_MEAN);
}

static int qeval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    return vn_qeval_reduce_sum(n, ev, 1);
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    return l->integer ? vn_reduce_lower_sum(n, l, VN_POOL_TAPS, e) : vn_reduce_lower(n, l, VN_RED_MEAN, e);
}

static int slack(const struct node *n, int port, const struct vn_tensor *const *in, const struct vn_tensor *y,
                 struct vn_tensor *out, struct vn_arena *a)
{
    (void)port;
    return vn_reduce_slack(n, in, y, out, a, VN_RED_MEAN);
}

const struct op_def vn_op_reducemean = {
    .name = "reducemean",
    .onnx = "ReduceMean",
    .min_in = 1,
    .max_in = 2,
    .attrs = vn_reduce_specs,
    .attrs_size = sizeof(struct reduce_attrs),
    .infer = infer,
    .eval = eval,
    .qeval = qeval,
    .lower = lower,
    .quant = { .kind = Q_OWN, .data_inputs = 1 },
    .quant_kind = vn_reduce_sum_kind,
    .is_mean = 1,
    .slack = slack,
};
