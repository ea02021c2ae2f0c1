/* ops/softmax.c - exp(x) / sum(exp(x)) along one axis. */
#include <float.h>
#include <math.h>

#include "num/num.h"
#include "ops/lower.h"

static const struct attr_spec specs[] = {
    A_INT(struct axis_attrs, axis, "axis", -1, -VN_MAX_RANK, VN_MAX_RANK), A_END
};

static int axis_of(const struct node *n)
{
    return vn_shape_axis(&n->in[0]->shape, ((const struct axis_attrs *)n->attrs)->axis);
}

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    TRY(vn_infer_float(n, 0, e));
    if (axis_of(n) < 0)
        return vn_node_fail(n, e, VN_E_INPUT, "axis is out of range for an input of %d dimensions",
                            n->in[0]->shape.rank);
    TRY(vn_infer_most(n, n->in[0]->shape.d[axis_of(n)], VN_MOST_EXTENT, e));
    return vn_infer_same(n, e);
}

/* dims in front of, along and behind position `at`. */
static void split(const int64_t *dims, int rank, int at, int64_t *outer, int64_t *extent, int64_t *inner)
{
    *outer = *inner = 1;
    *extent = dims[at];
    for (int d = 0; d < rank; d++)
        if (d != at)
            *(d < at ? outer : inner) *= dims[d];
}

static void real_line(double *y, const double *x, int64_t n, int64_t step)
{
    double most = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++)
        most = x[i * step] > most ? x[i * step] : most;
    for (int64_t i = 0; i < n; i++)
        sum += y[i * step] = exp(x[i * step] - most);
    for (int64_t i = 0; i < n; i++)
        y[i * step] /= sum;
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    int64_t outer, extent, inner;
    split(ev->in[0]->shape.d, ev->in[0]->shape.rank, axis_of(n), &outer, &extent, &inner);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++)
            real_line(vn_f64(ev->out[0]) + o * extent * inner + i, vn_f64(ev->in[0]) + o * extent * inner + i,
                      extent, inner);
    return VN_OK;
}

/* exp(-d * sx) in the units of its table: one entry for each d, or two where there are 65536. */
static uint32_t entry(const uint32_t *table, int wide, int64_t d)
{
    return wide ? vn_softmax16_entry(table, (uint32_t)d) : table[d];
}

static void integer_line(const struct node *n, int64_t *y, const int64_t *x, int64_t count, int64_t step,
                         const uint32_t *table)
{
    const struct qparam *q = n->out[0]->q;
    const int wide = vn_node_is_wide(n);
    int64_t most = INT16_MIN;
    uint64_t sum = 0;
    for (int64_t i = 0; i < count; i++)
        most = x[i * step] > most ? x[i * step] : most;
    for (int64_t i = 0; i < count; i++)
        sum += entry(table, wide, most - x[i * step]);
    for (int64_t i = 0; i < count; i++)
        y[i * step] = vn_softmax(entry(table, wide, most - x[i * step]), sum, 1.0f / q->scale[0], q->zero[0],
                                 vn_q_min(q), vn_q_max(q));
}

/* The table of a node; returns its length. */
static int table_of(const struct node *n, uint32_t table[VN_SOFTMAX16_ENTRIES])
{
    const int wide = vn_node_is_wide(n);
    (wide ? vn_softmax16_table : vn_softmax_table)(table, n->in[0]->q->scale[0]);
    return wide ? VN_SOFTMAX16_ENTRIES : 256;
}

static int qeval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    uint32_t table[VN_SOFTMAX16_ENTRIES];
    int64_t outer, extent, inner;
    table_of(n, table);
    split(ev->in[0]->shape.d, ev->in[0]->shape.rank, axis_of(n), &outer, &extent, &inner);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++)
            integer_line(n, vn_i64(ev->out[0]) + o * extent * inner + i,
                         vn_i64(ev->in[0]) + o * extent * inner + i, extent, inner, table);
    return VN_OK;
}

/* x - max is rounded, exp within 2 ulp, the sum in any order. */
static void line_slack(double *out, const double *x, const double *y, int64_t n, int64_t step)
{
    double most = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++)
        most = x[i * step] > most ? x[i * step] : most;
    for (int64_t i = 0; i < n; i++)
        sum += y[i * step] > 0 ? y[i * step] * (most - x[i * step]) : 0;
    for (int64_t i = 0; i < n; i++)
        out[i * step] =
            y[i * step] > 0 ? FLT_EPSILON / 2 * y[i * step] * (most - x[i * step] + sum + 12 + (double)n) : 0;
}

static int slack(const struct node *n, int port, const struct vn_tensor *const *in, const struct vn_tensor *y,
                 struct vn_tensor *out, struct vn_arena *a)
{
    int64_t outer, extent, inner;
    (void)port, (void)a;
    split(in[0]->shape.d, in[0]->shape.rank, axis_of(n), &outer, &extent, &inner);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++) {
            const int64_t at = o * extent * inner + i;
            line_slack(vn_f64(out) + at, vn_f64(in[0]) + at, vn_f64(y) + at, extent, inner);
        }
    return VN_OK;
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    (void)e;
    enum layout order;
    int in[2] = { vn_low_in_any(l, 0, &order), -1 };
    int y = vn_low_out(l, order), axis = axis_of(n), rank = n->in[0]->shape.rank;
    int64_t dims[VN_MAX_RANK], outer, extent, inner;
    if (order == CHANNELS_LAST) /* where the axis is in memory */
        axis = axis == 0 ? 0 : axis == 1 ? rank - 1 : axis - 1;
    vn_low_physical(vn_low_tensor(l, in[0]), dims);
    split(dims, rank, axis, &outer, &extent, &inner);
    if (l->integer) {
        uint32_t table[VN_SOFTMAX16_ENTRIES];
        const int entries = table_of(n, table);
        in[1] = vn_low_const(l, VN_U32, entries, table);
    }
    struct instr_SOFTMAX *p = vn_low_emit(l, OPCODE_SOFTMAX, 2, in, y);
    p->outer = (int32_t)outer;
    p->n = (int32_t)extent;
    p->inner = (int32_t)inner;
    return VN_OK;
}

const struct op_def vn_op_softmax = {
    .name = "softmax",
    .onnx = "Softmax",
    .min_in = 1,
    .max_in = 1,
    .attrs = specs,
    .attrs_size = sizeof(struct axis_attrs),
    .infer = infer,
    .eval = eval,
    .qeval = qeval,
    .lower = lower,
    .quant = { .kind = Q_OWN, .out = Q_OUT_FIXED, .lo = 0, .hi = 1 },
    .slack = slack,
    .drops_low = 1,
    .over_classes = 1,
};
