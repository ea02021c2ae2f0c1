#include "graph/graph.h"

#include <stdio.h>
#include <stdlib.h>

struct graph *vn_graph_new(struct vn_arena *a, const char *name)
{
    struct graph *g = NEW(a, struct graph);
    g->arena = a;
    g->name = vn_arena_str(a, name);
    g->source = g->name;
    g->by_name = vn_map_new(a);
    return g;
}

static const char *free_name(const struct graph *g, const char *name)
{
    if (!vn_map_get(g->by_name, name))
        return vn_arena_str(g->arena, name);
    for (int i = 1;; i++) {
        const char *s = vn_arena_fmt(g->arena, "%s_%d", name, i);
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
    memcpy(t->data, v, (size_t)n * sizeof *v);
    return vn_graph_const(g, name, t);
}

struct value *vn_graph_find(const struct graph *g, const char *name) { return vn_map_get(g->by_name, name); }

void vn_graph_remove(struct graph *g, struct node *n)
{
    for (int i = 0; i < n->n_out; i++)
        if (n->out[i] && n->out[i]->producer == n)
            n->out[i]->producer = NULL;
    int k = 0;
    for (int i = 0; i < g->nodes.n; i++)
        if (g->nodes.v[i] != n) {
            g->nodes.v[k] = g->nodes.v[i];
            g->nodes.v[k]->id = k;
            k++;
        }
    g->nodes.n = k;
}

void vn_graph_replace(struct graph *g, struct value *from, struct value *to, int outputs_too)
{
    for (int i = 0; i < g->nodes.n; i++)
        for (int j = 0; j < g->nodes.v[i]->n_in; j++)
            if (g->nodes.v[i]->in[j] == from)
                g->nodes.v[i]->in[j] = to;
    for (int i = 0; outputs_too && i < g->outputs.n; i++)
        if (g->outputs.v[i] == from)
            g->outputs.v[i] = to;
}

static void keep(struct value *v)
{
    if (v)
        v->id = 1;
}

/* Values that nothing refers to any more leave the list, so that their names are free and loops do not meet them. */
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
        if (v->id < 0)
            vn_map_set(g->by_name, v->name, NULL);
        else
            g->values.v[k++] = v;
    }
    g->values.n = k;
    for (int i = 0; i < k; i++) {
        g->values.v[i]->id = i;
        vn_map_set(g->by_name, g->values.v[i]->name, g->values.v[i]);
    }
}

void vn_graph_index(struct graph *g)
{
    drop_unused_values(g);
    for (int i = 0; i < g->values.n; i++) {
        g->values.v[i]->n_uses = 0;
        g->values.v[i]->producer = NULL;
    }
    for (int i = 0; i < g->nodes.n; i++) {
        struct node *n = g->nodes.v[i];
        n->id = i;
        for (int j = 0; j < n->n_in; j++)
            if (n->in[j])
                n->in[j]->n_uses++;
        for (int j = 0; j < n->n_out; j++)
            if (n->out[j]) {
                n->out[j]->producer = n;
                n->out[j]->port = j;
            }
    }
    for (int i = 0; i < g->outputs.n; i++)
        g->outputs.v[i]->n_uses++;
}

int vn_graph_is_output(const struct graph *g, const struct value *v)
{
    for (int i = 0; i < g->outputs.n; i++)
        if (g->outputs.v[i] == v)
            return 1;
    return 0;
}

struct node *vn_graph_sole_user(const struct graph *g, const struct value *v)
{
    if (v->n_uses != 1)
        return NULL;
    for (int i = v->producer ? v->producer->id + 1 : 0; i < g->nodes.n; i++)
        for (int j = 0; j < g->nodes.v[i]->n_in; j++)
            if (g->nodes.v[i]->in[j] == v)
                return g->nodes.v[i];
    return NULL;
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
    int *first = NEW_ARRAY(g->arena, int, g->values.n + 1); /* users of value v: user[first[v] .. first[v+1]) */
    for (int i = 0; i < g->nodes.n; i++)
        for (int j = 0; j < g->nodes.v[i]->n_in; j++) {
            const struct value *v = g->nodes.v[i]->in[j];
            if (v && v->producer) {
                waits[i]++;
                first[v->id + 1]++;
            }
        }
    for (int i = 0; i < g->values.n; i++)
        first[i + 1] += first[i];
    int *user = NEW_ARRAY(g->arena, int, first[g->values.n]);
    int *fill = vn_arena_copy(g->arena, first, (size_t)(g->values.n + 1) * sizeof *first);
    for (int i = 0; i < g->nodes.n; i++)
        for (int j = 0; j < g->nodes.v[i]->n_in; j++) {
            const struct value *v = g->nodes.v[i]->in[j];
            if (v && v->producer)
                user[fill[v->id]++] = i;
        }
    struct node **order = NEW_ARRAY(g->arena, struct node *, g->nodes.n);
    int done = 0;
    for (int i = 0; i < g->nodes.n; i++)
        if (!waits[i])
            order[done++] = g->nodes.v[i];
    for (int at = 0; at < done; at++)
        for (int j = 0; j < order[at]->n_out; j++) {
            const struct value *v = order[at]->out[j];
            for (int u = v ? first[v->id] : 0; v && u < first[v->id + 1]; u++)
                if (--waits[user[u]] == 0)
                    order[done++] = g->nodes.v[user[u]];
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
        return vn_fail(e, VN_E_INTERNAL, "%s: constant %s has another shape than its contents", g->source, v->name);
    if (v->data && v->producer)
        return vn_fail(e, VN_E_INTERNAL, "%s: constant %s has a producer", g->source, v->name);
    if (v->q && v->q->n != 1 && (v->q->axis < 0 || v->q->axis >= v->shape.rank || v->shape.d[v->q->axis] != v->q->n))
        return vn_fail(e, VN_E_INTERNAL, "%s: scales of %s do not fit its shape", g->source, v->name);
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
                return vn_fail(e, VN_E_INTERNAL, "%s: node %s reads %s before it is made", g->source, n->name, n->in[j]->name);
        for (int j = 0; j < n->n_out; j++)
            if (n->out[j] && made[n->out[j]->id]++)
                return vn_fail(e, VN_E_INTERNAL, "%s: node %s makes %s a second time", g->source, n->name, n->out[j]->name);
    }
    for (int i = 0; i < g->outputs.n; i++)
        if (!made[g->outputs.v[i]->id])
            return vn_fail(e, VN_E_INTERNAL, "%s: output %s is never made", g->source, g->outputs.v[i]->name);
    return VN_OK;
}

const struct qparam *vn_qparam_new(struct vn_arena *a, enum vn_dtype t, int axis, int n, const float *scale, const int32_t *zero)
{
    struct qparam *q = NEW(a, struct qparam);
    *q = (struct qparam){ .dtype = t, .axis = axis, .n = n };
    q->scale = vn_arena_copy(a, scale, (size_t)n * sizeof *scale);
    q->zero = zero ? vn_arena_copy(a, zero, (size_t)n * sizeof *zero) : vn_arena_array(a, (size_t)n, sizeof *zero);
    return q;
}

int vn_qparam_equal(const struct qparam *a, const struct qparam *b)
{
    if (!a || !b)
        return a == b;
    return a->dtype == b->dtype && a->axis == b->axis && a->n == b->n &&
           !memcmp(a->scale, b->scale, (size_t)a->n * sizeof *a->scale) && !memcmp(a->zero, b->zero, (size_t)a->n * sizeof *a->zero);
}
