#include "quant/widths.h"

#include "ops/op.h"

static int matches(const struct type_rule *r, const struct node *n)
{
    const char *name =
        r->level == LEVEL_KIND ? vn_node_type(n) : n->name; /* operator identity: users name types */
    return r->level == LEVEL_ALL || !strcmp(r->name, name);
}

static void settle(int *bits, int *level, int want, int at)
{
    if (want && at >= *level) {
        *bits = want;
        *level = at;
    }
}

struct wanted vn_widths_wanted(const struct vn_quant_options *o, const struct node *n)
{
    struct wanted w = { 0 };
    int on_level = 0;
    for (int i = 0; i < o->n_rules; i++) {
        const struct type_rule *r = &o->rules[i];
        if (!matches(r, n))
            continue;
        if (r->on && (int)r->level >= on_level) {
            w.on = r->on;
            on_level = r->level;
        }
        for (int k = 0; k < CONFIG_NODE_INPUTS; k++)
            settle(&w.in[k], &w.in_level[k], r->in[k], r->level);
        settle(&w.out, &w.out_level, r->out, r->level);
    }
    return w;
}

int vn_widths_allowed(const struct vn_quant_options *o, const struct node *n)
{
    const struct target_op *op = vn_target_op(o->target, n->op->onnx);
    return op ? op->int16 : o->target->all_ops;
}

int vn_widths_free(const struct vn_quant_options *o, const struct node *n)
{
    const struct wanted w = vn_widths_wanted(o, n);
    return vn_widths_allowed(o, n) && w.out != 8 && w.in[0] != 8;
}

/* One for each set of values that share a type. */
struct set {
    int parent;
    int bits, level; /* what the most specific rule asks for */
    const struct node *who; /* whom it is about */
    const struct node *forbidden; /* has no int16 on the target */
    const char *fixed; /* why it is int8 in any case */
};

struct decision {
    struct vn_arena *arena;
    const struct graph *g;
    const struct vn_quant_options *o;
    const char *integer;
    struct set *sets; /* by value id */
};

static struct set *set_of(const struct decision *d, int id)
{
    while (d->sets[id].parent != id)
        id = d->sets[id].parent = d->sets[d->sets[id].parent].parent;
    return &d->sets[id];
}

static void join(const struct decision *d, int a, int b) { set_of(d, a)->parent = set_of(d, b)->parent; }

static void ask(struct set *s, const struct node *n, int bits, int level)
{
    if (!bits || level < s->level || (level == s->level && s->bits == 16))
        return;
    s->bits = bits;
    s->level = level;
    s->who = n;
}

static int data_inputs(const struct node *n)
{
    const int k = n->op->quant.data_inputs;
    return k && k < n->n_in ? k : n->n_in;
}

static void ask_node(const struct decision *d, const struct node *n)
{
    const struct wanted w = vn_widths_wanted(d->o, n);
    const int allowed = vn_widths_allowed(d->o, n);
    for (int i = 0; i < data_inputs(n); i++) {
        if (!n->in[i] || n->in[i]->data)
            continue;
        struct set *s = set_of(d, n->in[i]->id);
        const int k = i < CONFIG_NODE_INPUTS ? i : CONFIG_NODE_INPUTS - 1;
        ask(s, n, w.in[k], w.in_level[k]);
        s->forbidden = allowed ? s->forbidden : n;
        if (n->op->pixel_axis)
            s->fixed = "pixels are int8";
    }
    struct set *s = set_of(d, n->out[0]->id);
    ask(s, n, w.out, w.out_level);
    s->forbidden = allowed ? s->forbidden : n;
}

/* A rule that cannot be followed: once for each set. Pixels are nobody's surprise unless asked for by name.
 */
static void report(const struct decision *d, const struct set *s, const struct value *v)
{
    if (!d->o->listener || (s->fixed && s->level < LEVEL_NODE))
        return;
    const char *why = s->fixed ? s->fixed
                               : vn_arena_fmt(d->arena, "march %s computes %s (%s) in int8 only",
                                              d->o->target->name, s->forbidden->op->onnx, s->forbidden->name);
    vn_say(d->o->listener, VN_LOG_WARNING, "%s (%s) requests int16, %s stays int8: %s", s->who->name,
           s->who->op->onnx, v->name, why);
}

char *vn_widths_decide(struct vn_arena *a, const struct graph *g, const struct vn_quant_options *o,
                       const char *integer, const int *same, const char *held)
{
    struct decision d = { a, g, o, integer, NEW_ARRAY(a, struct set, g->values.n) };
    char *wide = vn_arena_alloc(a, (size_t)g->values.n), *told = vn_arena_alloc(a, (size_t)g->values.n);
    for (int i = 0; i < g->values.n; i++)
        d.sets[i].parent = i;
    for (; same[0] >= 0; same += 2)
        join(&d, same[0], same[1]);
    for (int i = 0; i < g->nodes.n; i++)
        if (integer[i])
            ask_node(&d, g->nodes.v[i]);
    for (int i = 0; i < g->values.n; i++)
        if (held[i] && g->values.v[i]->users.n)
            ask(set_of(&d, i), g->values.v[i]->users.v[0].node, 16, LEVEL_ALL);
    for (int i = 0; o->outputs_int16 && i < g->outputs.n; i++)
        if (g->outputs.v[i]->producer && integer[g->outputs.v[i]->producer->id])
            ask(set_of(&d, g->outputs.v[i]->id), g->outputs.v[i]->producer, 16, LEVEL_NODE);
    for (int i = 0; i < g->values.n; i++) {
        const struct set *s = set_of(&d, i);
        wide[i] = s->bits == 16 && !s->forbidden && !s->fixed;
        if (s->bits == 16 && !wide[i] && !told[s->parent]++)
            report(&d, s, g->values.v[i]);
    }
    return wide;
}
