/* ops/logsoftmax.c - x - log(sum(exp(x))) along one axis. */
#include <float.h>
#include <math.h>

#include "kernels/kernels.h"
#include "ops/lines.h"

static const struct attr_spec specs[] = {
    A_INT(struct axis_attrs, axis, "axis", -1, -VN_MAX_RANK, VN_MAX_RANK), A_END
};

static void line(const struct node *n, double *y, const double *x, int64_t count, int64_t step)
{
    (void)n;
    double most = -INFINITY, sum = 0;
    for (int64_t i = 0; i < count; i++)
        most = x[i * step] > most ? x[i * step] : most;
    for (int64_t i = 0; i < count; i++)
        sum += exp(x[i * step] - most);
    for (int64_t i = 0; i < count; i++)
        y[i * step] = x[i * step] - most - log(sum);
}

static int infer(struct node *n, struct vn_err *e)
{
    return vn_infer_lines(n, ((const struct axis_attrs *)n->attrs)->axis, e);
}
static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    return vn_eval_lines(n, ev, ((const struct axis_attrs *)n->attrs)->axis, line);
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    (void)e;
    struct vn_shape s = n->in[0]->shape, sums = s;
    const int axis = vn_shape_axis(&s, ((const struct axis_attrs *)n->attrs)->axis),
              x = vn_low_in(l, 0, PLAIN);
    int64_t own[VN_MAX_RANK], one[VN_MAX_RANK];
    sums.d[axis] = 1;
    const int sum = vn_low_temp(l, VN_F32, &sums, PLAIN, 0, 0);
    struct instr_REDUCE_F32 *p = vn_low_emit(l, OPCODE_REDUCE_F32, 1, &x, sum);
    vn_shape_strides(&s, own);
    p->op = VN_RED_LOG_SUM_EXP;
    p->inner = (int32_t)own[axis];
    p->n = (int32_t)s.d[axis];
    p->outer = (int32_t)(vn_shape_count(&s) / (p->n * own[axis]));
    vn_broadcast_strides(one, &sums, &s);
    vn_low_binary_f32(l, VN_BIN_SUB, x, own, sum, one, vn_low_out(l, PLAIN));
    return VN_OK;
}

/* The sum's relative error, which its logarithm makes absolute, the logarithm's and two subtractions'. */
static int slack(const struct node *n, int port, const struct vn_tensor *const *in, const struct vn_tensor *y,
                 struct vn_tensor *out, struct vn_arena *a)
{
    const int64_t count = vn_shape_count(&y->shape);
    const int axis = vn_shape_axis(&in[0]->shape, ((const struct axis_attrs *)n->attrs)->axis);
    const double terms = (double)in[0]->shape.d[axis];
    (void)port, (void)a;
    for (int64_t i = 0; i < count; i++)
        vn_f64(out)[i] =
            FLT_EPSILON / 2 *
            (2 * terms + 8 + 4 * log(terms) + 2 * fabs(vn_f64(y)[i]) + 2 * fabs(vn_f64(in[0])[i]));
    return VN_OK;
}

const struct op_def vn_op_logsoftmax = {
    .name = "logsoftmax",
    .onnx = "LogSoftmax",
    .min_in = 1,
    .max_in = 1,
    .attrs = specs,
    .attrs_size = sizeof(struct axis_attrs),
    .infer = infer,
    .eval = eval,
    .lower = lower,
    .slack = slack,
    .over_classes = 1,
};
