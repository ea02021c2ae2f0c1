/* Graphs: quantization is a property of a value there, so that Quantize and Dequantize at an edge are whether
 * the caller sees its integers. */
#include "base/words.h"
#include "edit/edit.h"
#include "ops/op.h"

/* enum vn_edge_type; -1: none of these. */
static int type_of(const struct node *n)
{
    if (n->op == &vn_op_softmax) /* operator identity: its name is the type */
        return VN_EDGE_SOFTMAX;
    switch (n->op->elements) {
    case ELEMENTS_PERMUTED: return VN_EDGE_TRANSPOSE;
    case ELEMENTS_KEPT: return VN_EDGE_RESHAPE;
    case ELEMENTS_CONVERTED: return n->n_in == 1 ? VN_EDGE_CAST : -1; /* not with a scale */
    default: return -1;
    }
}

static int is_quantized(const struct value *v)
{
    return v->q && !v->q->implied && v->q->n == 1 && (v->q->dtype == VN_I8 || v->q->dtype == VN_I16);
}

static int computes_integers(const struct node *n)
{
    return vn_node_is_integer(n) && vn_node_kind(n) != Q_FLOAT;
}

static int is_input(const struct graph *g, const struct value *v)
{
    for (int i = 0; i < g->inputs.n; i++)
        if (g->inputs.v[i] == v)
            return 1;
    return 0;
}

/* ---- edges ---- */

static void add_conversion(struct vn_arena *a, struct edge_list *out, enum vn_edge_type type, int port,
                           const struct value *v)
{
    const struct vn_edge x = { .name = vn_arena_fmt(a, "%s_%sLinear", v->name, vn_edge_word(type)),
                               .type = type,
                               .at_input = type == VN_EDGE_QUANTIZE,
                               .port = port,
                               .from = v->name,
                               .to = v->name,
                               .dtype = v->q->dtype,
                               .scale = v->q->scale[0],
                               .zero = v->q->zero[0] };
    VEC_PUSH(a, &out->v, x);
}

static void add_node(struct vn_arena *a, struct edge_list *out, const struct node *n, int at_input, int port,
                     const struct value *from, const struct value *to)
{
    const struct vn_edge x = { .name = n->name,
                               .type = (enum vn_edge_type)type_of(n),
                               .at_input = at_input,
                               .port = port,
                               .from = from->name,
                               .to = to->name };
    VEC_PUSH(a, &out->v, x);
}

static void list_output(const struct graph *g, int port, struct vn_arena *a, struct edge_list *out)
{
    const struct value *v = g->outputs.v[port];
    const struct node *n = v->producer;
    if (n && is_quantized(v) && !v->raw_output) {
        if (v->outputs == 1)
            add_conversion(a, out, VN_EDGE_DEQUANTIZE, port, v);
        return;
    }
    if (!n || type_of(n) < 0 || v->users.n || v->outputs != 1 || n->n_out != 1 || n->in[0]->data ||
        n->in[0]->outputs || is_input(g, n->in[0]))
        return;
    add_node(a, out, n, 0, port, v, n->in[0]);
}

/* Integers that a node moves stay what they are. */
static int moves_integers(const struct node *n)
{
    return computes_integers(n) && vn_qparam_equal(n->in[0]->q, n->out[0]->q);
}

static void list_input(const struct graph *g, int port, struct vn_arena *a, struct edge_list *out)
{
    const struct value *v = g->inputs.v[port];
    if (v->outputs)
        return;
    if (is_quantized(v) && !v->raw_input) {
        add_conversion(a, out, VN_EDGE_QUANTIZE, port, v);
        return;
    }
    const struct node *n = v->users.n == 1 ? v->users.v[0].node : NULL;
    if (!n || v->users.v[0].slot || type_of(n) < 0 || type_of(n) == VN_EDGE_SOFTMAX || n->n_out != 1 ||
        n->out[0]->outputs || (computes_integers(n) && !moves_integers(n)))
        return;
    add_node(a, out, n, 1, port, v, n->out[0]);
}

static void list(void *net, struct vn_arena *a, struct edge_list *out)
{
    const struct graph *g = net;
    for (int i = 0; i < g->inputs.n; i++)
        list_input(g, i, a, out);
    for (int i = 0; i < g->outputs.n; i++)
        list_output(g, i, a, out);
}

/* ---- changes ---- */

static int remove_edge(void *net, const struct vn_edge *x, struct vn_err *e)
{
    struct graph *g = net;
    struct value *v = x->at_input ? g->inputs.v[x->port] : g->outputs.v[x->port];
    (void)e;
    if (x->type == VN_EDGE_QUANTIZE || x->type == VN_EDGE_DEQUANTIZE) {
        *(x->at_input ? &v->raw_input : &v->raw_output) = 1;
        return VN_OK;
    }
    struct node *n = x->at_input ? v->users.v[0].node : v->producer;
    struct value *to = x->at_input ? n->out[0] : n->in[0];
    const int integers = computes_integers(n);
    vn_graph_remove(g, n);
    if (x->at_input) {
        to->raw_input = v->raw_input && integers;
        g->inputs.v[x->port] = to;
    } else {
        to->raw_output = v->raw_output && integers;
        vn_graph_replace(g, v, to, 1);
    }
    vn_graph_index(g);
    return VN_OK;
}

static void drop_unneeded(struct graph *g)
{
    for (int i = g->nodes.n - 1; i >= 0; i--) {
        int used = 0;
        for (int k = 0; k < g->nodes.v[i]->n_out; k++)
            used |= g->nodes.v[i]->out[k] && vn_graph_uses(g->nodes.v[i]->out[k]);
        if (!used)
            vn_graph_remove(g, g->nodes.v[i]);
    }
    vn_graph_index(g);
}

static void clear_outputs(struct graph *g)
{
    for (int i = 0; i < g->outputs.n; i++)
        g->outputs.v[i]->outputs = g->outputs.v[i]->raw_output = 0;
    g->outputs.n = 0;
}

static struct value *result_of(const struct graph *g, const char *node)
{
    for (int i = 0; i < g->nodes.n; i++)
        if (!strcmp(g->nodes.v[i]->name, node))
            return g->nodes.v[i]->out[0];
    return NULL;
}

static int no_value(const struct graph *g, const char *name, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    const char **names = NEW_ARRAY(a, const char *, g->values.n + g->nodes.n);
    int n = 0;
    for (int i = 0; i < g->values.n; i++)
        if (g->values.v[i]->producer)
            names[n++] = g->values.v[i]->name;
    for (int i = 0; i < g->nodes.n; i++)
        names[n++] = g->nodes.v[i]->name;
    const char *near = vn_nearest(name, names, n);
    vn_fail(e, VN_E_USAGE, "%s has no value and no node '%s'%s%s%s", g->source, name,
            near ? "; nearest: '" : "", near ? near : "", near ? "'" : "");
    vn_arena_free(&a);
    return VN_E_USAGE;
}

int vn_edit_outputs(struct graph *g, int n, const char *const *names, struct vn_err *e)
{
    struct value **out = NEW_ARRAY(g->arena, struct value *, n);
    int *raw = NEW_ARRAY(g->arena, int, n); /* what is an output already stays what it is */
    for (int i = 0; i < n; i++) {
        out[i] = vn_graph_find(g, names[i]);
        if (!out[i] || out[i]->data)
            out[i] = result_of(g, names[i]);
        if (!out[i])
            return no_value(g, names[i], e);
        raw[i] = out[i]->raw_output;
    }
    clear_outputs(g);
    for (int i = 0; i < n; i++) {
        out[i]->raw_output = raw[i];
        vn_graph_add_output(g, out[i]);
    }
    drop_unneeded(g);
    return VN_OK;
}

static int set_outputs(void *net, int n, const char *const *names, struct vn_err *e)
{
    return vn_edit_outputs(net, n, names, e);
}

static void note(void *net, const char *key, const char *text) { vn_graph_meta_set(net, key, text); }

const struct edit_form vn_edit_graph = { list, remove_edge, set_outputs, note };

/* ---- the part of a graph that an edited program has ---- */

static int find_ports(struct value **v, struct graph *g, int n, const struct edit_port *p, int constants,
                      struct vn_err *e)
{
    for (int i = 0; i < n; i++) {
        v[i] = vn_graph_find(g, p[i].name);
        if (!v[i] || (v[i]->data && !constants))
            return vn_fail(e, VN_E_INPUT, "%s has no value '%s'", g->source, p[i].name);
    }
    return VN_OK;
}

/* No node computes v any more. */
static void cut_producer(struct graph *g, struct value *v)
{
    if (v->producer)
        vn_graph_set_output(v->producer, v->port, vn_graph_value(g, v->name, v->dtype, &v->shape));
}

int vn_edit_cut(struct graph *g, int n_in, const struct edit_port *in, int n_out, const struct edit_port *out,
                struct vn_err *e)
{
    struct value **from = NEW_ARRAY(g->arena, struct value *, n_in),
                 **to = NEW_ARRAY(g->arena, struct value *, n_out);
    TRY(find_ports(from, g, n_in, in, 0, e));
    TRY(find_ports(to, g, n_out, out, 1, e));
    clear_outputs(g);
    for (int i = 0; i < n_out; i++) {
        to[i]->raw_output = to[i]->q && out[i].integers;
        vn_graph_add_output(g, to[i]);
    }
    g->inputs.n = 0;
    for (int i = 0; i < n_in; i++) {
        cut_producer(g, from[i]);
        from[i]->raw_input = from[i]->q && in[i].integers;
        VEC_PUSH(g->arena, &g->inputs, from[i]);
    }
    drop_unneeded(g);
    for (int i = 0; i < g->values.n; i++)
        if (!g->values.v[i]->producer && !g->values.v[i]->data && !is_input(g, g->values.v[i]))
            return vn_fail(e, VN_E_INPUT,
                           "%s: the edited program requires %s, which is not one of its inputs", g->source,
                           g->values.v[i]->name);
    return VN_OK;
}
