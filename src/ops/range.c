/* ops/range.c - start, start + delta, ... up to limit. */
#include <math.h>

#include "ops/lower.h"

static int infer(struct node *n, struct vn_err *e)
{
    double v[3];
    TRY(vn_infer_begin(n, e));
    for (int i = 0; i < 3; i++) {
        if (!n->in[i]->data || vn_shape_count(&n->in[i]->shape) != 1)
            return vn_node_fail(n, e, VN_E_UNSUPPORTED, "%s must be a constant scalar", n->in[i]->name);
        v[i] = vn_tensor_f64(n->in[i]->data, 0);
    }
    const double count = ceil((v[1] - v[0]) / v[2]);
    if (v[2] == 0 || !(count < INT32_MAX))
        return vn_node_fail(n, e, VN_E_INPUT, "the range from %g to %g by %g does not end", v[0], v[1], v[2]);
    struct vn_shape s = { .rank = 1, .d = { count > 0 ? (int64_t)count : 0 } };
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)n, (void)e;
    const int64_t count = vn_shape_count(&ev->out[0]->shape);
    for (int64_t i = 0; i < count; i++)
        if (ev->out[0]->dtype == VN_I64)
            vn_i64(ev->out[0])[i] =
                (int64_t)((uint64_t)vn_i64(ev->in[0])[0] + (uint64_t)i * (uint64_t)vn_i64(ev->in[2])[0]);
        else
            vn_f64(ev->out[0])[i] = vn_f64(ev->in[0])[0] + (double)i * vn_f64(ev->in[2])[0];
    return VN_OK;
}

const struct op_def vn_op_range = {
    .name = "range",
    .onnx = "Range",
    .min_in = 3,
    .max_in = 3,
    .infer = infer,
    .eval = eval,
    .lower = vn_low_none,
};
