/* What a type costs: programs in which some groups have it and their neighbours do not, so that what it takes
 * to convert between types is there, too; and the times of the nodes at each group in them. */
#include "ops/op.h"
#include "tune/tuner.h"

static const char *const words[VN_TUNE_TYPES] = { [VN_TUNE_INT8] = "int8",
                                                  [VN_TUNE_INT16] = "int16",
                                                  [VN_TUNE_INT16_WEIGHTS] = "int16+weights",
                                                  [VN_TUNE_FLOAT] = "float32" };

const char *vn_tune_type_word(enum vn_tune_type t) { return words[t]; }

/* ---- groups that do not meet ---- */

/* Nodes at a group: those that make it and those that read it. */
struct places {
    VEC(const struct node *) nodes;
};

struct costing {
    struct tuner *t;
    struct vn_arena *arena;
    struct places *at; /* by group */
    int *colour; /* by group: groups of one colour have no node in common */
    int colours;
};

static int has_node(const struct places *p, const struct node *n)
{
    for (int i = 0; i < p->nodes.n; i++)
        if (p->nodes.v[i] == n)
            return 1;
    return 0;
}

static void add_node(struct places *p, struct vn_arena *a, const struct node *n)
{
    if (n && !has_node(p, n))
        VEC_PUSH(a, &p->nodes, n);
}

static void add_places(const struct costing *c, int group)
{
    const struct tune_group *g = &c->t->groups.v[group];
    const struct graph *graph = c->t->p.graph;
    struct places *p = &c->at[group];
    for (int i = 0; i < g->values.n; i++) {
        const struct node *maker = graph->values.v[g->values.v[i]]->producer;
        add_node(p, c->arena, maker);
        if (maker && maker->op->is_clamp)
            add_node(p, c->arena, maker->in[0]->producer);
    }
    for (int i = 0; i < g->readers.n; i++) {
        const struct node *n = g->readers.v[i].node, *next = vn_graph_sole_user(n->out[0]);
        add_node(p, c->arena, n);
        add_node(p, c->arena, next && next->op->is_clamp ? next : NULL);
    }
}

static int meets(const struct costing *c, int a, int b)
{
    for (int i = 0; i < c->at[a].nodes.n; i++)
        if (has_node(&c->at[b], c->at[a].nodes.v[i]))
            return 1;
    return 0;
}

/* The first colour that no neighbour has. */
static void colour(struct costing *c, int group)
{
    for (int free = 0; !free; c->colour[group] += !free) {
        free = 1;
        for (int i = 0; i < group && free; i++)
            free = c->colour[i] != c->colour[group] || !meets(c, i, group);
    }
    if (c->colour[group] >= c->colours)
        c->colours = c->colour[group] + 1;
}

static struct costing begin(struct tuner *t, struct vn_arena *a)
{
    const int n = t->groups.n;
    struct costing c = { t, a, NEW_ARRAY(a, struct places, n), NEW_ARRAY(a, int, n), 1 };
    for (int i = 0; i < n; i++) {
        add_places(&c, i);
        colour(&c, i);
    }
    return c;
}

/* ---- programs ---- */

/* The groups of a colour that can have a type do. */
static int build(struct built_program *out, const struct costing *c, int of, int type, struct vn_err *e)
{
    struct type_rules rules;
    unsigned char *types = NEW_ARRAY(c->arena, unsigned char, c->t->groups.n);
    for (int i = 0; i < c->t->groups.n; i++)
        types[i] = c->colour[i] == of && c->t->groups.v[i].allowed >> type & 1 ? (unsigned char)type : 0;
    vn_tune_rules(&rules, c->arena, c->t, types);
    return vn_tune_build(out, c->t, c->arena, rules.rules.v, rules.rules.n, 0, e);
}

static double time_at(const struct places *p, const struct vn_session *s, const double *ns)
{
    double sum = 0;
    for (int i = 0; i < vn_session_instructions(s); i++) {
        struct vn_instruction x;
        vn_model_instruction(vn_session_model(s), i, &x);
        for (int k = 0; k < p->nodes.n; k++)
            sum += strcmp(p->nodes.v[k]->name, x.node) ? 0 : ns[i];
    }
    return sum;
}

static json_t *group_json(const struct costing *c, int group, const struct built_program *p, double **ns)
{
    json_t *list = json_array();
    const double base = time_at(&c->at[group], p[0].s, ns[0]);
    for (int type = 1; type < VN_TUNE_TYPES; type++) {
        const int k = 1 + c->colour[group] * (VN_TUNE_TYPES - 1) + type - 1;
        const int there = c->t->groups.v[group].allowed >> type & 1;
        json_array_append_new(list, json_real(there ? time_at(&c->at[group], p[k].s, ns[k]) - base : 0));
    }
    return list;
}

static double sum(const double *ns, int n)
{
    double all = 0;
    for (int i = 0; i < n; i++)
        all += ns[i];
    return all;
}

static int measure(const struct costing *c, struct vn_err *e)
{
    const int n = 1 + c->colours * (VN_TUNE_TYPES - 1);
    struct built_program *p = NEW_ARRAY(c->arena, struct built_program, n);
    double **ns = NEW_ARRAY(c->arena, double *, n);
    for (int i = 0; i < n; i++) {
        const int of = (i - 1) / (VN_TUNE_TYPES - 1), type = i ? 1 + (i - 1) % (VN_TUNE_TYPES - 1) : 0;
        TRY(build(&p[i], c, of, type, e));
        vn_progress(&c->t->listener, "costs", i + 1, n);
    }
    TRY(vn_tune_times(ns, c->t, c->arena, p, n, e));
    json_t *groups = json_array();
    for (int i = 0; i < c->t->groups.n; i++)
        json_array_append_new(groups, group_json(c, i, p, ns));
    return vn_journal_add(
        c->t->journal, "costs", "groups",
        json_pack("{s:f, s:o}", "all", sum(ns[0], vn_session_instructions(p[0].s)), "groups", groups), e);
}

/* ---- sizes ---- */

static double elements(const struct node *n)
{
    const int w = n->op->quant.weight;
    return w && w < n->n_in && n->in[w] && n->in[w]->data ? (double)vn_shape_count(&n->in[w]->shape) : 0;
}

/* A table of int16 has 65536 entries, one of int8 256. (Equal nodes share one: an upper bound.) */
static double table_bytes(const struct node *n, int type)
{
    return vn_node_kind(n) == Q_TABLE && (type == VN_TUNE_INT16 || type == VN_TUNE_INT16_WEIGHTS)
               ? 65536 * 2 - 256
               : 0;
}

static void set_sizes(struct tune_group *g)
{
    static const int added[VN_TUNE_TYPES] = { [VN_TUNE_INT16_WEIGHTS] = 1, [VN_TUNE_FLOAT] = 3 };
    for (int i = 0; i < g->readers.n; i++)
        for (int type = 1; type < VN_TUNE_TYPES; type++) {
            const struct node *n = g->readers.v[i].node;
            g->bytes[type] += table_bytes(n, type) + (g->readers.v[i].slot ? 0 : added[type] * elements(n));
        }
}

int vn_tune_measure_costs(struct tuner *t, struct vn_err *e)
{
    if (!vn_journal_find(t->journal, "costs", "groups")) {
        struct vn_arena *a = vn_arena_new();
        const struct costing c = begin(t, a);
        const int status = measure(&c, e);
        vn_arena_free(&a);
        TRY(status);
    }
    const json_t *costs = vn_journal_find(t->journal, "costs", "groups");
    t->base_ns = json_number_value(json_object_get(costs, "all"));
    for (int i = 0; i < t->groups.n; i++) {
        const json_t *ns = json_array_get(json_object_get(costs, "groups"), (size_t)i);
        for (int type = 1; type < VN_TUNE_TYPES; type++)
            t->groups.v[i].ns[type] = json_number_value(json_array_get(ns, (size_t)type - 1));
        set_sizes(&t->groups.v[i]);
    }
    return VN_OK;
}
