/* ops/pow.c - x to the power e, with broadcasting; a function of one value where e is a single constant. */
#include <math.h>

#include "kernels/kernels.h"
#include "ops/lower.h"

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    struct vn_shape s;
    if (vn_shape_broadcast(&s, &n->in[0]->shape, &n->in[1]->shape, e) < 0)
        return e ? vn_fail_at(e, "%s", n->name) : VN_E_INPUT;
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e); /* the exponent may have another type */
}

/* Operands as float64, whatever their types; the result is truncated where x is of an integer type. */
static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    const struct vn_tensor *in[2] = { vn_tensor_cast(ev->arena, ev->in[0], VN_F64), vn_tensor_cast(ev->arena, ev->in[1], VN_F64) };
    struct vn_tensor *y = vn_tensor_new(ev->arena, VN_F64, &ev->out[0]->shape);
    struct eval real = { ev->arena, in, &y };
    TRY(vn_eval_binary(n, &real, pow, NULL, e));
    memcpy(ev->out[0]->data, vn_tensor_cast(ev->arena, y, ev->out[0]->dtype)->data, vn_tensor_bytes(ev->out[0]));
    return VN_OK;
}

static int has_exponent(const struct node *n) { return n->in[1]->data && vn_shape_count(&n->in[1]->shape) == 1; }
static double f(const struct node *n, double x) { return pow(x, vn_tensor_f64(n->in[1]->data, 0)); }
static enum q_kind quant_kind(const struct node *n)
{
    return has_exponent(n) && n->in[1]->shape.rank <= n->in[0]->shape.rank ? Q_TABLE : Q_FLOAT;
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    if (quant_kind(n) != Q_TABLE)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "the runtime wants a constant exponent of one element");
    const double p = vn_tensor_f64(n->in[1]->data, 0);
    if (p == 0.5)
        return vn_low_unary(n, l, VN_UN_SQRT, 0, 0, e);
    if (!l->integer && (p != floor(p) || fabs(p) > 64))
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "the runtime has powers of 0.5 and of integers from -64 to 64, not of %g", p);
    return vn_low_unary(n, l, VN_UN_POWER, (float)p, 0, e);
}

const struct op_def vn_op_pow = {
    .name = "pow", .onnx = "Pow", .min_in = 2, .max_in = 2,
    .infer = infer, .eval = eval, .lower = lower, .f = f,
    .quant = { .kind = Q_TABLE, .data_inputs = 1 }, .quant_kind = quant_kind,
};
