/* ops/pow.c - x to the power e, with broadcasting; a function of one value where e is a single constant. */
#include <math.h>

#include "format/numbers.h"
#include "kernels/kernels.h"
#include "ops/portable_op.h"

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    struct vn_shape s;
    if (vn_shape_broadcast(&s, &n->in[0]->shape, &n->in[1]->shape, e) < 0)
        return vn_because(e, REASON_misfit, e ? vn_fail_at(e, "%s", n->name) : VN_E_INPUT);
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e); /* the exponent may have another type */
}

/* Operands as float64, whatever their types; the result is truncated where x is of an integer type. */
static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    const struct vn_tensor *in[2] = { vn_tensor_cast(ev->arena, ev->in[0], VN_F64),
                                      vn_tensor_cast(ev->arena, ev->in[1], VN_F64) };
    struct vn_tensor *y = vn_tensor_new(ev->arena, VN_F64, &ev->out[0]->shape);
    struct eval real = { ev->arena, in, &y };
    TRY(vn_eval_binary(n, &real, pow, NULL, e));
    memcpy(ev->out[0]->data, vn_tensor_cast(ev->arena, y, ev->out[0]->dtype)->data,
           vn_tensor_bytes(ev->out[0]));
    return VN_OK;
}

static int has_exponent(const struct node *n)
{
    return n->in[1]->data && vn_shape_count(&n->in[1]->shape) == 1;
}
static double f(const struct node *n, double x) { return pow(x, vn_tensor_f64(n->in[1]->data, 0)); }
static enum q_kind quant_kind(const struct node *n)
{
    return has_exponent(n) && n->in[1]->shape.rank <= n->in[0]->shape.rank ? Q_TABLE : Q_FLOAT;
}

/* Both operands as the kind of cells that the result has. */
static int general(const struct node *n, struct lowering *l, struct vn_err *e)
{
    const int real = vn_dtype_is_float(n->in[0]->dtype) || vn_dtype_is_float(n->in[1]->dtype),
              whole = !vn_dtype_is_float(n->in[0]->dtype);
    const struct portable_params p = { .id = VN_PORTABLE_binary, .i = { VN_CB_POW, n->in[0]->dtype } };
    int in[2];
    for (int i = 0; i < 2; i++) {
        in[i] = vn_low_in(l, i, PLAIN);
        if (!real || vn_dtype_is_float(n->in[i]->dtype))
            continue;
        const int cast = vn_low_temp(l, VN_F32, &n->in[i]->shape, PLAIN, 0, 0);
        TRY(vn_low_cast(l, in[i], cast, VN_F32, e));
        in[i] = cast;
    }
    const int y = vn_low_out(l, PLAIN),
              power = real && whole ? vn_low_temp(l, VN_F32, &n->out[0]->shape, PLAIN, 0, 0) : y;
    TRY(vn_portable_emit(l, &p, 2, in, power, e));
    return power == y ? VN_OK : vn_low_cast(l, power, y, n->out[0]->dtype, e);
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    const double p = has_exponent(n) ? vn_tensor_f64(n->in[1]->data, 0) : 0;
    if (l->integer || (quant_kind(n) == Q_TABLE && vn_dtype_is_float(n->in[0]->dtype) &&
                       (p == 0.5 || (p == floor(p) && fabs(p) <= 64))))
        return p == 0.5 ? vn_low_unary(n, l, VN_UN_SQRT, 0, 0, e)
                        : vn_low_unary(n, l, VN_UN_POWER, (float)p, 0, e);
    return general(n, l, e);
}

/* An integer exponent is multiplied out. */
static double rounding(const struct node *n, double x, double y)
{
    (void)x;
    return (3 + (has_exponent(n) ? fabs(vn_tensor_f64(n->in[1]->data, 0)) : 0)) * fabs(y);
}

const struct op_def vn_op_pow = {
    .name = "pow",
    .onnx = "Pow",
    .min_in = 2,
    .max_in = 2,
    .infer = infer,
    .eval = eval,
    .lower = lower,
    .f = f,
    .quant = { .kind = Q_TABLE, .data_inputs = 1 },
    .quant_kind = quant_kind,
    .rounding = rounding,
};
