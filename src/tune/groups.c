/* Sets of tensors that have one type: a move and what it moves, and all that share their parameters. */
#include "ops/op.h"
#include "tune/tuner.h"

struct grouping {
    struct tuner *t;
    const struct graph *g; /* the probe's */
    const struct graph *wide; /* everything in int16 that can be */
    int *parent; /* by value id */
    int *group; /* by value id, of roots: index in t->groups; -1: none yet */
};

static int data_inputs(const struct node *n)
{
    const int k = n->op->quant.data_inputs;
    return k && k < n->n_in ? k : n->n_in;
}

static int root_of(const struct grouping *s, int id)
{
    while (s->parent[id] != id)
        id = s->parent[id] = s->parent[s->parent[id]];
    return id;
}

static int inherits(const struct grouping *s, const struct node *n)
{
    const struct qparam *const *q = s->t->p.q;
    return !n->why_float && n->op->quant.out == Q_OUT_SAME && !n->op->is_clamp && n->in[0] &&
           q[n->in[0]->id] && q[n->out[0]->id] && vn_qparam_equal(q[n->in[0]->id], q[n->out[0]->id]);
}

static int is_int8_activation(const struct grouping *s, const struct value *v)
{
    return !v->data && s->t->p.q[v->id] && s->t->p.q[v->id]->dtype == VN_I8;
}

/* ---- what may be done ---- */

/* As int16 was asked for everywhere; NULL: it is none. */
static const struct qparam *wide_of(const struct grouping *s, const struct value *v)
{
    const struct value *w = vn_graph_find(s->wide, v->name);
    return w && w->q && w->q->dtype == VN_I16 ? w->q : NULL;
}

static int weight_slot(const struct node *n)
{
    const int w = n->op->quant.weight;
    return w && vn_node_kind(n) == Q_LINEAR && w < n->n_in && n->in[w] && n->in[w]->data ? w : 0;
}

static int multiplies_weights(const struct tune_group *g)
{
    for (int i = 0; i < g->readers.n; i++)
        if (g->readers.v[i].slot == 0 && weight_slot(g->readers.v[i].node))
            return 1;
    return 0;
}

/* A name that a configuration may use; nodes that quantization adds have none. */
static int is_known(const struct tuner *t, const char *node)
{
    const struct graph *g = t->c->optimized;
    for (int i = 0; i < g->nodes.n; i++)
        if (!strcmp(g->nodes.v[i]->name, node))
            return 1;
    return 0;
}

static void set_place(const struct tuner *t, struct tune_group *g, const struct node *maker)
{
    if (maker && !maker->why_float && is_known(t, maker->name)) {
        g->node = maker->name;
        g->slot = -1;
    }
    for (int i = 0; i < g->readers.n && !g->node; i++)
        if (g->readers.v[i].slot < CONFIG_NODE_INPUTS && is_known(t, g->readers.v[i].node->name)) {
            g->node = g->readers.v[i].node->name;
            g->slot = g->readers.v[i].slot;
        }
}

/* The clamp behind it that has the parameters of both; NULL: none. In integers it would round once more. */
static const struct node *clamp_behind(const struct tuner *t, const struct node *n)
{
    const struct node *next = vn_graph_sole_user(n->out[0]);
    return next && next->op->is_clamp && !next->why_float && !t->p.q[n->out[0]->id] ? next : NULL;
}

static int can_be_float(const struct tuner *t, const struct tune_group *g)
{
    for (int i = 0; i < g->readers.n; i++) {
        const struct node *n = g->readers.v[i].node, *clamp = clamp_behind(t, n);
        if (!is_known(t, n->name) || n->op->pixel_axis || (clamp && !is_known(t, clamp->name)))
            return 0;
    }
    return g->readers.n > 0;
}

static void set_allowed(const struct grouping *s, struct tune_group *g)
{
    const struct value *first = s->g->values.v[g->values.v[0]];
    const struct node *maker = first->producer;
    set_place(s->t, g, maker);
    g->tensor = first->name;
    g->stays_quantized = maker && !maker->why_float && !maker->op->quant.float_out_ok;
    g->allowed = 1 << VN_TUNE_INT8;
    if (g->node && s->t->wide[first->id]) {
        g->allowed |= 1 << VN_TUNE_INT16;
        if (multiplies_weights(g))
            g->allowed |= 1 << VN_TUNE_INT16_WEIGHTS;
    }
    if (can_be_float(s->t, g))
        g->allowed |= 1 << VN_TUNE_FLOAT;
}

/* ---- finding ---- */

static void add_readers(const struct grouping *s, struct tune_group *g, const struct value *v)
{
    for (int i = 0; i < v->users.n; i++) {
        const struct group_reader r = { v->users.v[i].node, v->users.v[i].slot };
        if (!r.node->why_float && r.slot < data_inputs(r.node))
            VEC_PUSH(s->t->arena, &g->readers, r);
    }
}

static void add_value(const struct grouping *s, const struct value *v)
{
    struct tuner *t = s->t;
    const int root = root_of(s, v->id);
    if (s->group[root] < 0) {
        const struct tune_group fresh = { 0 };
        s->group[root] = t->groups.n;
        VEC_PUSH(t->arena, &t->groups, fresh);
    }
    struct tune_group *g = &t->groups.v[s->group[root]];
    VEC_PUSH(t->arena, &g->values, v->id);
    add_readers(s, g, v);
}

static void find(const struct grouping *s)
{
    const struct graph *g = s->g;
    for (int i = 0; i < g->values.n; i++)
        s->parent[i] = i, s->group[i] = -1;
    for (int i = 0; i < g->nodes.n; i++)
        if (inherits(s, g->nodes.v[i]))
            s->parent[root_of(s, g->nodes.v[i]->out[0]->id)] = root_of(s, g->nodes.v[i]->in[0]->id);
    for (int i = 0; i < g->inputs.n; i++)
        if (is_int8_activation(s, g->inputs.v[i]))
            add_value(s, g->inputs.v[i]);
    for (int i = 0; i < g->nodes.n; i++)
        for (int k = 0; k < g->nodes.v[i]->n_out; k++)
            if (g->nodes.v[i]->out[k] && is_int8_activation(s, g->nodes.v[i]->out[k]))
                add_value(s, g->nodes.v[i]->out[k]);
}

static int quantize_wide(struct graph **wide, struct tuner *t, struct vn_err *e)
{
    struct vn_conversion *c = t->c;
    struct graph *quantized;
    const struct type_rule all = { .level = LEVEL_ALL, .out = 16, .in = { 16, 16, 16, 16 } };
    const int n = c->config->types.n;
    VEC_PUSH(c->arena, &c->config->types, all);
    const int status = vn_convert_quantize(c, t->arena, &c->method, t->ranges, wide, &quantized, e);
    c->config->types.n = n;
    return status;
}

int vn_tune_find_groups(struct tuner *t, struct vn_err *e)
{
    struct graph *wide;
    TRY(quantize_wide(&wide, t, e));
    const int n = t->p.graph->values.n;
    const struct grouping s = { t, t->p.graph, wide, NEW_ARRAY(t->arena, int, n),
                                NEW_ARRAY(t->arena, int, n) };
    t->wide = NEW_ARRAY(t->arena, const struct qparam *, n);
    for (int i = 0; i < n; i++)
        t->wide[i] = wide_of(&s, t->p.graph->values.v[i]);
    find(&s);
    for (int i = 0; i < t->groups.n; i++)
        set_allowed(&s, &t->groups.v[i]);
    return VN_OK;
}

/* ---- rules ---- */

static struct type_rule *rule_of(struct type_rules *out, struct vn_arena *a, const char *node)
{
    for (int i = 0; i < out->rules.n; i++)
        if (!strcmp(out->rules.v[i].name, node))
            return &out->rules.v[i];
    const struct type_rule fresh = { .level = LEVEL_NODE, .name = node };
    VEC_PUSH(a, &out->rules, fresh);
    return &out->rules.v[out->rules.n - 1];
}

static int is_float(const struct type_rules *r, const char *node)
{
    for (int i = 0; i < r->rules.n; i++)
        if (!strcmp(r->rules.v[i].name, node))
            return r->rules.v[i].on == UNIT_FLOAT;
    return 0;
}

static void set_type(struct type_rules *out, struct vn_arena *a, const char *node, int slot)
{
    struct type_rule *r = rule_of(out, a, node);
    *(slot < 0 ? &r->out : &r->in[slot]) = 16;
}

/* By the node that sets its type; where the plan has that in float32, by one that reads it in integers. */
static void set_tensor(struct type_rules *out, struct vn_arena *a, const struct tuner *t,
                       const struct tune_group *g)
{
    if (!is_float(out, g->node)) {
        set_type(out, a, g->node, g->slot);
        return;
    }
    for (int i = 0; i < g->readers.n; i++) {
        const struct group_reader *r = &g->readers.v[i];
        if (r->slot < CONFIG_NODE_INPUTS && is_known(t, r->node->name) && !is_float(out, r->node->name)) {
            set_type(out, a, r->node->name, r->slot);
            return;
        }
    }
}

static void set_wide(struct type_rules *out, struct vn_arena *a, const struct tuner *t,
                     const struct tune_group *g, int weights)
{
    set_tensor(out, a, t, g);
    for (int i = 0; weights && i < g->readers.n; i++) {
        const int w = g->readers.v[i].slot ? 0 : weight_slot(g->readers.v[i].node);
        if (w)
            rule_of(out, a, g->readers.v[i].node->name)->in[w] = 16;
    }
}

static void set_float(struct type_rules *out, struct vn_arena *a, const struct tuner *t,
                      const struct tune_group *g)
{
    for (int i = 0; i < g->readers.n; i++) {
        const struct node *n = g->readers.v[i].node, *clamp = clamp_behind(t, n);
        rule_of(out, a, n->name)->on = UNIT_FLOAT;
        if (clamp)
            rule_of(out, a, clamp->name)->on = UNIT_FLOAT;
    }
}

/* Types of a node in float32 mean nothing. */
static void drop_types(struct type_rules *out)
{
    for (int i = 0; i < out->rules.n; i++)
        if (out->rules.v[i].on == UNIT_FLOAT) {
            out->rules.v[i].out = 0;
            memset(out->rules.v[i].in, 0, sizeof out->rules.v[i].in);
        }
}

void vn_tune_rules(struct type_rules *out, struct vn_arena *a, const struct tuner *t,
                   const unsigned char *type)
{
    *out = (struct type_rules){ 0 };
    for (int i = 0; i < t->groups.n; i++)
        if (type[i] == VN_TUNE_FLOAT)
            set_float(out, a, t, &t->groups.v[i]);
    for (int i = 0; i < t->groups.n; i++)
        if (type[i] == VN_TUNE_INT16 || type[i] == VN_TUNE_INT16_WEIGHTS)
            set_wide(out, a, t, &t->groups.v[i], type[i] == VN_TUNE_INT16_WEIGHTS);
    drop_types(out);
}
