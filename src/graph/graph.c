#include "graph/graph.h"

#include <assert.h>

struct graph *vn_graph_new(struct vn_arena *a, const char *name)
{
    struct graph *g = NEW(a, struct graph);
    g->arena = a;
    g->name = vn_arena_str(a, name);
    g->source = g->name;
    g->by_name = vn_map_new(a);
    return g;
}

/* Suffixes are tried from 1 on once only, until a name becomes free. */
static const char *free_name(struct graph *g, const char *name)
{
    if (!vn_map_get(g->by_name, name))
        return vn_arena_str(g->arena, name);
    if (!g->suffixes)
        g->suffixes = vn_map_new(g->arena);
    int *next = vn_map_get(g->suffixes, name);
    if (!next) {
        next = NEW(g->arena, int);
        *next = 1;
        vn_map_set(g->suffixes, vn_arena_str(g->arena, name), next);
    }
    for (;; ++*next) {
        const char *s = vn_arena_fmt(g->arena, "%s_%d", name, *next);
        if (!vn_map_get(g->by_name, s))
            return s;
    }
}

struct value *vn_graph_value(struct graph *g, const char *name, enum vn_dtype t, const struct vn_shape *s)
{
    struct value *v = NEW(g->arena, struct value);
    v->name = free_name(g, name);
    v->id = g->values.n;
    v->dtype = t;
    v->shape = s ? *s : vn_shape_unknown();
    VEC_PUSH(g->arena, &g->values, v);
    vn_map_set(g->by_name, v->name, v);
    return v;
}

struct value *vn_graph_const(struct graph *g, const char *name, const struct vn_tensor *data)
{
    struct value *v = vn_graph_value(g, name, data->dtype, &data->shape);
    v->data = data;
    return v;
}

struct value *vn_graph_const_i64(struct graph *g, const char *name, int n, const int64_t *v)
{
    const struct vn_shape s = vn_shape_of(1, &(int64_t){ n });
    struct vn_tensor *t = vn_tensor_new(g->arena, VN_I64, &s);
    if (n)
        memcpy(t->data, v, (size_t)n * sizeof *v);
    return vn_graph_const(g, name, t);
}

struct value *vn_graph_find(const struct graph *g, const char *name) { return vn_map_get(g->by_name, name); }

static void add_use(struct graph *g, struct node *n, int slot)
{
    const struct use u = { n, slot };
    if (n->in[slot])
        VEC_PUSH(g->arena, &n->in[slot]->users, u);
}

static void drop_use(struct node *n, int slot)
{
    struct value *v = n->in[slot];
    for (int i = v ? v->users.n - 1 : -1; i >= 0; i--)
        if (v->users.v[i].node == n && v->users.v[i].slot == slot) {
            v->users.v[i] = v->users.v[--v->users.n];
            return;
        }
}

static void claim_output(struct node *n, int port)
{
    if (!n->out[port])
        return;
    n->out[port]->producer = n;
    n->out[port]->port = port;
}

void vn_graph_attach(struct graph *g, struct node *n)
{
    for (int i = 0; i < n->n_in; i++)
        add_use(g, n, i);
    for (int i = 0; i < n->n_out; i++)
        claim_output(n, i);
}

void vn_graph_detach(struct node *n)
{
    for (int i = 0; i < n->n_in; i++)
        drop_use(n, i);
    for (int i = 0; i < n->n_out; i++)
        if (n->out[i] && n->out[i]->producer == n)
            n->out[i]->producer = NULL;
}

/* Nodes are never far from where they were when they were numbered. */
static int position(const struct graph *g, const struct node *n)
{
    const int from = n->id < g->nodes.n ? n->id : g->nodes.n - 1;
    for (int d = 0; d < g->nodes.n; d++) {
        if (from >= d && g->nodes.v[from - d] == n)
            return from - d;
        if (from + d < g->nodes.n && g->nodes.v[from + d] == n)
            return from + d;
    }
    return -1;
}

void vn_graph_remove(struct graph *g, struct node *n)
{
    const int at = position(g, n);
    vn_graph_detach(n);
    if (at < 0)
        return;
    g->nodes.n--;
    memmove(g->nodes.v + at, g->nodes.v + at + 1, (size_t)(g->nodes.n - at) * sizeof *g->nodes.v);
}

void vn_graph_insert(struct graph *g, struct node *n, const struct node *at)
{
    const int i = at ? position(g, at) : g->nodes.n;
    assert(i >= 0);
    n->id = i;
    VEC_PUSH(g->arena, &g->nodes, n);
    memmove(g->nodes.v + i + 1, g->nodes.v + i, (size_t)(g->nodes.n - 1 - i) * sizeof *g->nodes.v);
    g->nodes.v[i] = n;
    vn_graph_attach(g, n);
}

void vn_graph_set_input(struct graph *g, struct node *n, int slot, struct value *v)
{
    if (slot < n->n_in) {
        drop_use(n, slot);
    } else {
        struct value **in = NEW_ARRAY(g->arena, struct value *, slot + 1);
        memcpy(in, n->in, (size_t)n->n_in * sizeof *in);
        n->in = in;
        n->n_in = slot + 1;
    }
    n->in[slot] = v;
    add_use(g, n, slot);
}

void vn_graph_set_output(struct node *n, int port, struct value *v)
{
    if (n->out[port] && n->out[port]->producer == n)
        n->out[port]->producer = NULL;
    n->out[port] = v;
    claim_output(n, port);
}

void vn_graph_add_output(struct graph *g, struct value *v)
{
    VEC_PUSH(g->arena, &g->outputs, v);
    v->outputs++;
}

void vn_graph_replace(struct graph *g, struct value *from, struct value *to, int outputs_too)
{
    if (from == to)
        return;
    for (int i = 0; i < from->users.n; i++) {
        const struct use u = from->users.v[i];
        u.node->in[u.slot] = to;
        VEC_PUSH(g->arena, &to->users, u);
    }
    from->users.n = 0;
    for (int i = 0; outputs_too && from->outputs && i < g->outputs.n; i++)
        if (g->outputs.v[i] == from) {
            g->outputs.v[i] = to;
            from->outputs--;
            to->outputs++;
        }
}

static void keep(struct value *v)
{
    if (v)
        v->id = 1;
}

/* Values that nothing refers to any more leave the list, so that their names are free and loops do not meet
 * them. */
static void drop_unused_values(struct graph *g)
{
    for (int i = 0; i < g->values.n; i++)
        g->values.v[i]->id = -1;
    for (int i = 0; i < g->inputs.n; i++)
        keep(g->inputs.v[i]);
    for (int i = 0; i < g->outputs.n; i++)
        keep(g->outputs.v[i]);
    for (int i = 0; i < g->nodes.n; i++) {
        const struct node *n = g->nodes.v[i];
        for (int j = 0; j < n->n_in; j++)
            keep(n->in[j]);
        for (int j = 0; j < n->n_out; j++)
            keep(n->out[j]);
    }
    int k = 0;
    for (int i = 0; i < g->values.n; i++) {
        struct value *v = g->values.v[i];
        if (v->id >= 0) {
            v->id = k;
            g->values.v[k++] = v;
        } else {
            vn_map_set(g->by_name, v->name, NULL);
            g->suffixes = NULL;
        }
    }
    g->values.n = k;
}

void vn_graph_index(struct graph *g)
{
    drop_unused_values(g);
    for (int i = 0; i < g->values.n; i++) {
        struct value *v = g->values.v[i];
        v->users.n = v->outputs = 0;
        v->producer = NULL;
    }
    for (int i = 0; i < g->nodes.n; i++) {
        g->nodes.v[i]->id = i;
        vn_graph_attach(g, g->nodes.v[i]);
    }
    for (int i = 0; i < g->outputs.n; i++)
        g->outputs.v[i]->outputs++;
}

void vn_graph_note_folded(struct graph *g, const char *tensor, const char *into)
{
    const struct folded f = { tensor, into };
    VEC_PUSH(g->arena, &g->folded, f);
}

void vn_graph_meta_set(struct graph *g, const char *key, const char *text)
{
    const struct meta m = { vn_arena_str(g->arena, key), vn_arena_str(g->arena, text) };
    for (int i = 0; i < g->meta.n; i++)
        if (!strcmp(g->meta.v[i].key, key)) {
            g->meta.v[i] = m;
            return;
        }
    VEC_PUSH(g->arena, &g->meta, m);
}

const char *vn_graph_meta(const struct graph *g, const char *key)
{
    for (int i = 0; i < g->meta.n; i++)
        if (!strcmp(g->meta.v[i].key, key))
            return g->meta.v[i].text;
    return NULL;
}

static int is_sorted(const struct graph *g)
{
    for (int i = 0; i < g->nodes.n; i++)
        for (int j = 0; j < g->nodes.v[i]->n_in; j++) {
            const struct value *v = g->nodes.v[i]->in[j];
            if (v && v->producer && v->producer->id >= i)
                return 0;
        }
    return 1;
}

int vn_graph_sort(struct graph *g, struct vn_err *e)
{
    vn_graph_index(g);
    if (is_sorted(g))
        return VN_OK;
    int *waits = NEW_ARRAY(g->arena, int, g->nodes.n);
    for (int i = 0; i < g->nodes.n; i++)
        for (int j = 0; j < g->nodes.v[i]->n_in; j++)
            waits[i] += g->nodes.v[i]->in[j] && g->nodes.v[i]->in[j]->producer;
    struct node **order = NEW_ARRAY(g->arena, struct node *, g->nodes.n);
    int done = 0;
    for (int i = 0; i < g->nodes.n; i++)
        if (!waits[i])
            order[done++] = g->nodes.v[i];
    for (int at = 0; at < done; at++)
        for (int j = 0; j < order[at]->n_out; j++) {
            const struct value *v = order[at]->out[j];
            for (int u = 0; v && u < v->users.n; u++)
                if (--waits[v->users.v[u].node->id] == 0)
                    order[done++] = v->users.v[u].node;
        }
    for (int i = 0; i < g->nodes.n; i++)
        if (waits[i] > 0)
            return vn_fail(e, VN_E_INPUT, "%s: node %s is part of a cycle", g->source, g->nodes.v[i]->name);
    memcpy(g->nodes.v, order, (size_t)done * sizeof *order);
    vn_graph_index(g);
    return VN_OK;
}

static int check_value(const struct graph *g, const struct value *v, struct vn_err *e)
{
    if (v->data && !vn_shape_equal(&v->data->shape, &v->shape))
        return vn_fail(e, VN_E_INTERNAL, "%s: the shape of constant %s differs from its contents", g->source,
                       v->name);
    if (v->data && v->producer)
        return vn_fail(e, VN_E_INTERNAL, "%s: constant %s has a producer", g->source, v->name);
    if (v->q && v->q->n != 1 &&
        (v->q->axis < 0 || v->q->axis >= v->shape.rank || v->shape.d[v->q->axis] != v->q->n))
        return vn_fail(e, VN_E_INTERNAL, "%s: the scales of %s do not match its shape", g->source, v->name);
    return VN_OK;
}

int vn_graph_check(const struct graph *g, struct vn_err *e)
{
    char *made = vn_arena_alloc(g->arena, (size_t)g->values.n);
    for (int i = 0; i < g->values.n; i++) {
        const struct value *v = g->values.v[i];
        if (v->id != i)
            return vn_fail(e, VN_E_INTERNAL, "%s: value %s is not indexed", g->source, v->name);
        TRY(check_value(g, v, e));
        made[i] = v->data != NULL;
    }
    for (int i = 0; i < g->inputs.n; i++)
        made[g->inputs.v[i]->id] = 1;
    for (int i = 0; i < g->nodes.n; i++) {
        const struct node *n = g->nodes.v[i];
        for (int j = 0; j < n->n_in; j++)
            if (n->in[j] && !made[n->in[j]->id])
                return vn_fail(e, VN_E_INTERNAL, "%s: node %s reads %s before it is computed", g->source,
                               n->name, n->in[j]->name);
        for (int j = 0; j < n->n_out; j++)
            if (n->out[j] && made[n->out[j]->id]++)
                return vn_fail(e, VN_E_INTERNAL,
                               "%s: node %s computes %s, which another node computes already", g->source,
                               n->name, n->out[j]->name);
    }
    for (int i = 0; i < g->outputs.n; i++)
        if (!made[g->outputs.v[i]->id])
            return vn_fail(e, VN_E_INTERNAL, "%s: no node computes output %s", g->source,
                           g->outputs.v[i]->name);
    return VN_OK;
}

const struct qparam *vn_qparam_new(struct vn_arena *a, enum vn_dtype t, int axis, int n, const float *scale,
                                   const int32_t *zero)
{
    struct qparam *q = NEW(a, struct qparam);
    *q = (struct qparam){ .dtype = t, .axis = axis, .n = n };
    q->scale = vn_arena_copy(a, scale, (size_t)n * sizeof *scale);
    q->zero =
        zero ? vn_arena_copy(a, zero, (size_t)n * sizeof *zero) : vn_arena_array(a, (size_t)n, sizeof *zero);
    return q;
}

int vn_qparam_equal(const struct qparam *a, const struct qparam *b)
{
    if (!a || !b)
        return a == b;
    return a->dtype == b->dtype && a->axis == b->axis && a->n == b->n &&
           !memcmp(a->scale, b->scale, (size_t)a->n * sizeof *a->scale) &&
           !memcmp(a->zero, b->zero, (size_t)a->n * sizeof *a->zero);
}
