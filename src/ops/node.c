/* ops/node.c - what the graph does with nodes that needs their operators: making, copying, integer or float.
 */
#include "ops/op.h"

static struct node *make_node(struct vn_arena *a, const struct op_def *op, const char *name, int n_in,
                              struct value *const *in, int n_out, struct value *const *out)
{
    struct node *n = NEW(a, struct node);
    *n = (struct node){ .op = op, .name = vn_arena_str(a, name), .n_in = n_in, .n_out = n_out };
    n->in = vn_arena_copy(a, in, (size_t)n_in * sizeof *in);
    n->out = vn_arena_copy(a, out, (size_t)n_out * sizeof *out);
    n->attrs = vn_arena_alloc(a, op->attrs_size);
    vn_op_defaults(op, n->attrs);
    return n;
}

struct node *vn_graph_node_before(struct graph *g, struct node *at, const struct op_def *op, const char *name,
                                  int n_in, struct value *const *in, int n_out, struct value *const *out)
{
    struct node *n = make_node(g->arena, op, name, n_in, in, n_out, out);
    vn_graph_insert(g, n, at);
    return n;
}

struct node *vn_graph_node(struct graph *g, const struct op_def *op, const char *name, int n_in,
                           struct value *const *in, int n_out, struct value *const *out)
{
    return vn_graph_node_before(g, NULL, op, name, n_in, in, n_out, out);
}

static struct value *map_value(struct value **to, const struct value *v) { return v ? to[v->id] : NULL; }

struct graph *vn_graph_clone(struct vn_arena *a, const struct graph *g)
{
    struct graph *c = vn_graph_new(a, g->name);
    c->source = vn_arena_str(a, g->source);
    c->opset = g->opset;
    c->ir_version = g->ir_version;
    struct value **to = NEW_ARRAY(a, struct value *, g->values.n);
    for (int i = 0; i < g->values.n; i++) {
        const struct value *v = g->values.v[i];
        to[v->id] = vn_graph_value(c, v->name, v->dtype, &v->shape);
        to[v->id]->data = v->data;
        to[v->id]->threshold = v->threshold;
        to[v->id]->raw_output = v->raw_output;
        to[v->id]->raw_input = v->raw_input;
        to[v->id]->bounded = v->bounded;
        if (v->q) {
            struct qparam *q = vn_arena_copy(
                a, vn_qparam_new(a, v->q->dtype, v->q->axis, v->q->n, v->q->scale, v->q->zero), sizeof *q);
            q->implied = v->q->implied;
            to[v->id]->q = q;
        }
    }
    for (int i = 0; i < g->nodes.n; i++) {
        const struct node *n = g->nodes.v[i];
        struct node *m = make_node(a, n->op, n->name, n->n_in, n->in, n->n_out, n->out);
        for (int j = 0; j < n->n_in; j++)
            m->in[j] = map_value(to, n->in[j]);
        for (int j = 0; j < n->n_out; j++)
            m->out[j] = map_value(to, n->out[j]);
        memcpy(m->attrs, n->attrs,
               n->op->attrs_size); /* lists in it are shared; the source graph outlives the copy */
        m->why_float = n->why_float;
        VEC_PUSH(a, &c->nodes, m);
    }
    for (int i = 0; i < g->inputs.n; i++)
        VEC_PUSH(a, &c->inputs, to[g->inputs.v[i]->id]);
    for (int i = 0; i < g->outputs.n; i++)
        vn_graph_add_output(c, to[g->outputs.v[i]->id]);
    for (int i = 0; i < g->folded.n; i++)
        VEC_PUSH(a, &c->folded, g->folded.v[i]);
    for (int i = 0; i < g->meta.n; i++)
        vn_graph_meta_set(c, g->meta.v[i].key, g->meta.v[i].text);
    vn_graph_index(c);
    return c;
}

int vn_node_is_integer(const struct node *n)
{
    const struct quant_rule *r = &n->op->quant;
    if (n->why_float || vn_node_kind(n) == Q_FLOAT)
        return 0;
    const int data = r->data_inputs && r->data_inputs < n->n_in ? r->data_inputs : n->n_in;
    for (int i = 0; i < data; i++)
        if (n->in[i] && !n->in[i]->q)
            return 0;
    for (int i = 0; i < n->n_out; i++)
        if (n->out[i] && !n->out[i]->q && !r->float_out_ok && !vn_op_has_whole_out(n->op, i))
            return 0;
    return 1;
}

int vn_node_is_wide(const struct node *n)
{
    const enum q_kind kind = vn_node_kind(n);
    if (!vn_node_is_integer(n) || n->op->any_width || kind == Q_MOVE || kind == Q_TABLE)
        return 0;
    int wide = n->out[0]->q && n->out[0]->q->dtype == VN_I16;
    for (int i = 0; i < n->n_in; i++)
        wide |= n->in[i] && n->in[i]->q && n->in[i]->q->dtype == VN_I16;
    return wide;
}

int vn_node_widens(const struct node *n)
{
    int wide_inputs = 0;
    for (int i = 0; i < n->n_in; i++)
        wide_inputs |= n->in[i] && n->in[i]->q && n->in[i]->q->dtype == VN_I16;
    return vn_node_is_wide(n) && (wide_inputs || vn_node_kind(n) != Q_LINEAR);
}

static void imply_input(struct graph *g, struct node *clamp)
{
    struct value *x = clamp->in[0], *y = clamp->out[0];
    if (!y->q || x->q || !x->producer || vn_graph_uses(x) != 1)
        return;
    struct qparam *q = vn_arena_copy(g->arena, y->q, sizeof *q);
    q->implied = 1;
    x->q = q;
    if (!vn_node_is_integer(x->producer))
        x->q = NULL;
}

void vn_graph_imply(struct graph *g)
{
    vn_graph_index(g);
    for (int i = g->nodes.n - 1; i >= 0; i--)
        if (g->nodes.v[i]->op->is_clamp)
            imply_input(g, g->nodes.v[i]);
}
