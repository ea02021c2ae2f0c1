/* subgraph_config: rules for the nodes between others. */
#include "convert/stages.h"

#include "ops/op.h"

struct area {
    const struct graph *g;
    char *reached, *reaches; /* by node id: behind the beginning, in front of the end */
};

static struct node *find_node(const struct graph *g, const char *name)
{
    for (int i = 0; i < g->nodes.n; i++)
        if (!strcmp(g->nodes.v[i]->name, name))
            return g->nodes.v[i];
    return NULL;
}

static int unknown(const struct vn_conversion *c, const struct area *a, const struct subgraph *s,
                   const char *name, struct vn_err *e)
{
    const char **names = NEW_ARRAY(c->arena, const char *, a->g->nodes.n);
    for (int i = 0; i < a->g->nodes.n; i++)
        names[i] = a->g->nodes.v[i]->name;
    const char *near = vn_nearest(name, names, a->g->nodes.n);
    return vn_config_fail(c->config, s->given, e, VN_E_INPUT, "%s: unknown node or tensor '%s'%s%s%s",
                          s->name, name, near ? "; nearest name: '" : "", near ? near : "", near ? "'" : "");
}

/* A tensor begins a subgraph with its readers, and ends it with what makes it. */
static int mark_named(char *mark, const struct vn_conversion *c, const struct area *a,
                      const struct subgraph *s, const char *name, int begins, struct vn_err *e)
{
    const struct node *n = find_node(a->g, name);
    const struct value *v = n ? NULL : vn_graph_find(a->g, name);
    if (n)
        mark[n->id] = 1;
    else if (v && begins)
        for (int i = 0; i < v->users.n; i++)
            mark[v->users.v[i].node->id] = 1;
    else if (!v)
        return unknown(c, a, s, name, e);
    else if (v->producer)
        mark[v->producer->id] = 1;
    return VN_OK;
}

static int is_behind(const struct area *a, const struct node *n)
{
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i] && n->in[i]->producer && a->reached[n->in[i]->producer->id])
            return 1;
    return 0;
}

static int is_in_front(const struct area *a, const struct node *n)
{
    for (int i = 0; i < n->n_out; i++)
        for (int k = 0; n->out[i] && k < n->out[i]->users.n; k++)
            if (a->reaches[n->out[i]->users.v[k].node->id])
                return 1;
    return 0;
}

/* Nodes stand in an order that can be run. */
static void spread(const struct area *a)
{
    const int n = a->g->nodes.n;
    for (int i = 0; i < n; i++)
        a->reached[i] |= (char)is_behind(a, a->g->nodes.v[i]);
    for (int i = n - 1; i >= 0; i--)
        a->reaches[i] |= (char)is_in_front(a, a->g->nodes.v[i]);
}

static void add_rule(struct vn_conversion *c, const struct subgraph *s, const char *node)
{
    struct type_rule r = { .level = LEVEL_SUBGRAPH,
                           .name = node,
                           .on = s->on,
                           .out = s->bits,
                           .given = s->given,
                           .line = s->given->line,
                           .column = s->given->column };
    for (int i = 0; i < CONFIG_NODE_INPUTS; i++)
        r.in[i] = s->bits;
    VEC_PUSH(c->arena, &c->config->types, r);
}

static int add_rules(struct vn_conversion *c, const struct graph *g, const struct subgraph *s,
                     struct vn_err *e)
{
    const struct area a = { g, vn_arena_alloc(c->arena, (size_t)g->nodes.n + 1),
                            vn_arena_alloc(c->arena, (size_t)g->nodes.n + 1) };
    int nodes = 0;
    for (int i = 0; i < s->from.n; i++)
        TRY(mark_named(a.reached, c, &a, s, s->from.v[i], 1, e));
    for (int i = 0; i < s->to.n; i++)
        TRY(mark_named(a.reaches, c, &a, s, s->to.v[i], 0, e));
    spread(&a);
    for (int i = 0; i < g->nodes.n; i++)
        if (a.reached[i] && a.reaches[i]) {
            add_rule(c, s, g->nodes.v[i]->name);
            nodes++;
        }
    if (!nodes)
        return vn_config_fail(c->config, s->given, e, VN_E_INPUT,
                              "%s: no node depends on its inputs and leads to its outputs", s->name);
    INFO(c, "subgraph %s has %d nodes.", s->name, nodes);
    return VN_OK;
}

int vn_convert_add_subgraphs(struct vn_conversion *c, struct vn_err *e)
{
    const struct graph *g = c->optimized ? c->optimized : c->original;
    for (int i = 0; i < c->config->subgraphs.n; i++)
        TRY(vn_convert_note(c, add_rules(c, g, &c->config->subgraphs.v[i], e), e));
    return VN_OK;
}
