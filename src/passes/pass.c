#include "passes/pass.h"

#include "ops/op.h"

#define PASS(name) extern const struct pass vn_pass_##name;
#include "passes/passes.def"
#undef PASS

const struct pass *const vn_passes[] = {
#define PASS(name) &vn_pass_##name,
#include "passes/passes.def"
#undef PASS
};
const int vn_passes_count = sizeof vn_passes / sizeof *vn_passes;

static int64_t count_params(const struct graph *g)
{
    int64_t n = 0;
    for (int i = 0; i < g->values.n; i++)
        if (g->values.v[i]->data)
            n += vn_shape_count(&g->values.v[i]->shape);
    return n;
}

static int is_for(const struct pass *p, const struct node *n)
{
    for (const struct op_def *const *op = p->ops; *op; op++)
        if (*op == n->op)
            return 1;
    return 0;
}

int vn_pass_run(const struct pass *p, struct graph *g, struct vn_err *e)
{
    if (p->run)
        return p->run(g, e);
    int changes = 0;
    for (int i = 0; i < g->nodes.n; i++) {
        const int before = g->nodes.n,
                  status = is_for(p, g->nodes.v[i]) ? p->rewrite(g, g->nodes.v[i], e) : 0;
        TRY(status);
        changes += status;
        if (g->nodes.n < before) { /* the nodes behind have moved up */
            i -= before - g->nodes.n;
            i = i < -1 ? -1 : i;
        }
    }
    return changes;
}

static int run_pass(const struct pass *p, struct graph *g, struct vn_err *e)
{
    vn_graph_index(g);
    const int changes = vn_pass_run(p, g, e);
    if (changes < 0) /* a shape that does not fit is the user's matter, whichever pass meets it */
        return e->code == VN_E_INPUT || e->code == VN_E_UNSUPPORTED ? changes
                                                                    : vn_fail_at(e, "pass %s", p->name);
    vn_graph_index(g);
    TRY(vn_graph_check(g, e));
    return changes;
}

int vn_passes_prepare(struct graph *g, struct vn_err *e)
{
    for (int i = 0; i < vn_passes_count; i++)
        if (vn_passes[i]->shapes_only)
            TRY(run_pass(vn_passes[i], g, e));
    return VN_OK;
}

int vn_passes_optimize(struct graph *g, struct pass_report *report, struct vn_err *e)
{
    for (int again = 1, round = 0; again && round < 16; round++) {
        again = 0;
        for (int i = 0; i < vn_passes_count; i++) {
            const int nodes = g->nodes.n;
            const int64_t params = report ? count_params(g) : 0;
            const int waits = vn_passes[i]->last && again;
            const int changes = waits ? 0 : run_pass(vn_passes[i], g, e);
            TRY(changes);
            again |= changes > 0;
            if (!report)
                continue;
            if (!round)
                report[i] = (struct pass_report){ vn_passes[i]->name, 0, nodes, nodes, params, params };
            report[i].changes += changes;
            report[i].nodes_after = g->nodes.n;
            report[i].params_after = count_params(g);
        }
    }
    return VN_OK;
}

int vn_pass_bypass(struct graph *g, struct node *n)
{
    struct value *x = n->in[0], *y = n->out[0];
    if (!vn_graph_is_output(y)) {
        vn_graph_note_folded(g, y->name, x->producer ? x->producer->name : NULL);
        vn_graph_replace(g, y, x, 0);
        vn_graph_remove(g, n);
        return 1;
    }
    if (!x->producer || vn_graph_is_output(x)) /* both names are needed */
        return 0;
    struct node *maker = x->producer;
    vn_graph_note_folded(g, x->name, maker->name);
    vn_graph_set_output(maker, x->port, y);
    vn_graph_remove(g, n);
    vn_graph_replace(g, x, y, 0);
    return 1;
}

void vn_pass_absorb(struct graph *g, struct node *into, struct node *from)
{
    vn_graph_note_folded(g, into->out[0]->name, into->name);
    struct value *y = from->out[0];
    vn_graph_remove(g, from);
    vn_graph_set_output(into, 0, y);
}

void vn_pass_set_const(struct graph *g, struct node *n, int i, const char *name, const struct vn_shape *s,
                       float **data)
{
    struct vn_tensor *t = vn_tensor_new(g->arena, VN_F32, s);
    *data = t->data;
    if (i < n->n_in && n->in[i] && n->in[i]->data && vn_graph_uses(n->in[i]) == 1) {
        n->in[i]->data = t;
        n->in[i]->dtype = VN_F32;
        n->in[i]->shape = *s;
        return;
    }
    vn_graph_set_input(g, n, i, vn_graph_const(g, name, t));
}

void vn_pass_rename_scaled(struct graph *g, struct value *v)
{
    struct value *to = vn_graph_value(g, vn_arena_fmt(g->arena, "%s_scaled", v->name), v->dtype, &v->shape);
    vn_graph_note_folded(g, v->name, v->producer->name);
    vn_graph_set_output(v->producer, v->port, to);
    vn_graph_replace(g, v, to, 0);
}
