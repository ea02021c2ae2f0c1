/* ops/clip.c - y = min(max(x, lo), hi); both bounds are optional inputs of one element. */
#include <math.h>

#include "format/numbers.h"
#include "kernels/kernels.h"
#include "ops/portable_op.h"

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

static int infer(struct node *n, struct vn_err *e)
{
    double lo, hi;
    TRY(vn_infer_begin(n, e));
    for (int i = 1; i < n->n_in; i++)
        if (n->in[i] && vn_shape_count(&n->in[i]->shape) != 1)
            return vn_node_fail(n, e, VN_E_INPUT, "bound %s must be a scalar", n->in[i]->name);
    if (constant_bounds(n, &lo, &hi) && !(lo <= hi))
        return vn_node_fail(n, e, VN_E_INPUT, "expected a lower bound up to the upper one, got %g and %g", lo,
                            hi);
    return vn_infer_same(n, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    const struct vn_tensor *x = ev->in[0], *lo = n->n_in > 1 ? ev->in[1] : NULL,
                           *hi = n->n_in > 2 ? ev->in[2] : NULL;
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

static double most(const struct node *n)
{
    double lo, hi;
    return constant_bounds(n, &lo, &hi) ? fmax(fabs(lo), fabs(hi)) : INFINITY;
}

static int qeval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    double lo, hi;
    constant_bounds(n, &lo, &hi);
    return vn_qeval_clamp(n, ev, lo, hi);
}

/* max with the first bound, then min with the second. */
static int computed_bounds(const struct node *n, struct lowering *l, struct vn_err *e)
{
    const int has_lo = vn_node_has(n, 1), has_hi = vn_node_has(n, 2),
              real = vn_dtype_is_float(n->in[0]->dtype);
    const int64_t none[VN_MAX_RANK] = { 0 };
    int64_t own[VN_MAX_RANK];
    int x = vn_low_in(l, 0, PLAIN);
    if (!has_lo && !has_hi)
        return vn_low_reshape(n, l, e);
    vn_shape_strides(&n->in[0]->shape, own);
    for (int i = 1; i <= 2; i++) {
        if (!vn_node_has(n, i))
            continue;
        const int bound = vn_low_in(l, i, PLAIN);
        const int y = i == 1 && has_hi
                          ? vn_low_temp(l, vn_low_tensor(l, x)->dtype, &n->in[0]->shape, PLAIN, 0, 0)
                          : vn_low_out(l, PLAIN);
        const struct portable_params p = { .id = VN_PORTABLE_binary,
                                           .i = { i == 1 ? VN_CB_MAX : VN_CB_MIN, n->in[0]->dtype } };
        if (real)
            vn_low_binary_f32(l, i == 1 ? VN_BIN_MAX : VN_BIN_MIN, x, own, bound, none, y);
        else
            TRY(vn_portable_emit(l, &p, 2, (int[]){ x, bound }, y, e));
        x = y;
    }
    return VN_OK;
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    double lo, hi;
    if (constant_bounds(n, &lo, &hi) && vn_dtype_is_float(n->in[0]->dtype))
        return vn_low_clamp(n, l, (float)lo, (float)hi, e);
    return computed_bounds(n, l, e);
}

const struct op_def vn_op_clip = {
    .name = "clip",
    .onnx = "Clip",
    .min_in = 1,
    .max_in = 3,
    .any_width = 1,
    .infer = infer,
    .eval = eval,
    .qeval = qeval,
    .lower = lower,
    .quant = { .kind = Q_OWN, .data_inputs = 1 },
    .quant_kind = quant_kind,
    .is_clamp = 1,
    .most = most,
};
