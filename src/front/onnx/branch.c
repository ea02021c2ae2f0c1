/* The subgraphs of If: kept as they are in the file, and read like a model of their own once the condition is
 * known. */
#include "front/onnx/draft.h"

/* circle: attrs branch reader: an attribute may hold a graph, which is read like a model of its own */

struct file_branch {
    struct branch base;
    const struct draft *outer;
    const struct onnx_graph *graph;
    struct wire_list captured; /* const char *: names outside, of inputs 1 and on */
};

/* ---- the branch as a model ---- */

static void add_input(struct onnx_graph *g, struct vn_arena *a, const char *name, const struct value *v)
{
    if (v->data && !v->q) {
        vn_onnx_tensor_write(vn_wire_append(a, &g->initializers, sizeof(struct onnx_tensor)), name, v->data,
                             a);
        return;
    }
    struct onnx_value_info *info = vn_wire_append(a, &g->inputs, sizeof *info);
    *info = (struct onnx_value_info){ .name = name, .type = NEW(a, struct onnx_type) };
    info->type->tensor = NEW(a, struct onnx_tensor_type);
    info->type->tensor->elem_type = v->dtype;
    info->type->tensor->shape = NEW(a, struct onnx_shape);
    for (int d = 0; d < v->shape.rank; d++)
        *(struct onnx_dim *)vn_wire_append(a, &info->type->tensor->shape->dims, sizeof(struct onnx_dim)) =
            (struct onnx_dim){ .value = { v->shape.d[d], 1 } };
}

static struct wire_list copied(struct vn_arena *a, const struct wire_list *l, size_t size)
{
    return (struct wire_list){ vn_arena_copy(a, l->v, (size_t)l->n * size), l->n, l->n };
}

/* Outputs get names of their own: a branch may hand out what it reads. */
static void name_outputs(struct onnx_graph *g, struct vn_arena *a)
{
    struct onnx_value_info *o = g->outputs.v;
    for (int i = 0; i < g->outputs.n; i++) {
        struct onnx_node *same = vn_wire_append(a, &g->nodes, sizeof *same);
        *same = (struct onnx_node){ .op_type = "Identity", .name = vn_arena_fmt(a, "result%d", i) };
        *(const char **)vn_wire_append(a, &same->in, sizeof(char *)) = o[i].name ? o[i].name : "";
        o[i].name = vn_arena_fmt(a, "result %d of the branch", i);
        *(const char **)vn_wire_append(a, &same->out, sizeof(char *)) = o[i].name;
    }
}

/* Nodes of `from` into g under the If's name: its inputs are the captured values, its outputs those of n. */
static void move_nodes(struct graph *g, const struct node *n, const struct graph *from,
                       const struct file_branch *b)
{
    struct value **to = NEW_ARRAY(g->arena, struct value *, from->values.n);
    for (int i = 0; i < from->outputs.n; i++)
        to[from->outputs.v[i]->id] = n->out[i];
    for (int i = 0; i < b->captured.n; i++) {
        const struct value *v = vn_graph_find(from, ((const char *const *)b->captured.v)[i]);
        if (v && !v->producer)
            to[v->id] = n->in[1 + i];
    }
    for (int i = 0; i < from->values.n; i++) {
        const struct value *v = from->values.v[i];
        if (to[i])
            continue;
        const char *name = vn_arena_fmt(g->arena, "%s/%s", n->name, v->name);
        to[i] = v->data ? vn_graph_const(g, name, v->data) : vn_graph_value(g, name, v->dtype, &v->shape);
        to[i]->q = v->q;
    }
    for (int i = 0; i < from->nodes.n; i++) {
        const struct node *m = from->nodes.v[i];
        struct value **in = NEW_ARRAY(g->arena, struct value *, m->n_in),
                     **out = NEW_ARRAY(g->arena, struct value *, m->n_out);
        for (int k = 0; k < m->n_in; k++)
            in[k] = m->in[k] ? to[m->in[k]->id] : NULL;
        for (int k = 0; k < m->n_out; k++)
            out[k] = m->out[k] ? to[m->out[k]->id] : NULL;
        struct node *c = vn_graph_node(g, m->op, vn_arena_fmt(g->arena, "%s/%s", n->name, m->name), m->n_in,
                                       in, m->n_out, out);
        if (m->op->attrs_size)
            memcpy(c->attrs, m->attrs, m->op->attrs_size);
        c->why_float = m->why_float;
    }
}

static int import(struct graph *g, const struct node *n, const struct branch *base, struct vn_err *e)
{
    const struct file_branch *b = (const struct file_branch *)base;
    struct vn_arena *a = g->arena;
    struct onnx_model *m = vn_arena_copy(a, b->outer->model, sizeof *m);
    struct onnx_graph *body = m->graph = vn_arena_copy(a, b->graph, sizeof *body);
    struct graph *inside;
    if (body->outputs.n != n->n_out || b->captured.n != n->n_in - 1)
        return vn_node_fail(n, e, VN_E_INPUT, "the branch has %d outputs, the node %d", body->outputs.n,
                            n->n_out);
    body->initializers = copied(a, &body->initializers, sizeof(struct onnx_tensor));
    body->nodes = copied(a, &body->nodes, sizeof(struct onnx_node));
    body->outputs = copied(a, &body->outputs, sizeof(struct onnx_value_info));
    body->inputs = (struct wire_list){ 0 };
    for (int i = 0; i < b->captured.n; i++)
        if (n->in[1 + i])
            add_input(body, a, ((const char *const *)b->captured.v)[i], n->in[1 + i]);
    name_outputs(body, a);
    m->metadata = (struct wire_list){ 0 };
    TRY(vn_onnx_read_model(&inside, a, m, vn_arena_fmt(a, "%s: branch of %s", b->outer->path, n->name), 0,
                           NULL, e));
    move_nodes(g, n, inside, b);
    return VN_OK;
}

int vn_onnx_branch(const struct branch **out, const struct draft *d, const struct draft_node *n,
                   const struct onnx_graph *g, struct vn_err *e)
{
    if (!g)
        return vn_onnx_node_fail(d, n, e, VN_E_INPUT, "a branch has no graph");
    struct file_branch *b = NEW(d->arena, struct file_branch);
    *b = (struct file_branch){ { import }, d, g, vn_onnx_captured(&n->raw, d->arena) };
    *out = &b->base;
    return VN_OK;
}
