#include "quant/splits.h"

#include <math.h>

#include "ops/op.h"
#include "quant/params.h"
#include "quant/widths.h"

/* Of eight. */
#define BITS_TO_LOSE 2.0

struct split_search {
    struct graph *g;
    const struct vn_ranges *r;
    const struct vn_quant_options *o;
    const char *integer;
    int *root; /* by value id: the value whose parameters it takes */
    char *own, *held;
    int n; /* values that were there before */
    double *step; /* by value id; below 0: not yet known */
};

static int in_integers(const struct split_search *s, const struct node *n) { return n && s->integer[n->id]; }

static int inherits(const struct split_search *s, const struct node *n)
{
    return in_integers(s, n) && n->op->quant.out == Q_OUT_SAME && !n->op->is_clamp && !n->in[0]->data;
}

/* Of the value in int8 with parameters of its own; 0: it has none. */
static double find_step(const struct split_search *s, const struct value *v)
{
    return vn_quant_int8_step(v, s->r, &s->o->method, in_integers(s, v->producer));
}

static double step(const struct split_search *s, const struct value *v)
{
    if (s->step[v->id] < 0)
        s->step[v->id] = find_step(s, v);
    return s->step[v->id];
}

static double bits_lost(const struct split_search *s, const struct value *from, const struct value *to)
{
    const double coarse = step(s, from), fine = step(s, to);
    return coarse > 0 && fine > 0 && s->r->of[to->id]->min < s->r->of[to->id]->max ? log2(coarse / fine) : 0;
}

/* ---- may it be held in int16? ---- */

static int allows(const struct split_search *s, const struct node *n)
{
    return !in_integers(s, n) || vn_widths_free(s->o, n);
}

static int reads_pixels(const struct value *v)
{
    for (int i = 0; i < v->users.n; i++)
        if (v->users.v[i].node->op->pixel_axis)
            return 1;
    return 0;
}

/* All from the root to the move. */
static int can_hold(const struct split_search *s, const struct value *root, const struct node *move)
{
    if (reads_pixels(root) || !allows(s, root->producer) || !allows(s, move))
        return 0;
    for (const struct value *v = move->in[0]; v != root; v = v->producer->in[0])
        if (!allows(s, v->producer))
            return 0;
    return 1;
}

/* ---- finding ---- */

static void hold(const struct split_search *s, const struct value *v)
{
    while (!s->held[v->id]) {
        s->held[v->id] = 1;
        if (s->root[v->id] != v->id)
            v = v->producer->in[0];
    }
}

static void split_at(const struct split_search *s, const struct node *n, double bits, int held)
{
    const struct value *x = n->in[0];
    const struct vn_listener *l = s->o->listener;
    if (held) {
        s->own[n->out[0]->id] = 1;
        s->root[n->out[0]->id] = n->out[0]->id;
        hold(s, x);
    }
    if (l && held)
        vn_say(l, VN_LOG_INFO, "%s (%s): a scale of its own saves %.1f bits; %s is held in int16", n->name,
               n->op->onnx, bits, x->name);
    else if (l)
        vn_say(l, VN_LOG_INFO, "%s (%s): the scale of %s loses %.1f bits of its result", n->name, n->op->onnx,
               x->name, bits);
}

/* What only a Concat reads has its parameters: nothing can be saved, but it is told. */
static void tell_parts(const struct split_search *s, const struct node *n)
{
    const struct vn_listener *l = s->o->listener;
    for (int k = 0; l && in_integers(s, n) && n->op->quant.inputs_as_out && k < n->n_in; k++) {
        const struct value *part = n->in[k];
        const double bits = part->data || vn_graph_uses(part) > 1 ? 0 : bits_lost(s, n->out[0], part);
        if (bits > BITS_TO_LOSE)
            vn_say(l, VN_LOG_INFO, "%s (%s): the scale of its result loses %.1f bits of %s", n->name,
                   n->op->onnx, bits, part->name);
    }
}

static void visit(const struct split_search *s, const struct node *n, int possible)
{
    tell_parts(s, n);
    for (int i = 0; i < n->n_out; i++)
        if (n->out[i])
            s->root[n->out[i]->id] = n->out[i]->id;
    if (!inherits(s, n))
        return;
    const struct value *root = s->g->values.v[s->root[n->in[0]->id]];
    s->root[n->out[0]->id] = root->id;
    const double bits = vn_node_kind(n) == Q_MOVE ? bits_lost(s, root, n->out[0]) : 0;
    if (bits > BITS_TO_LOSE)
        split_at(s, n, bits, possible && can_hold(s, root, n));
}

/* ---- gates ---- */

/* A gate has at most this share of the elements that it multiplies. */
#define GATE_SHARE 16

static int gates(const struct split_search *s, const struct use *u)
{
    const struct node *n = u->node;
    const int other = n->n_in == 2 ? 1 - u->slot : u->slot;
    return in_integers(s, n) && n->op->pair == PAIR_PRODUCT && !n->op->inverse && allows(s, n) &&
           !n->in[other]->data &&
           vn_shape_count(&n->in[u->slot]->shape) * GATE_SHARE <= vn_shape_count(&n->in[other]->shape);
}

/* One rounding of it is an error of all elements that it multiplies. */
static int is_gate(const struct split_search *s, const struct value *v)
{
    if (!in_integers(s, v->producer) || !allows(s, v->producer) || vn_node_kind(v->producer) != Q_TABLE ||
        v->outputs || !v->users.n)
        return 0;
    for (int i = 0; i < v->users.n; i++)
        if (!gates(s, &v->users.v[i]))
            return 0;
    return 1;
}

/* ---- readers that stay with the input's parameters ---- */

static int stays(const struct split_search *s, const struct use *u)
{
    const int k = u->node->op->quant.data_inputs, data = k && k < u->node->n_in ? k : u->node->n_in;
    if (!in_integers(s, u->node) || u->slot >= data)
        return 0;
    const struct value *y = u->node->out[0];
    return !inherits(s, u->node) || (!s->own[y->id] && !s->held[y->id]);
}

static struct value *narrowed(const struct split_search *s, struct value *v, struct node *first)
{
    struct value *y =
        vn_graph_value(s->g, vn_arena_fmt(s->g->arena, "%s_int8", v->name), v->dtype, &v->shape);
    vn_graph_node_before(s->g, first, &vn_op_identity, vn_arena_fmt(s->g->arena, "%s_to_int8", v->name), 1,
                         &v, 1, &y);
    return y;
}

/* The value whose copy it is, for what was seen of it; NULL: nobody needs one. */
static struct value *narrow(const struct split_search *s, struct value *v)
{
    VEC(struct use) who = { 0 };
    struct node *first = NULL;
    for (int i = 0; i < v->users.n; i++) {
        const struct use u = v->users.v[i];
        if (!stays(s, &u))
            continue;
        VEC_PUSH(s->g->arena, &who, u);
        first = !first || u.node->id < first->id ? u.node : first;
    }
    struct value *y = first ? narrowed(s, v, first) : NULL;
    for (int i = 0; i < who.n; i++)
        vn_graph_set_input(s->g, who.v[i].node, who.v[i].slot, y);
    return y;
}

/* ---- what is known of all values ---- */

static struct vn_ranges *longer(struct vn_arena *a, const struct vn_ranges *r, int n)
{
    struct vn_ranges *x = vn_arena_copy(a, r, sizeof *r);
    struct mask *masks = NEW_ARRAY(a, struct mask, n);
    memcpy(masks, r->masks, (size_t)r->n * sizeof *masks);
    x->n = n;
    x->of = NEW_ARRAY(a, const struct histogram *, n);
    x->means = NEW_ARRAY(a, struct channel_sums *, n);
    x->hidden = NEW_ARRAY(a, struct hidden_elements, n);
    x->masks = masks;
    memcpy(x->of, r->of, (size_t)r->n * sizeof *x->of);
    memcpy(x->means, r->means, (size_t)r->n * sizeof *x->means);
    memcpy(x->hidden, r->hidden, (size_t)r->n * sizeof *x->hidden);
    return x;
}

static const struct vn_ranges *narrow_all(const struct split_search *s)
{
    struct vn_ranges *r = longer(s->g->arena, s->r, 2 * s->n);
    for (int i = 0; i < s->n; i++) {
        struct value *v = s->g->values.v[i], *y = s->held[i] ? narrow(s, v) : NULL;
        if (!y)
            continue;
        const int id = s->g->values.n - 1;
        r->of[id] = r->of[s->root[i]];
        r->means[id] = r->means[i];
        r->hidden[id] = r->hidden[i];
        s->own[id] = 1;
    }
    vn_graph_index(s->g);
    return r;
}

/* Does the march compute the nodes that a split adds? Those that fix the rules of moves do not. */
static int computes_identity(const struct target *t)
{
    const char *name = vn_op_identity.onnx;
    const struct target_op *op = vn_target_op(t, name);
    return (op ? op->int16 : t->all_ops) && !vn_target_floats(t, name);
}

struct splits vn_quant_split(struct graph *g, const struct vn_ranges *r, const struct vn_quant_options *o,
                             const char *integer)
{
    struct split_search s = { .g = g, .r = r, .o = o, .integer = integer, .n = g->values.n };
    const int possible = computes_identity(o->target) && !o->loaded;
    s.root = NEW_ARRAY(g->arena, int, s.n);
    s.step = NEW_ARRAY(g->arena, double, s.n);
    s.own = vn_arena_alloc(g->arena, 2 * (size_t)s.n);
    s.held = vn_arena_alloc(g->arena, 2 * (size_t)s.n);
    for (int i = 0; i < s.n; i++) {
        s.root[i] = i;
        s.step[i] = -1;
    }
    for (int i = 0; i < g->nodes.n; i++)
        visit(&s, g->nodes.v[i], possible);
    char *gate = vn_arena_alloc(g->arena, 2 * (size_t)s.n);
    for (int i = 0; possible && i < s.n; i++)
        gate[i] = (char)is_gate(&s, g->values.v[i]);
    const struct vn_ranges *ranges = narrow_all(&s);
    for (int i = 0; i < s.n; i++)
        s.held[i] |= gate[i];
    return (struct splits){ s.own, s.held, ranges };
}
