/* ops/mean.c - the mean of the inputs, with broadcasting. */
#include "kernels/kernels.h"
#include "ops/lower.h"

static double real(double a, double b) { return a + b; }

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    const int64_t count = vn_shape_count(&ev->out[0]->shape);
    TRY(vn_eval_fold(n, ev, real, NULL, e));
    for (int64_t i = 0; i < count; i++)
        vn_f64(ev->out[0])[i] /= n->n_in;
    return VN_OK;
}

/* The sum, then times 1/n. */
static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    const float inverse = 1.0f / (float)n->n_in;
    int64_t own[VN_MAX_RANK], none[VN_MAX_RANK] = { 0 };
    int sum = vn_low_fold_into(n, l, VN_BIN_ADD, -1, e);
    TRY(sum);
    const struct prog_tensor *t = vn_low_tensor(l, sum);
    int y = vn_low_out(l, t->layout);
    vn_low_axis_strides(vn_low_tensor(l, sum), own);
    vn_low_binary_f32(l, VN_BIN_MUL, sum, own, vn_low_const(l, VN_F32, 1, &inverse), none, y);
    return VN_OK;
}

static int64_t terms(const struct node *n) { return n->n_in + 2; }

const struct op_def vn_op_mean = {
    .name = "mean",
    .onnx = "Mean",
    .min_in = 1,
    .max_in = -1,
    .infer = vn_infer_broadcast,
    .eval = eval,
    .lower = lower,
    .terms = terms,
};
