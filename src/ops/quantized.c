/* ops/quantized.c - quantized cells, and integer meanings that several operators share. The rounding itself
 * is num/num.h's. */
#include <math.h>

#include "kernels/kernels.h"
#include "num/num.h"
#include "ops/op.h"

int32_t vn_q_min(const struct qparam *q)
{
    return q->dtype == VN_I8 ? INT8_MIN : q->dtype == VN_I16 ? INT16_MIN : INT32_MIN;
}

int32_t vn_q_max(const struct qparam *q)
{
    return q->dtype == VN_I8 ? INT8_MAX : q->dtype == VN_I16 ? INT16_MAX : INT32_MAX;
}

/* How many elements in a row share an entry. */
static int64_t inner_of(const struct qparam *q, const struct vn_shape *s)
{
    int64_t inner = 1;
    for (int d = q->axis + 1; d < s->rank; d++)
        inner *= s->d[d];
    return inner;
}

int vn_q_entry(const struct qparam *q, const struct vn_shape *s, int64_t i)
{
    return q->axis < 0 || q->n == 1 ? 0 : (int)(i / inner_of(q, s) % q->n);
}

int32_t vn_q_one(const struct qparam *q, int entry, double x)
{
    if (q->dtype != VN_I32)
        return vn_quantize((float)x, q->scale[entry], q->zero[entry], vn_q_min(q), vn_q_max(q));
    double r = rint((double)(float)x / (double)q->scale[entry]) + q->zero[entry];
    return r >= INT32_MAX ? INT32_MAX : r >= INT32_MIN ? (int32_t)r : INT32_MIN;
}

double vn_dq_one(const struct qparam *q, int entry, int64_t v)
{
    return (float)(v - q->zero[entry]) * q->scale[entry];
}

struct vn_tensor *vn_q_cells(struct vn_arena *a, const struct vn_tensor *x, const struct qparam *q)
{
    struct vn_tensor *y = vn_tensor_new(a, VN_I64, &x->shape);
    int64_t count = vn_shape_count(&x->shape);
    for (int64_t i = 0; i < count; i++)
        vn_i64(y)[i] = vn_q_one(q, vn_q_entry(q, &x->shape, i), vn_f64(x)[i]);
    return y;
}

struct vn_tensor *vn_dq_cells(struct vn_arena *a, const struct vn_tensor *x, const struct qparam *q)
{
    struct vn_tensor *y = vn_tensor_new(a, VN_F64, &x->shape);
    int64_t count = vn_shape_count(&x->shape);
    for (int64_t i = 0; i < count; i++)
        vn_f64(y)[i] = vn_dq_one(q, vn_q_entry(q, &x->shape, i), vn_i64(x)[i]);
    return y;
}

int32_t vn_table_entry(const struct node *n, int64_t q)
{
    return vn_q_one(n->out[0]->q, 0, n->op->f(n, vn_dq_one(n->in[0]->q, 0, q)));
}

int32_t vn_q_rescale(int64_t q, const struct qparam *x, const struct qparam *y)
{
    return vn_rescale((int32_t)q, x->zero[0], x->scale[0] / y->scale[0], y->zero[0], vn_q_min(y),
                      vn_q_max(y));
}

int32_t vn_q_clamp(int64_t q, const struct qparam *x, const struct qparam *y, double lo, double hi)
{
    int32_t v = vn_q_rescale(q, x, y), l = vn_q_one(y, 0, lo), h = vn_q_one(y, 0, hi);
    v = v > l ? v : l;
    return v < h ? v : h;
}

int vn_qeval_clamp(const struct node *n, const struct eval *ev, double lo, double hi)
{
    int64_t count = vn_shape_count(&ev->out[0]->shape);
    for (int64_t i = 0; i < count; i++)
        vn_i64(ev->out[0])[i] = vn_q_clamp(vn_i64(ev->in[0])[i], n->in[0]->q, n->out[0]->q, lo, hi);
    return VN_OK;
}

/* Numbers of one binary node, for the callbacks of vn_eval_binary; the toolchain evaluates one node at a time
 * per thread. */
static _Thread_local struct {
    int32_t za, zb, zy, lo, hi;
    int32_t ca, cb; /* taken off int8 operands of nodes that compute in int16 */
    float ra, rb, rm, fixed;
} bin;

static int64_t q_add(int64_t a, int64_t b)
{
    return vn_add((int32_t)a - bin.ca, bin.ra, (int32_t)b - bin.cb, bin.rb, bin.fixed, bin.lo, bin.hi);
}

static int64_t q_mul(int64_t a, int64_t b)
{
    return vn_mul((int32_t)a, bin.za, (int32_t)b, bin.zb, bin.rm, bin.zy, bin.lo, bin.hi);
}

static int64_t q_div(int64_t a, int64_t b)
{
    return vn_div((int32_t)a, bin.za, (int32_t)b, bin.zb, bin.rm, bin.zy, bin.lo, bin.hi);
}

static int64_t q_prelu(int64_t a, int64_t b)
{
    return vn_prelu((int32_t)a, bin.za, (int32_t)b, bin.zb, bin.ra, bin.rm, bin.zy, bin.lo, bin.hi);
}

static int64_t q_max(int64_t a, int64_t b)
{
    const int32_t u = vn_rescale((int32_t)a, bin.za, bin.ra, bin.zy, bin.lo, bin.hi);
    const int32_t v = vn_rescale((int32_t)b, bin.zb, bin.rb, bin.zy, bin.lo, bin.hi);
    return u > v ? u : v;
}

static int64_t q_min(int64_t a, int64_t b)
{
    const int32_t u = vn_rescale((int32_t)a, bin.za, bin.ra, bin.zy, bin.lo, bin.hi);
    const int32_t v = vn_rescale((int32_t)b, bin.zb, bin.rb, bin.zy, bin.lo, bin.hi);
    return u < v ? u : v;
}

int vn_qeval_binary(const struct node *n, const struct eval *ev, int op, struct vn_err *e)
{
    static int64_t (*const fn[])(int64_t, int64_t) = {
        [VN_BIN_ADD] = q_add, [VN_BIN_SUB] = q_add, [VN_BIN_MUL] = q_mul,    [VN_BIN_DIV] = q_div,
        [VN_BIN_MAX] = q_max, [VN_BIN_MIN] = q_min, [VN_BIN_PRELU] = q_prelu
    };
    const struct qparam *a = n->in[0]->q, *b = n->in[1]->q, *y = n->out[0]->q;
    const float sa = a->scale[0], sb = b->scale[0], sy = y->scale[0];
    const int wide = vn_node_is_wide(n);
    bin.za = a->zero[0], bin.zb = b->zero[0], bin.zy = y->zero[0];
    bin.ca = wide ? bin.za : 0, bin.cb = wide ? bin.zb : 0;
    bin.lo = vn_q_min(y), bin.hi = vn_q_max(y);
    bin.ra = sa / sy;
    bin.rb = op == VN_BIN_SUB ? -(sb / sy) : sb / sy;
    bin.rm = op == VN_BIN_DIV ? (sa / sb) / sy : vn_requant_mult(sa, sb, sy);
    bin.fixed = vn_add_fixed(bin.za - bin.ca, bin.ra, bin.zb - bin.cb, bin.rb, bin.zy);
    return vn_eval_binary(n, ev, NULL, fn[op], e);
}

int vn_qeval_compare(const struct node *n, const struct eval *ev, int (*ff)(double, double), struct vn_err *e)
{
    const struct vn_tensor *real[2];
    for (int i = 0; i < 2; i++)
        real[i] = vn_dq_cells(ev->arena, ev->in[i], n->in[i]->q);
    const struct eval reals = { ev->arena, real, ev->out };
    return vn_eval_compare(n, &reals, ff, NULL, e);
}
