/* A network as JSON: nodes, values, and where both are drawn. */
#include <math.h>

#include "report/html_report.h"
#include "report/report.h"

#define NODE_WIDTH 118.0 /* pixels; the slowest node is twice as wide */
#define NODE_HEIGHT 36.0

struct drawn {
    const char *name, *type;
    int integer;
    VEC(int) in, out; /* values */
};

struct drawing {
    struct vn_arena *arena;
    VEC(struct drawn) nodes;
    int n_values;
    struct vn_view *values;
    int *maker; /* node of each value; -1: none */
    const json_t *ms;
    double most;
};

/* ---- from a graph or a program ---- */

static void read_graph(struct drawing *d, const struct vn_session *s)
{
    struct vn_node_info node;
    d->n_values = vn_session_values(s);
    d->values = NEW_ARRAY(d->arena, struct vn_view, d->n_values);
    for (int i = 0; i < d->n_values; i++)
        vn_session_value_info(s, i, &d->values[i]);
    for (int i = 0; vn_session_node(s, i, &node) == VN_OK; i++) {
        struct drawn n = { .name = node.name, .type = node.type, .integer = node.integer };
        for (int k = 0; k < node.n_in; k++)
            if (vn_session_node_input(s, i, k) >= 0)
                VEC_PUSH(d->arena, &n.in, vn_session_node_input(s, i, k));
        for (int k = 0; k < node.n_out; k++)
            if (vn_session_node_output(s, i, k) >= 0)
                VEC_PUSH(d->arena, &n.out, vn_session_node_output(s, i, k));
        VEC_PUSH(d->arena, &d->nodes, n);
    }
}

static struct drawn *node_of(struct drawing *d, struct vn_map *by_name, const struct vn_instruction *i)
{
    int *at = vn_map_get(by_name, i->node);
    if (!at) {
        at = NEW(d->arena, int);
        *at = d->nodes.n;
        VEC_PUSH(d->arena, &d->nodes, ((struct drawn){ .name = i->node, .type = i->opcode }));
        vn_map_set(by_name, i->node, at);
    }
    return &d->nodes.v[*at];
}

/* A node is all instructions that carry its name. */
static void read_program(struct drawing *d, const struct vn_model *m)
{
    struct vn_map *by_name = vn_map_new(d->arena);
    struct vn_instruction i;
    d->n_values = vn_model_tensors(m);
    d->values = NEW_ARRAY(d->arena, struct vn_view, d->n_values);
    for (int t = 0; t < d->n_values; t++)
        vn_model_tensor(m, t, &d->values[t]);
    for (int k = 0; vn_model_instruction(m, k, &i) == VN_OK; k++) {
        struct drawn *n = node_of(d, by_name, &i);
        for (int x = 0; x < i.n_in; x++)
            VEC_PUSH(d->arena, &n->in, i.in[x]);
        if (i.out >= 0) {
            VEC_PUSH(d->arena, &n->out, i.out);
            n->integer |= d->values[i.out].dtype == VN_I8 || d->values[i.out].dtype == VN_I16;
        }
    }
}

/* ---- sizes and places ---- */

static double ms_of(const struct drawing *d, const char *name)
{
    const double ms = json_number_value(json_object_get(d->ms, name));
    return ms > 0 ? ms : 0;
}

static void add_edges(struct drawing *d, struct vn_layout *l)
{
    VEC(struct vn_layout_edge) edges = { 0 };
    d->maker = NEW_ARRAY(d->arena, int, d->n_values);
    for (int v = 0; v < d->n_values; v++)
        d->maker[v] = -1;
    for (int i = 0; i < d->nodes.n; i++)
        for (int k = 0; k < d->nodes.v[i].out.n; k++)
            d->maker[d->nodes.v[i].out.v[k]] = i;
    for (int i = 0; i < d->nodes.n; i++)
        for (int k = 0; k < d->nodes.v[i].in.n; k++) {
            const int from = d->maker[d->nodes.v[i].in.v[k]];
            if (from >= 0 && from < i)
                VEC_PUSH(d->arena, &edges, ((struct vn_layout_edge){ .from = from, .to = i }));
        }
    l->edges = edges.v;
    l->n_edges = edges.n;
}

static void place(struct drawing *d, struct vn_layout *l)
{
    *l = (struct vn_layout){ .n = d->nodes.n,
                             .w = NEW_ARRAY(d->arena, float, d->nodes.n),
                             .h = NEW_ARRAY(d->arena, float, d->nodes.n) };
    for (int i = 0; i < d->nodes.n; i++)
        d->most = fmax(d->most, ms_of(d, d->nodes.v[i].name));
    for (int i = 0; i < d->nodes.n; i++) {
        const double share = d->most > 0 ? sqrt(ms_of(d, d->nodes.v[i].name) / d->most) : 0;
        l->w[i] = (float)(NODE_WIDTH * (1 + share));
        l->h[i] = (float)(NODE_HEIGHT * (1 + share / 2));
    }
    add_edges(d, l);
    vn_layout_place(l, d->arena);
}

/* ---- JSON ---- */

static json_t *tenth(double x) { return json_real(round(x * 10) / 10); }

static json_t *ints(const int *v, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_integer(v[i]));
    return list;
}

static json_t *node_json(const struct drawn *n, const struct vn_layout *l, int i)
{
    return json_pack("{s:o, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "name", vn_json_text(n->name), "type",
                     n->type, "integer", n->integer, "in", ints(n->in.v, n->in.n), "out",
                     ints(n->out.v, n->out.n), "x", tenth(l->x[i]), "y", tenth(l->y[i]), "w", tenth(l->w[i]),
                     "h", tenth(l->h[i]));
}

static json_t *value_json(const struct vn_view *v)
{
    float least = v->n_scale ? v->scale[0] : 0, most = least;
    for (int i = 1; i < v->n_scale; i++) {
        least = fminf(least, v->scale[i]);
        most = fmaxf(most, v->scale[i]);
    }
    json_t *o = json_pack("{s:o, s:s, s:o}", "name", vn_json_text(v->name), "dtype", vn_text_dtype(v->dtype),
                          "shape", vn_json_shape(v->rank, v->shape));
    if (v->constant)
        json_object_set_new(o, "constant", json_true());
    if (v->n_scale)
        json_object_update_new(o, json_pack("{s:o, s:o, s:i, s:i}", "scale", vn_json_real(least), "scale_max",
                                            vn_json_real(most), "scales", v->n_scale, "zero",
                                            v->zero ? v->zero[0] : 0));
    return o;
}

static json_t *edge_json(const struct vn_layout_edge *x)
{
    json_t *o = json_array();
    json_array_append_new(o, json_integer(x->from));
    json_array_append_new(o, json_integer(x->to));
    for (int i = 0; i < 2 * x->n; i++)
        json_array_append_new(o, tenth(x->xy[i]));
    return o;
}

json_t *vn_json_network(const struct vn_session *s, const json_t *ms, struct vn_arena *a)
{
    struct drawing d = { .arena = a, .ms = ms };
    struct vn_layout l;
    struct vn_graph_info graph;
    if (vn_session_graph_info(s, &graph) == VN_OK)
        read_graph(&d, s);
    else if (vn_session_model(s))
        read_program(&d, vn_session_model(s));
    if (!d.nodes.n)
        return NULL;
    place(&d, &l);
    json_t *nodes = json_array(), *values = json_array(), *edges = json_array();
    for (int i = 0; i < d.nodes.n; i++)
        json_array_append_new(nodes, node_json(&d.nodes.v[i], &l, i));
    for (int i = 0; i < d.n_values; i++)
        json_array_append_new(values, value_json(&d.values[i]));
    for (int i = 0; i < l.n_edges; i++)
        json_array_append_new(edges, edge_json(&l.edges[i]));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "file", vn_json_text(vn_session_path(s)), "width",
                     tenth(l.width), "height", tenth(l.height), "nodes", nodes, "values", values, "edges",
                     edges);
}
