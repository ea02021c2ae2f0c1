/* ops/clip.c - y = min(max(x, lo), hi); both bounds are optional inputs of one element. */
#include <math.h>

#include "ops/lower.h"

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    for (int i = 1; i < n->n_in; i++)
        if (n->in[i] && vn_shape_count(&n->in[i]->shape) != 1)
            return vn_node_fail(n, e, VN_E_INPUT, "bound %s must be a single number", n->in[i]->name);
    return vn_infer_same(n, e);
}

/* Bounds that are constants; 0 when one is computed at run time. */
static int constant_bounds(const struct node *n, double *lo, double *hi)
{
    *lo = -INFINITY, *hi = INFINITY;
    for (int i = 1; i < n->n_in; i++) {
        if (!n->in[i])
            continue;
        if (!n->in[i]->data)
            return 0;
        *(i == 1 ? lo : hi) = vn_tensor_f64(n->in[i]->data, 0);
    }
    return 1;
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    const struct vn_tensor *x = ev->in[0], *lo = n->n_in > 1 ? ev->in[1] : NULL, *hi = n->n_in > 2 ? ev->in[2] : NULL;
    int64_t count = vn_shape_count(&x->shape);
    for (int64_t i = 0; i < count; i++) {
        if (x->dtype == VN_I64) {
            int64_t v = vn_i64(x)[i];
            v = lo && v < vn_i64(lo)[0] ? vn_i64(lo)[0] : v;
            vn_i64(ev->out[0])[i] = hi && v > vn_i64(hi)[0] ? vn_i64(hi)[0] : v;
        } else {
            double v = vn_f64(x)[i];
            v = lo && v < vn_f64(lo)[0] ? vn_f64(lo)[0] : v;
            vn_f64(ev->out[0])[i] = hi && v > vn_f64(hi)[0] ? vn_f64(hi)[0] : v;
        }
    }
    return VN_OK;
}

static enum q_kind quant_kind(const struct node *n)
{
    double lo, hi;
    return constant_bounds(n, &lo, &hi) ? Q_OWN : Q_FLOAT;
}

static int qeval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    double lo, hi;
    constant_bounds(n, &lo, &hi);
    return vn_qeval_clamp(n, ev, lo, hi);
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    double lo, hi;
    if (!constant_bounds(n, &lo, &hi))
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "a bound of Clip is computed at run time; the runtime wants a constant");
    return vn_low_clamp(n, l, (float)lo, (float)hi, e);
}

const struct op_def vn_op_clip = {
    .name = "clip", .onnx = "Clip", .min_in = 1, .max_in = 3,
    .infer = infer, .eval = eval, .qeval = qeval, .lower = lower,
    .quant = { .kind = Q_OWN, .data_inputs = 1 }, .quant_kind = quant_kind, .is_clamp = 1,
};
