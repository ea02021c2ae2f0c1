/* interp/integer.c - the integer meaning of quantized nodes. docs/numerics.md has the formulas; num/num.h the
 * arithmetic. */
#include "interp/integer.h"

#include "num/num.h"

static int is_data(const struct node *n, int i)
{
    int data = n->op->quant.data_inputs;
    return n->in[i] && n->in[i]->q && (!data || i < data);
}

/* ---- linear operators: eval on exact integers in float64, then requantize ---- */

/* q - zero as float64. */
static struct vn_tensor *centred(struct vn_arena *a, const struct vn_tensor *x, const struct qparam *q)
{
    struct vn_tensor *y = vn_tensor_new(a, VN_F64, &x->shape);
    int64_t count = vn_shape_count(&x->shape);
    for (int64_t i = 0; i < count; i++)
        vn_f64(y)[i] = (double)(vn_i64(x)[i] - q->zero[vn_q_entry(q, &x->shape, i)]);
    return y;
}

/* Output channel of element i; a vector as weight has none. */
static int64_t channel_of(const struct node *n, int64_t i)
{
    const struct vn_shape *y = &n->out[0]->shape;
    return n->in[1]->shape.rank > 1 ? vn_shape_coordinate(y, vn_channel_axis(n, y->rank), i) : 0;
}

static int check_scales(const struct node *n, struct vn_err *e)
{
    const struct qparam *x = n->in[0]->q, *w = n->in[1]->q;
    if (x->n != 1)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "%s is quantized per channel; expected one scale",
                            n->in[0]->name);
    if (w->n != 1 && w->axis != n->op->quant.weight_axis && w->axis != vn_node_weight_axis(n))
        return vn_node_fail(n, e, VN_E_UNSUPPORTED,
                            "%s is quantized along axis %d; expected the axis of output channels",
                            n->in[1]->name, w->axis);
    return VN_OK;
}

static int eval_linear(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    const struct qparam *qx = n->in[0]->q, *qw = n->in[1]->q, *qy = n->out[0]->q;
    const struct vn_tensor **in = NEW_ARRAY(ev->arena, const struct vn_tensor *, n->n_in);
    struct vn_tensor *acc = vn_tensor_new(ev->arena, VN_F64, &n->out[0]->shape);
    TRY(check_scales(n, e));
    for (int i = 0; i < n->n_in; i++)
        in[i] = is_data(n, i) ? centred(ev->arena, ev->in[i], n->in[i]->q) : ev->in[i];
    struct eval exact = { ev->arena, in, &acc };
    TRY(n->op->eval(n, &exact, e));
    int64_t count = vn_shape_count(&acc->shape);
    for (int64_t i = 0; i < count; i++) {
        float sw = qw->scale[channel_of(n, i) % qw->n];
        int64_t sum = (int64_t)vn_f64(acc)[i];
        if (qy)
            vn_i64(ev->out[0])[i] = vn_requantize(sum, vn_requant_mult(qx->scale[0], sw, qy->scale[0]),
                                                  qy->zero[0], vn_q_min(qy), vn_q_max(qy));
        else
            vn_f64(ev->out[0])[i] = (float)sum * (qx->scale[0] * sw);
    }
    return VN_OK;
}

/* ---- the other kinds ---- */

static int eval_move(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    TRY(n->op->eval(n, ev, e));
    const struct qparam *x = n->in[0]->q, *y = n->out[0]->q;
    int64_t count = vn_shape_count(&ev->out[0]->shape);
    for (int64_t i = 0; !vn_qparam_equal(x, y) && i < count; i++)
        vn_i64(ev->out[0])[i] = vn_q_rescale(vn_i64(ev->out[0])[i], x, y);
    return VN_OK;
}

static int eval_table(const struct node *n, const struct eval *ev)
{
    int64_t count = vn_shape_count(&ev->out[0]->shape);
    for (int64_t i = 0; i < count; i++)
        vn_i64(ev->out[0])[i] = vn_table_entry(n, vn_i64(ev->in[0])[i]);
    return VN_OK;
}

/* These kinds have formulas for one scale per tensor. */
static int check_one_scale(const struct node *n, struct vn_err *e)
{
    for (int i = 0; i < n->n_in; i++)
        if (is_data(n, i) && n->in[i]->q->n != 1)
            return vn_node_fail(n, e, VN_E_UNSUPPORTED, "%s is quantized per channel; %s requires one scale",
                                n->in[i]->name, n->op->onnx);
    return VN_OK;
}

int vn_integer_eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    if (n->out[0]->q && n->out[0]->q->n != 1)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "%s is quantized per channel; expected one scale",
                            n->out[0]->name);
    if (vn_node_kind(n) == Q_LINEAR)
        return eval_linear(n, ev, e);
    TRY(check_one_scale(n, e));
    switch (vn_node_kind(n)) {
    case Q_MOVE: return eval_move(n, ev, e);
    case Q_TABLE: return eval_table(n, ev);
    default: return n->op->qeval(n, ev, e);
    }
}
