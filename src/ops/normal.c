/* ops/normal.c - what the normalizations share. */
#include "ops/normal.h"

#include <float.h>
#include <math.h>

#include "kernels/kernels.h"
#include "num/num.h"

/* x is [outer][count]; each row becomes (x - mean) / sqrt(mean of squares + epsilon), mean = 0 where not
 * `centre`. Then times input 1 plus input 2 (where there), whose strides along the output's axes are in
 * `stride`. */
struct normal {
    int64_t outer, count;
    double epsilon;
    int centre;
    int64_t stride[2][VN_MAX_RANK];
    int mean, inverse; /* programs: tensors that get an entry for each row; 0: none */
};

int vn_infer_channels(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_same_float(n, e));
    if (n->in[0]->shape.rank < 2)
        return NODE_MISFIT(n, e, "the input has no channels");
    for (int i = 1; i < n->n_in; i++)
        if (n->in[i] && vn_shape_count(&n->in[i]->shape) != n->in[0]->shape.d[1])
            return vn_node_fail(n, e, VN_E_INPUT, "%s must have %lld elements", n->in[i]->name,
                                (long long)n->in[0]->shape.d[1]);
    return VN_OK;
}

/* Strides of scale and bias by broadcasting or (channels) along axis 1. */
static void set_strides(const struct node *n, struct normal *p, int channels)
{
    memset(p->stride, 0, sizeof p->stride);
    for (int i = 0; i < 2; i++)
        if (!vn_node_has(n, i + 1))
            continue;
        else if (channels)
            p->stride[i][1] = 1;
        else
            vn_broadcast_strides(p->stride[i], &n->in[i + 1]->shape, &n->in[0]->shape);
}

static void normalize_row(double *y, const double *x, const struct normal *p, double *mean, double *inverse)
{
    double sum = 0, squares = 0;
    for (int64_t i = 0; p->centre && i < p->count; i++)
        sum += x[i];
    *mean = sum / (double)p->count;
    for (int64_t i = 0; i < p->count; i++)
        squares += (x[i] - *mean) * (x[i] - *mean);
    *inverse = 1 / sqrt(squares / (double)p->count + p->epsilon);
    for (int64_t i = 0; i < p->count; i++)
        y[i] = (x[i] - *mean) * *inverse;
}

/* mean, inverse: NULL, or an entry for each row. */
static void eval_normal(const struct node *n, const struct eval *ev, const struct normal *p, double *mean,
                        double *inverse)
{
    const struct vn_shape *s = &ev->in[0]->shape;
    const int64_t count = vn_shape_count(s);
    double *y = vn_f64(ev->out[0]), unused[2];
    int64_t idx[VN_MAX_RANK] = { 0 };
    for (int64_t o = 0; o < p->outer; o++)
        normalize_row(y + o * p->count, vn_f64(ev->in[0]) + o * p->count, p, mean ? mean + o : &unused[0],
                      inverse ? inverse + o : &unused[1]);
    for (int64_t i = 0; i < count; i++, vn_index_next(idx, s)) {
        int64_t at[2] = { 0 };
        for (int d = 0; d < s->rank; d++)
            at[0] += idx[d] * p->stride[0][d], at[1] += idx[d] * p->stride[1][d];
        y[i] = y[i] * (vn_node_has(n, 1) ? vn_f64(ev->in[1])[at[0]] : 1) +
               (vn_node_has(n, 2) ? vn_f64(ev->in[2])[at[1]] : 0);
    }
}

/* ---- rounding errors of `rows`, in units of 2^-24 ---- */

struct row_slack {
    double deviation; /* of the deviation, relative */
    double mean; /* of the mean */
    double inverse; /* 1 / deviation */
};

static struct row_slack row_slack(const double *x, const struct normal *p)
{
    const double count = (double)p->count;
    double mean = 0, size = 0, variance = 0, spread = 0;
    for (int64_t i = 0; p->centre && i < p->count; i++) {
        mean += x[i] / count;
        size += fabs(x[i]) / count;
    }
    struct row_slack s = { .mean = (count + 3) * size };
    for (int64_t i = 0; i < p->count; i++) {
        const double d = fabs(x[i] - mean);
        variance += d * d / count;
        spread += d * (s.mean + d) / count;
    }
    s.deviation = spread / (variance + p->epsilon) + (count + 3) / 2 + 3;
    s.inverse = 1 / sqrt(variance + p->epsilon);
    return s;
}

static double at_or(const struct vn_tensor *t, int64_t at, double otherwise)
{
    return t ? vn_f64(t)[at] : otherwise;
}

static void normal_slack(const struct node *n, const struct normal *p, const struct vn_tensor *const *in,
                         const struct vn_tensor *y, double *out)
{
    const struct vn_shape *s = &in[0]->shape;
    const struct vn_tensor *scale = vn_node_has(n, 1) ? in[1] : NULL,
                           *bias = vn_node_has(n, 2) ? in[2] : NULL;
    int64_t idx[VN_MAX_RANK] = { 0 }, count = vn_shape_count(s);
    struct row_slack r = { 0 };
    for (int64_t i = 0; i < count; i++, vn_index_next(idx, s)) {
        int64_t at[2] = { 0 };
        for (int d = 0; d < s->rank; d++)
            at[0] += idx[d] * p->stride[0][d], at[1] += idx[d] * p->stride[1][d];
        if (i % p->count == 0)
            r = row_slack(vn_f64(in[0]) + i, p);
        const double k = fabs(at_or(scale, at[0], 1)), b = at_or(bias, at[1], 0),
                     product = fabs(vn_f64(y)[i] - b);
        out[i] =
            FLT_EPSILON / 2 * (k * r.mean * r.inverse + product * (r.deviation + 5) + fabs(vn_f64(y)[i]));
    }
}

/* The mean of each row. */
static int row_means_into(struct lowering *l, int y, int x, const struct normal *p)
{
    struct instr_REDUCE_F32 *r = vn_low_emit(l, OPCODE_REDUCE_F32, 1, &x, y);
    r->op = VN_RED_MEAN;
    r->outer = (int32_t)p->outer, r->n = (int32_t)p->count, r->inner = 1;
    return y;
}

static int row_means(struct lowering *l, int x, const struct normal *p)
{
    const struct vn_shape s = vn_shape_of(1, &p->outer);
    return row_means_into(l, vn_low_temp(l, VN_F32, &s, PLAIN, 0, 0), x, p);
}

/* (x - mean) / sqrt(mean of squares + epsilon), in the order in which exporters write it out. */
static int rows(struct lowering *l, int x, const struct normal *p)
{
    const struct vn_shape s = { .rank = 2, .d = { p->outer, p->count } },
                          one = { .rank = 1, .d = { p->outer } };
    const int64_t own[2] = { p->count, 1 }, row[2] = { 1, 0 }, along[1] = { 1 }, none[1] = { 0 };
    const float epsilon = (float)p->epsilon;
    if (p->centre) {
        const int mean = p->mean ? row_means_into(l, p->mean, x, p) : row_means(l, x, p),
                  centred = vn_low_temp(l, VN_F32, &s, PLAIN, 0, 0);
        vn_low_binary_f32(l, VN_BIN_SUB, x, own, mean, row, centred);
        x = centred;
    }
    const int squares = vn_low_temp(l, VN_F32, &s, PLAIN, 0, 0), y = vn_low_temp(l, VN_F32, &s, PLAIN, 0, 0);
    vn_low_binary_f32(l, VN_BIN_MUL, x, own, x, own, squares);
    const int variance = row_means(l, squares, p), sum = vn_low_temp(l, VN_F32, &one, PLAIN, 0, 0);
    vn_low_binary_f32(l, VN_BIN_ADD, variance, along, vn_low_const(l, VN_F32, 1, &epsilon), none, sum);
    const int root = vn_low_temp(l, VN_F32, &one, PLAIN, 0, 0);
    struct instr_UNARY_F32 *u = vn_low_emit(l, OPCODE_UNARY_F32, 1, &sum, root);
    u->op = VN_UN_SQRT;
    vn_low_binary_f32(l, VN_BIN_DIV, x, own, root, row, y);
    if (p->inverse) {
        u = vn_low_emit(l, OPCODE_UNARY_F32, 1, &root, p->inverse);
        u->op = VN_UN_RECIPROCAL;
    }
    return y;
}

static int low_normal(const struct node *n, struct lowering *l, const struct normal *p, struct vn_err *e)
{
    const struct vn_shape *s = &n->in[0]->shape;
    const int has_scale = vn_node_has(n, 1), has_bias = vn_node_has(n, 2), in = vn_low_in(l, 0, PLAIN);
    const int scale = has_scale ? vn_low_in(l, 1, PLAIN) : -1, bias = has_bias ? vn_low_in(l, 2, PLAIN) : -1;
    int64_t own[VN_MAX_RANK];
    int x = rows(l, in, p);
    vn_shape_strides(s, own);
    if (has_scale) {
        const int y = has_bias ? vn_low_temp(l, VN_F32, s, PLAIN, 0, 0) : vn_low_out(l, PLAIN);
        vn_low_binary_f32(l, VN_BIN_MUL, x, own, scale, p->stride[0], y);
        x = y;
    }
    if (has_bias)
        vn_low_binary_f32(l, VN_BIN_ADD, x, own, bias, p->stride[1], vn_low_out(l, PLAIN));
    return has_scale ? VN_OK : vn_node_fail(n, e, VN_E_UNSUPPORTED, "no scale");
}

/* ---- over groups of channels ---- */

static struct normal groups(const struct node *n)
{
    const struct group_attrs *a = n->attrs;
    const struct vn_shape *s = &n->in[0]->shape;
    const int64_t outer = s->d[0] * (a->groups ? a->groups : s->d[1]);
    struct normal p = { .outer = outer, .epsilon = a->epsilon, .centre = 1 };
    p.count = p.outer ? vn_shape_count(s) / p.outer : 0;
    set_strides(n, &p, 1);
    return p;
}

int vn_group_eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    const struct normal p = groups(n);
    (void)e;
    eval_normal(n, ev, &p, NULL, NULL);
    return VN_OK;
}

int vn_group_slack(const struct node *n, int port, const struct vn_tensor *const *in,
                   const struct vn_tensor *y, struct vn_tensor *out, struct vn_arena *a)
{
    const struct normal p = groups(n);
    (void)port, (void)a;
    normal_slack(n, &p, in, y, vn_f64(out));
    return VN_OK;
}

int vn_group_lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    const struct normal p = groups(n);
    return low_normal(n, l, &p, e);
}

/* ---- over the trailing axes ---- */

const struct attr_spec vn_trailing_specs[] = {
    A_INT(struct trailing_attrs, axis, "axis", -1, -VN_MAX_RANK, VN_MAX_RANK),
    A_INT(struct trailing_attrs, stash, "stash_type", 1, 0, 64),
    A_FLOAT(struct trailing_attrs, epsilon, "epsilon", 1e-5),
    A_END,
};

int vn_trailing_infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_same_float(n, e));
    struct vn_shape s = n->in[0]->shape, wide;
    const int axis = vn_shape_axis(&s, ((const struct trailing_attrs *)n->attrs)->axis);
    if (axis < 0)
        return vn_node_fail(n, e, VN_E_INPUT, "axis is out of range for an input of %d dimensions", s.rank);
    for (int i = 1; i < n->n_in; i++)
        if (n->in[i] &&
            (vn_shape_broadcast(&wide, &s, &n->in[i]->shape, NULL) < 0 || !vn_shape_equal(&wide, &s)))
            return NODE_MISFIT(n, e, "%s does not broadcast to the input", n->in[i]->name);
    for (int d = axis; d < s.rank; d++)
        s.d[d] = 1;
    for (int i = 1; i < n->n_out; i++)
        TRY(vn_infer_out(n, i, n->in[0]->dtype, &s, e));
    return VN_OK;
}

static struct normal trailing(const struct node *n, int centre)
{
    const struct trailing_attrs *a = n->attrs;
    const struct vn_shape *s = &n->in[0]->shape;
    struct normal p = { .outer = 1, .count = 1, .epsilon = a->epsilon, .centre = centre };
    const int axis = vn_shape_axis(s, a->axis);
    for (int d = 0; d < s->rank; d++)
        *(d < axis ? &p.outer : &p.count) *= s->d[d];
    set_strides(n, &p, 0);
    return p;
}

int vn_trailing_eval(const struct node *n, const struct eval *ev, int centre)
{
    const struct normal p = trailing(n, centre);
    eval_normal(n, ev, &p, n->n_out > 1 && ev->out[1] ? vn_f64(ev->out[1]) : NULL,
                n->n_out > 2 && ev->out[2] ? vn_f64(ev->out[2]) : NULL);
    return VN_OK;
}

/* ---- integers ---- */

/* Scale and bias are constants that are the same for every row, and the rows are all that is asked for. */
static int is_one_instruction(const struct node *n)
{
    const struct normal p = trailing(n, 0);
    const int axis = vn_shape_axis(&n->in[0]->shape, ((const struct trailing_attrs *)n->attrs)->axis);
    int fits = (n->n_out < 2 || !n->out[1]) && (n->n_out < 3 || !n->out[2]) && p.count >= 1 &&
               p.count <= VN_NORM_MOST && vn_node_has(n, 1);
    for (int i = 0; i < 2; i++)
        for (int d = 0; d <= axis && vn_node_has(n, i + 1); d++)
            fits &= n->in[i + 1]->data != NULL && (d == axis || !p.stride[i][d]);
    return fits;
}

enum q_kind vn_trailing_kind(const struct node *n) { return is_one_instruction(n) ? Q_OWN : Q_FLOAT; }

/* Input i's constant over the output's scale `y`, one number for each place in a row; `absent` where it is
 * left out. */
static float *per_place(struct vn_arena *a, const struct node *n, const struct normal *p, int i, float absent,
                        float y)
{
    const struct vn_shape *s = &n->in[0]->shape;
    float *v = NEW_ARRAY(a, float, p->count);
    int64_t idx[VN_MAX_RANK] = { 0 };
    for (int64_t k = 0; k < p->count; k++, vn_index_next(idx, s)) {
        int64_t at = 0;
        for (int d = 0; d < s->rank; d++)
            at += idx[d] * p->stride[i - 1][d];
        v[k] = (vn_node_has(n, i) ? (float)vn_tensor_f64(n->in[i]->data, at) : absent) / y;
    }
    return v;
}

int vn_trailing_qeval(const struct node *n, const struct eval *ev, int centre)
{
    const struct normal p = trailing(n, centre);
    const struct qparam *x = n->in[0]->q, *y = n->out[0]->q;
    const float *scale = per_place(ev->arena, n, &p, 1, 1, y->scale[0]),
                *bias = per_place(ev->arena, n, &p, 2, 0, y->scale[0]);
    for (int64_t o = 0; o < p.outer; o++) {
        const int64_t *in = vn_i64(ev->in[0]) + o * p.count;
        int64_t *out = vn_i64(ev->out[0]) + o * p.count, sum = 0, squares = 0;
        for (int64_t i = 0; i < p.count; i++) {
            sum += centre ? in[i] - x->zero[0] : 0;
            squares += (in[i] - x->zero[0]) * (in[i] - x->zero[0]);
        }
        const double factor =
            vn_norm_factor(p.count, p.count * squares - sum * sum, x->scale[0], (double)(float)p.epsilon);
        for (int64_t i = 0; i < p.count; i++)
            out[i] = vn_norm(p.count * (in[i] - x->zero[0]) - sum, factor, scale[i], bias[i], y->zero[0],
                             vn_q_min(y), vn_q_max(y));
    }
    return VN_OK;
}

/* A bias of -0 changes no float. */
static int lower_whole(const struct node *n, struct lowering *l, const struct normal *p)
{
    const float y = l->integer ? n->out[0]->q->scale[0] : 1, no_bias = l->integer ? 0.0f : -0.0f;
    const int in[3] = { vn_low_in(l, 0, PLAIN),
                        vn_low_const(l, VN_F32, p->count, per_place(l->arena, n, p, 1, 1, y)),
                        vn_low_const(l, VN_F32, p->count, per_place(l->arena, n, p, 2, no_bias, y)) };
    struct instr_NORMALIZE *i = vn_low_emit(l, OPCODE_NORMALIZE, 3, in, vn_low_out(l, PLAIN));
    i->rows = (int32_t)p->outer;
    i->n = (int32_t)p->count;
    i->centre = p->centre;
    i->epsilon = (float)p->epsilon;
    return VN_OK;
}

int vn_trailing_slack(const struct node *n, int port, const struct vn_tensor *const *in,
                      const struct vn_tensor *y, struct vn_tensor *out, int centre)
{
    const struct normal p = trailing(n, centre);
    if (port == 0)
        normal_slack(n, &p, in, y, vn_f64(out));
    for (int64_t o = 0; port && o < p.outer; o++) {
        const struct row_slack r = row_slack(vn_f64(in[0]) + o * p.count, &p);
        vn_f64(out)[o] = FLT_EPSILON / 2 * (port == 1 ? r.mean : r.inverse * (r.deviation + 2));
    }
    return VN_OK;
}

int vn_trailing_lower(const struct node *n, struct lowering *l, int centre, struct vn_err *e)
{
    struct normal p = trailing(n, centre);
    p.mean = n->n_out > 1 && n->out[1] ? vn_low_out_at(l, 1, PLAIN) : 0;
    p.inverse = n->n_out > 2 && n->out[2] ? vn_low_out_at(l, 2, PLAIN) : 0;
    TRY(is_one_instruction(n) ? lower_whole(n, l, &p) : low_normal(n, l, &p, e));
    for (int i = 1; i < n->n_out; i++)
        if (n->out[i])
            vn_low_finish_at(l, i, i == 1 ? p.mean : p.inverse);
    return VN_OK;
}
