/* interp/interp.c - walks a graph and calls each operator's eval. */
#include "interp/interp.h"

#include "base/flag.h"
#include "interp/integer.h"
#include "ops/op.h"

/* A value's cells in an arena of its own, which goes when its last reader has run. */
struct cell {
    struct vn_arena *arena;
    struct vn_tensor *t; /* VN_I64 of q when the value is quantized */
    int readers;
};

struct interp_run {
    const struct graph *g;
    struct cell *cells; /* by value id */
    int n;
    struct vn_arena *scratch; /* of the node being evaluated */
    struct interp_watch watch;
};

static void release(void *p)
{
    struct interp_run *r = p;
    for (int i = 0; i < r->n; i++)
        vn_arena_free(&r->cells[i].arena);
    vn_arena_free(&r->scratch);
}

static void drop_reader(struct cell *c)
{
    if (--c->readers > 0)
        return;
    vn_arena_free(&c->arena);
    c->t = NULL;
}

/* Any tensor as cells of value v: q where it is quantized. */
static struct vn_tensor *as_cells(struct vn_arena *a, const struct value *v, const struct vn_tensor *t)
{
    if (!v->q)
        return vn_tensor_cast(a, t, vn_cell_type(v->dtype));
    if (!vn_dtype_is_float(t->dtype))
        return vn_tensor_cast(a, t, VN_I64);
    return vn_q_cells(a, vn_tensor_cast(a, t, VN_F64), v->q);
}

/* ---- one node ---- */

static int is_integer(const struct node *n) { return vn_node_is_integer(n) && vn_node_kind(n) != Q_FLOAT; }

/* in[] as a float node reads them. */
static int eval_float(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    const struct vn_tensor **in = NEW_ARRAY(ev->arena, const struct vn_tensor *, n->n_in);
    struct vn_tensor **out = NEW_ARRAY(ev->arena, struct vn_tensor *, n->n_out);
    for (int i = 0; i < n->n_in; i++)
        in[i] = n->in[i] && n->in[i]->q ? vn_dq_cells(ev->arena, ev->in[i], n->in[i]->q) : ev->in[i];
    for (int i = 0; i < n->n_out; i++)
        out[i] = n->out[i] && n->out[i]->q ? vn_tensor_new(ev->arena, VN_F64, &n->out[i]->shape) : ev->out[i];
    struct eval real = { ev->arena, in, out };
    TRY(n->op->eval(n, &real, e));
    for (int i = 0; i < n->n_out; i++)
        if (n->out[i] && n->out[i]->q)
            memcpy(ev->out[i]->data, vn_q_cells(ev->arena, out[i], n->out[i]->q)->data,
                   vn_tensor_bytes(ev->out[i]));
    return VN_OK;
}

static int eval_node(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    return is_integer(n) ? vn_integer_eval(n, ev, e) : eval_float(n, ev, e);
}

static struct vn_tensor *new_output(struct vn_arena *a, const struct value *v)
{
    return vn_tensor_new(a, v->q ? VN_I64 : vn_cell_type(v->dtype), &v->shape);
}

/* ---- a graph ---- */

static void count_readers(struct interp_run *r)
{
    for (int i = 0; i < r->g->nodes.n; i++)
        for (int k = 0; k < r->g->nodes.v[i]->n_in; k++)
            if (r->g->nodes.v[i]->in[k])
                r->cells[r->g->nodes.v[i]->in[k]->id].readers++;
    for (int i = 0; i < r->g->outputs.n; i++)
        r->cells[r->g->outputs.v[i]->id].readers++;
}

static int fill_input(struct interp_run *r, const struct value *v, const struct vn_tensor *t,
                      struct vn_err *e)
{
    if (!t || !vn_shape_equal(&t->shape, &v->shape)) {
        char want[VN_SHAPE_TEXT], have[VN_SHAPE_TEXT];
        return vn_fail(e, VN_E_USAGE, "input %s: expected %s, got %s", v->name,
                       vn_shape_text(&v->shape, want), t ? vn_shape_text(&t->shape, have) : "nothing");
    }
    struct cell *c = &r->cells[v->id];
    c->arena = vn_arena_new();
    c->t = as_cells(c->arena, v, t);
    if (r->watch.after)
        r->watch.after(r->watch.user, v, c->t);
    return VN_OK;
}

/* The cells of value v; a constant is converted when its first reader comes. */
static const struct vn_tensor *cells_of(struct interp_run *r, const struct value *v)
{
    struct cell *c = &r->cells[v->id];
    if (!c->t && v->data) {
        c->arena = vn_arena_new();
        c->t = as_cells(c->arena, v, v->data);
    }
    return c->t;
}

static int run_node(struct interp_run *r, const struct node *n, struct vn_err *e)
{
    vn_arena_free(&r->scratch);
    r->scratch = vn_arena_new();
    const struct vn_tensor **in = NEW_ARRAY(r->scratch, const struct vn_tensor *, n->n_in);
    struct vn_tensor **out = NEW_ARRAY(r->scratch, struct vn_tensor *, n->n_out);
    for (int i = 0; i < n->n_in; i++) {
        in[i] = n->in[i] ? cells_of(r, n->in[i]) : NULL;
        if (n->in[i] && !in[i])
            return vn_node_fail(n, e, VN_E_INTERNAL, "%s is used before it is computed", n->in[i]->name);
    }
    for (int i = 0; i < n->n_out; i++) {
        if (!n->out[i])
            continue;
        struct cell *c = &r->cells[n->out[i]->id];
        c->arena = vn_arena_new();
        out[i] = c->t = new_output(c->arena, n->out[i]);
    }
    if (r->watch.before)
        r->watch.before(r->watch.user, n, in);
    struct eval ev = { r->scratch, in, out };
    TRY(eval_node(n, &ev, e));
    for (int i = 0; i < n->n_out; i++) {
        if (n->out[i] && r->watch.after)
            r->watch.after(r->watch.user, n->out[i], out[i]);
        if (n->out[i] && !r->cells[n->out[i]->id].readers)
            drop_reader(&r->cells[n->out[i]->id]);
    }
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i])
            drop_reader(&r->cells[n->in[i]->id]);
    return VN_OK;
}

static int run_nodes(struct interp_run *r, struct vn_err *e)
{
    for (int i = 0; i < r->g->nodes.n; i++) {
        if (vn_flag_is_set(r->watch.cancel))
            return vn_fail(e, VN_E_CANCELLED, "cancelled before node %d of %d", i, r->g->nodes.n);
        TRY(run_node(r, r->g->nodes.v[i], e));
    }
    return VN_OK;
}

/* A quantized input leaves as real numbers, as it came; NULL: v is none. */
static const struct vn_tensor *given_to(const struct graph *g, const struct value *v,
                                        const struct vn_tensor *const *inputs)
{
    for (int i = 0; v->q && i < g->inputs.n; i++)
        if (g->inputs.v[i] == v)
            return inputs[i];
    return NULL;
}

static int run_graph(struct interp_run *r, struct vn_arena *a, const struct vn_tensor *const *inputs,
                     struct vn_tensor **outputs, struct vn_err *e)
{
    const struct graph *g = r->g;
    count_readers(r);
    for (int i = 0; i < g->inputs.n; i++)
        TRY(fill_input(r, g->inputs.v[i], inputs[i], e));
    TRY(run_nodes(r, e));
    for (int i = 0; i < g->outputs.n; i++) {
        const struct value *v = g->outputs.v[i];
        const struct vn_tensor *t = cells_of(r, v), *given = given_to(g, v, inputs);
        if (given) {
            outputs[i] = vn_tensor_cast(a, given, VN_F32);
            continue;
        }
        if (!t)
            return vn_fail(e, VN_E_INTERNAL, "no node computes output %s", v->name);
        outputs[i] = vn_tensor_cast(a, t, v->q ? v->q->dtype : v->dtype);
    }
    return VN_OK;
}

int vn_interp_run(struct vn_arena *a, const struct graph *g, const struct vn_tensor *const *inputs,
                  struct vn_tensor **outputs, const struct interp_watch *w, struct vn_err *e)
{
    struct interp_run *r = NEW(a, struct interp_run);
    r->watch = w ? *w : (struct interp_watch){ 0 };
    r->g = g;
    r->n = g->values.n;
    r->cells = NEW_ARRAY(a, struct cell, r->n);
    vn_arena_defer(a, release, r); /* where memory runs out on the way */
    int status = run_graph(r, a, inputs, outputs, e);
    release(r);
    return status;
}

int vn_interp_fed(struct vn_arena *a, const struct node *n, const struct vn_tensor *const *in,
                  struct vn_tensor **out, struct vn_err *e)
{
    const struct vn_tensor **cells = NEW_ARRAY(a, const struct vn_tensor *, n->n_in);
    for (int i = 0; i < n->n_in; i++)
        cells[i] = n->in[i] && in[i] ? as_cells(a, n->in[i], in[i]) : NULL;
    for (int i = 0; i < n->n_out; i++)
        out[i] = n->out[i] ? new_output(a, n->out[i]) : NULL;
    const struct eval ev = { a, cells, out };
    return eval_node(n, &ev, e);
}

static int eval_constants(struct vn_arena *work, struct vn_arena *a, struct node *n, struct vn_tensor **out,
                          struct vn_err *e)
{
    const struct vn_tensor **in = NEW_ARRAY(work, const struct vn_tensor *, n->n_in);
    struct vn_tensor **cells = NEW_ARRAY(work, struct vn_tensor *, n->n_out);
    for (int i = 0; i < n->n_in; i++) {
        const struct value *v = n->in[i];
        if (v && !v->data && !n->op->reads_shape)
            return vn_node_fail(n, e, VN_E_INTERNAL, "%s must be a constant", v->name);
        in[i] = v && v->data ? as_cells(work, v, v->data) : NULL;
    }
    for (int i = 0; i < n->n_out; i++)
        cells[i] = n->out[i] ? new_output(work, n->out[i]) : NULL;
    struct eval ev = { work, in, cells };
    TRY(eval_node(n, &ev, e));
    for (int i = 0; i < n->n_out; i++)
        out[i] = cells[i] ? vn_tensor_cast(a, cells[i], n->out[i]->q ? n->out[i]->q->dtype : n->out[i]->dtype)
                          : NULL;
    return VN_OK;
}

int vn_interp_node(struct vn_arena *a, struct node *n, struct vn_tensor **out, struct vn_err *e)
{
    struct vn_arena *work = vn_arena_new();
    const int status = eval_constants(work, a, n, out, e);
    vn_arena_free(&work);
    return status;
}
