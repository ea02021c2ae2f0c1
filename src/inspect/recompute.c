#include "inspect/recompute.h"

#include <math.h>

#include "inspect/rounding.h"
#include "interp/interp.h"
#include "ops/op.h"

#define MAX_DEPTH 16 /* nodes in a row that one instruction computes */

struct operand {
    const struct value *as; /* the value with the parameters of what was read */
    const struct vn_tensor *cells, *slack;
};

struct result { /* of a node inside the group */
    const struct node *node;
    const struct vn_tensor **cells, **slack; /* by output */
};

struct group {
    const struct recompute *r;
    const struct part *target;
    struct vn_arena *arena;
    int depth;
    VEC(struct result) made;
};

static int is_integer(const struct node *n) { return vn_node_is_integer(n) && vn_node_kind(n) != Q_FLOAT; }

/* ---- what was read ---- */

static const struct value *with_params(struct vn_arena *a, const struct value *v, const struct qparam *q)
{
    struct value *x = vn_arena_copy(a, v, sizeof *v);
    x->q = q;
    return x;
}

static const struct qparam *params_of(struct vn_arena *a, const struct vn_view *t)
{
    return t->n_scale && !vn_dtype_is_float(t->dtype) ? vn_qparam_new(a, t->dtype, -1, 1, t->scale, t->zero)
                                                      : NULL;
}

static int is_same(const struct qparam *a, const struct qparam *b)
{
    return a == b || (a && b && a->dtype == b->dtype && vn_qparam_equal(a, b));
}

/* Does the int16 tensor hold the int8 value without its zero point? */
static int is_widened(const struct qparam *q, const struct qparam *v)
{
    return v && q && v->n == 1 && v->dtype == VN_I8 && q->dtype == VN_I16 && q->scale[0] == v->scale[0] &&
           q->zero[0] == 0;
}

static const struct vn_tensor *shifted(struct vn_arena *a, const struct vn_tensor *x, int32_t by)
{
    struct vn_tensor *y = vn_tensor_cast(a, x, VN_I64);
    const int64_t count = vn_shape_count(&y->shape);
    for (int64_t i = 0; i < count; i++)
        vn_i64(y)[i] += by;
    return y;
}

/* The integers behind dequantized numbers; NULL where they are none. */
static const struct vn_tensor *requantized(struct vn_arena *a, const struct vn_tensor *x,
                                           const struct qparam *q)
{
    const struct vn_tensor *cells = vn_q_cells(a, x, q), *back = vn_dq_cells(a, cells, q);
    return memcmp(back->data, x->data, vn_tensor_bytes(x)) ? NULL : cells;
}

static struct operand of_reals(struct vn_arena *a, const struct value *v, const struct vn_tensor *x)
{
    const struct vn_tensor *reals = vn_tensor_cast(a, x, vn_cell_type(v->dtype)), *cells = NULL;
    if (!v->q)
        return (struct operand){ .as = v, .cells = reals };
    cells = requantized(a, reals, v->q);
    return cells ? (struct operand){ .as = v, .cells = cells }
                 : (struct operand){ .as = with_params(a, v, NULL), .cells = reals };
}

/* Value v as a tensor of the program carries it. */
static struct operand as_read(struct vn_arena *a, const struct value *v, const struct vn_view *t,
                              const struct vn_tensor *x)
{
    const struct qparam *q = params_of(a, t);
    if (!q)
        return of_reals(a, v, x);
    if (is_widened(q, v->q))
        return (struct operand){ .as = v, .cells = shifted(a, x, v->q->zero[0]) };
    return (struct operand){ .as = is_same(q, v->q) ? v : with_params(a, v, q),
                             .cells = vn_tensor_cast(a, x, VN_I64) };
}

static const struct vn_tensor *constant_cells(struct vn_arena *a, const struct value *v)
{
    if (v->q && vn_dtype_is_float(v->data->dtype))
        return vn_q_cells(a, vn_tensor_cast(a, v->data, VN_F64), v->q);
    return vn_tensor_cast(a, v->data, v->q ? VN_I64 : vn_cell_type(v->dtype));
}

/* ---- nodes ---- */

static int evaluate(struct result *out, struct group *g, const struct node *n, int as_target,
                    struct vn_err *e);

static const struct result *result_of(struct group *g, const struct node *n, struct vn_err *e)
{
    for (int i = 0; i < g->made.n; i++)
        if (g->made.v[i].node == n)
            return &g->made.v[i];
    struct result r;
    if (g->depth == MAX_DEPTH) {
        vn_node_fail(n, e, VN_E_UNSUPPORTED, "not computed from tensors of the program");
        return NULL;
    }
    g->depth++;
    const int status = evaluate(&r, g, n, 0, e);
    g->depth--;
    if (status < 0)
        return NULL;
    VEC_PUSH(g->arena, &g->made, r);
    return &g->made.v[g->made.n - 1];
}

static int leaf_of(const struct group *g, const struct value *v)
{
    const struct program *p = g->r->program;
    for (int k = 0; k < g->target->n_leaves; k++)
        if (p->parts[g->target->leaves[k]].value == v)
            return g->target->leaves[k];
    return -1;
}

static int find(struct operand *out, struct group *g, const struct value *v, struct vn_err *e)
{
    const int leaf = v->data ? -1 : leaf_of(g, v);
    *out = (struct operand){ .as = v };
    if (leaf >= 0 && g->r->read[leaf]) {
        *out = as_read(g->arena, v, &g->r->program->parts[leaf].view, g->r->read[leaf]);
        return VN_OK;
    }
    if (v->data) {
        out->cells = constant_cells(g->arena, v);
        return VN_OK;
    }
    if (!vn_shape_count(&v->shape)) { /* nothing to read */
        out->cells = vn_tensor_new(g->arena, v->q ? VN_I64 : vn_cell_type(v->dtype), &v->shape);
        return VN_OK;
    }
    if (!v->producer)
        return vn_fail(e, VN_E_UNSUPPORTED, "%s is not read by the program", v->name);
    const struct result *r = result_of(g, v->producer, e);
    if (!r)
        return VN_E_UNSUPPORTED;
    out->cells = r->cells[v->port];
    out->slack = r->slack[v->port];
    return VN_OK;
}

static int equal_cells(const struct vn_tensor *a, const struct vn_tensor *b)
{
    return b && a->dtype == b->dtype && vn_tensor_bytes(a) == vn_tensor_bytes(b) &&
           !memcmp(a->data, b->data, vn_tensor_bytes(a));
}

/* Did the reference executor compute n from the same inputs? */
static int is_known(const struct group *g, const struct node *n, const struct operand *in)
{
    if (!g->r->reference)
        return 0;
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i] && !n->in[i]->data &&
            (in[i].as != n->in[i] || in[i].slack || !equal_cells(in[i].cells, g->r->reference[n->in[i]->id])))
            return 0;
    for (int i = 0; i < n->n_out; i++)
        if (n->out[i] && !g->r->reference[n->out[i]->id])
            return 0;
    return 1;
}

/* n with the parameters of what was read, and output `port` as the target tensor has it. */
static struct node adapted(struct group *g, const struct node *n, const struct operand *in, int as_target)
{
    struct node m = *n;
    m.in = vn_arena_copy(g->arena, n->in, (size_t)n->n_in * sizeof *n->in);
    m.out = vn_arena_copy(g->arena, n->out, (size_t)n->n_out * sizeof *n->out);
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i])
            m.in[i] = (struct value *)(uintptr_t)in[i].as;
    if (as_target) {
        const struct value *v = g->target->value;
        const struct qparam *q = params_of(g->arena, &g->target->view);
        if (!is_same(q, v->q))
            m.out[v->port] = (struct value *)(uintptr_t)with_params(g->arena, v, q);
    }
    return m;
}

static int slack_of(struct result *out, struct group *g, const struct node *n, const struct operand *in,
                    struct vn_err *e)
{
    const struct vn_tensor **real = NEW_ARRAY(g->arena, const struct vn_tensor *, n->n_in),
                           **slack = NEW_ARRAY(g->arena, const struct vn_tensor *, n->n_in);
    for (int i = 0; i < n->n_in; i++) {
        if (!n->in[i])
            continue;
        real[i] = n->in[i]->q ? vn_dq_cells(g->arena, in[i].cells, n->in[i]->q) : in[i].cells;
        slack[i] = in[i].slack;
    }
    for (int i = 0; i < n->n_out; i++)
        if (n->out[i] && !n->out[i]->q)
            TRY(vn_rounding_slack(&out->slack[i], g->arena, n, i, real, slack, out->cells[i], e));
    return VN_OK;
}

static int evaluate(struct result *out, struct group *g, const struct node *n, int as_target,
                    struct vn_err *e)
{
    struct operand *in = NEW_ARRAY(g->arena, struct operand, n->n_in);
    struct vn_tensor **y = NEW_ARRAY(g->arena, struct vn_tensor *, n->n_out);
    const struct vn_tensor **cells = NEW_ARRAY(g->arena, const struct vn_tensor *, n->n_in);
    for (int i = 0; i < n->n_in; i++) {
        if (!n->in[i])
            continue;
        TRY(find(&in[i], g, n->in[i], e));
        cells[i] = in[i].cells;
    }
    const struct node m = adapted(g, n, in, as_target);
    *out = (struct result){ .node = n,
                            .cells = NEW_ARRAY(g->arena, const struct vn_tensor *, n->n_out),
                            .slack = NEW_ARRAY(g->arena, const struct vn_tensor *, n->n_out) };
    const int known = is_known(g, n, in) && (!as_target || m.out[g->target->value->port] == g->target->value);
    if (!known)
        TRY(vn_interp_fed(g->arena, &m, cells, y, e));
    for (int i = 0; i < n->n_out; i++)
        if (n->out[i])
            out->cells[i] = known ? g->r->reference[n->out[i]->id] : y[i];
    return is_integer(&m) ? VN_OK : slack_of(out, g, &m, in, e);
}

/* ---- targets ---- */

/* A constant of the graph in the parameters of a tensor that holds it; q NULL: as real numbers. */
static const struct vn_tensor *constant_as(struct vn_arena *a, const struct value *v, const struct qparam *q)
{
    const struct vn_tensor *cells = constant_cells(a, v);
    if (!q)
        return v->q ? vn_dq_cells(a, cells, v->q) : cells;
    return is_widened(q, v->q) ? shifted(a, cells, -v->q->zero[0]) : cells;
}

static const struct vn_tensor *rescaled(struct vn_arena *a, const struct vn_tensor *x,
                                        const struct qparam *from, const struct qparam *to)
{
    struct vn_tensor *y = vn_tensor_cast(a, x, VN_I64);
    const int64_t count = vn_shape_count(&y->shape);
    for (int64_t i = 0; i < count && !is_same(from, to); i++)
        vn_i64(y)[i] = vn_q_rescale(vn_i64(y)[i], from, to);
    return y;
}

/* The same value in other parameters or another type. */
static int convert(struct expected *out, const struct recompute *r, const struct part *t, struct vn_err *e)
{
    struct vn_arena *a = r->arena;
    const struct part *from = &r->program->parts[t->leaves[0]];
    const struct qparam *q = params_of(a, &t->view), *source = params_of(a, &from->view);
    const struct vn_tensor *x = r->read[t->leaves[0]];
    if (!x && t->value->data)
        x = constant_as(a, t->value, source);
    if (!x)
        return vn_fail(e, VN_E_UNSUPPORTED, "%s is not read by the program", from->view.name);
    const int whole = source || !vn_dtype_is_float(x->dtype);
    const struct vn_tensor *cells = vn_tensor_cast(a, x, whole ? VN_I64 : VN_F64);
    out->cells = source && q ? rescaled(a, cells, source, q)
                 : source    ? vn_dq_cells(a, cells, source)
                 : q         ? vn_q_cells(a, cells, q)
                             : cells;
    if (!q && t->view.dtype != VN_F32 && t->view.dtype != VN_I64) /* a narrower type of the network */
        out->cells = vn_tensor_cast(a, vn_tensor_cast(a, cells, t->view.dtype), vn_cell_type(t->view.dtype));
    return VN_OK;
}

int vn_recompute(struct expected *out, const struct recompute *r, int t, struct vn_err *e)
{
    const struct part *target = &r->program->parts[t];
    *out = (struct expected){ 0 };
    if (target->origin == ORIGIN_CONVERTED)
        return convert(out, r, target, e);
    struct group g = { .r = r, .target = target, .arena = r->arena };
    struct result y;
    TRY(evaluate(&y, &g, target->value->producer, 1, e));
    out->cells = y.cells[target->value->port];
    out->slack = y.slack[target->value->port];
    return VN_OK;
}
