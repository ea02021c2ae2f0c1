/* Calls of the model's own functions become the nodes that they stand for, and If nodes get what their
 * branches read as inputs.
 *
 * Names inside get the caller's name in front, so that two calls do not meet. A function may call others; a
 * file in which one calls itself is refused by a limit on the number of nodes and of calls within calls.
 * Functions of our own domain are operators and stay. */
#include <stdio.h>

#include "front/onnx/draft.h"

enum { MAX_NODES = 1 << 20, MAX_CALLS = 64 };

struct inliner {
    struct vn_arena *arena;
    const struct onnx_model *model;
    const char *path;
    struct vn_err *e;
    VEC(struct onnx_node) nodes;
    int expanded;
};

static int fail(const struct inliner *s, const struct onnx_node *n, int code, const char *what)
{
    return vn_fail(s->e, code, "%s: node %s (%s): %s", s->path,
                   n->name && *n->name ? n->name : vn_onnx_out(n, 0), n->op_type, what);
}

static const char *domain_of(const char *d) { return !d || !strcmp(d, "ai.onnx") ? "" : d; }

static const struct onnx_function *function_of(const struct inliner *s, const struct onnx_node *n)
{
    const struct onnx_function *f = s->model->functions.v;
    if (!n->op_type || !strcmp(domain_of(n->domain), ONNX_OUR_DOMAIN))
        return NULL;
    for (int i = 0; i < s->model->functions.n; i++)
        if (f[i].name && !strcmp(f[i].name, n->op_type) &&
            !strcmp(domain_of(f[i].domain), domain_of(n->domain)))
            return &f[i];
    return NULL;
}

static int is_if(const struct onnx_node *n)
{
    return n->op_type && !strcmp(n->op_type, "If") && !*domain_of(n->domain);
}

/* ---- copying a body ---- */

/* What the names of a body are called outside. */
struct scope {
    struct vn_map *names;
    const char *prefix;
    const struct onnx_node *caller; /* whose attributes the body refers to; NULL: none */
    const struct onnx_function *function; /* its defaults */
};

static const char *renamed(const struct inliner *s, const struct scope *c, const char *name)
{
    if (!name || !*name)
        return "";
    const char *known = vn_map_get(c->names, name);
    if (!known) {
        known = vn_arena_fmt(s->arena, "%s/%s", c->prefix, name);
        vn_map_set(c->names, name, (void *)(uintptr_t)known);
    }
    return known;
}

static struct wire_list renamed_list(const struct inliner *s, const struct scope *c,
                                     const struct wire_list *l)
{
    const char **v = NEW_ARRAY(s->arena, const char *, l->n);
    for (int i = 0; i < l->n; i++)
        v[i] = renamed(s, c, ((const char *const *)l->v)[i]);
    return (struct wire_list){ v, l->n, l->n };
}

/* The attribute that `name` of the caller stands for; NULL: neither given nor with a default. */
static const struct onnx_attr *bound(const struct scope *c, const char *name)
{
    const struct onnx_attr *x = c->caller ? vn_onnx_attr(c->caller, name) : NULL;
    const struct onnx_attr *d = c->function ? c->function->attr_defaults.v : NULL;
    for (int i = 0; !x && c->function && i < c->function->attr_defaults.n; i++)
        if (d[i].name && !strcmp(d[i].name, name))
            x = &d[i];
    return x;
}

static struct wire_list bound_attrs(const struct inliner *s, const struct scope *c, const struct wire_list *l)
{
    struct onnx_attr *v = NEW_ARRAY(s->arena, struct onnx_attr, l->n);
    int n = 0;
    for (int i = 0; i < l->n; i++) {
        const struct onnx_attr *x = (const struct onnx_attr *)l->v + i;
        const struct onnx_attr *b = x->ref_attr_name && *x->ref_attr_name ? bound(c, x->ref_attr_name) : x;
        if (!b)
            continue; /* the operator's own default */
        v[n] = *b;
        v[n++].name = x->name;
    }
    return (struct wire_list){ v, n, n };
}

static int settle(struct inliner *s, const struct onnx_node *n, int depth);

static int copy_nodes(struct inliner *s, const struct scope *c, const struct wire_list *nodes, int depth)
{
    const struct onnx_node *n = nodes->v;
    for (int i = 0; i < nodes->n; i++) {
        struct onnx_node copy = n[i];
        copy.name = vn_arena_fmt(s->arena, "%s/%s", c->prefix,
                                 n[i].name && *n[i].name ? n[i].name
                                 : n[i].op_type          ? n[i].op_type
                                                         : "");
        copy.in = renamed_list(s, c, &n[i].in);
        copy.out = renamed_list(s, c, &n[i].out);
        copy.attrs = bound_attrs(s, c, &n[i].attrs);
        TRY(settle(s, &copy, depth + 1));
    }
    return VN_OK;
}

static const char *prefix_of(const struct inliner *s, const struct onnx_node *n)
{
    return n->name && *n->name ? n->name : vn_arena_fmt(s->arena, "%s_%s", n->op_type, vn_onnx_out(n, 0));
}

static int same_opset(const struct inliner *s, const struct onnx_function *f)
{
    const struct onnx_opset *a = f->opsets.v, *b = s->model->opsets.v;
    for (int i = 0; i < f->opsets.n; i++)
        for (int k = 0; k < s->model->opsets.n; k++)
            if (!*domain_of(a[i].domain) && !*domain_of(b[k].domain) && a[i].version != b[k].version)
                return 0;
    return 1;
}

static int call_function(struct inliner *s, const struct onnx_node *n, const struct onnx_function *f,
                         int depth)
{
    struct scope c = { vn_map_new(s->arena), prefix_of(s, n), n, f };
    if (!same_opset(s, f))
        return fail(s, n, VN_E_UNSUPPORTED, "a function with an operator set that differs from the model's");
    if (n->in.n > f->inputs.n || n->out.n > f->outputs.n)
        return fail(s, n, VN_E_INPUT, "has more inputs or outputs than its function");
    for (int i = 0; i < f->inputs.n; i++)
        vn_map_set(c.names, ((const char *const *)f->inputs.v)[i], (void *)(uintptr_t)vn_onnx_in(n, i));
    for (int i = 0; i < n->out.n; i++)
        if (*vn_onnx_out(n, i))
            vn_map_set(c.names, ((const char *const *)f->outputs.v)[i], (void *)(uintptr_t)vn_onnx_out(n, i));
    return copy_nodes(s, &c, &f->nodes, depth);
}

/* ---- all nodes ---- */

static int settle(struct inliner *s, const struct onnx_node *n, int depth)
{
    const struct onnx_function *f = function_of(s, n);
    if (depth > MAX_CALLS || s->nodes.n > MAX_NODES || s->expanded > MAX_NODES)
        return fail(s, n, VN_E_INPUT, "the model's functions are recursive, or expand to too many nodes");
    s->expanded++;
    if (f)
        return call_function(s, n, f, depth);
    struct onnx_node copy = *n;
    const struct wire_list read = is_if(n) ? vn_onnx_captured(n, s->arena) : (struct wire_list){ 0 };
    const int first = copy.in.n;
    for (int i = 0; i < read.n; i++)
        vn_onnx_set_in(s->arena, &copy, first + i, ((const char *const *)read.v)[i]);
    VEC_PUSH(s->arena, &s->nodes, copy);
    return VN_OK;
}

static int anything(const struct inliner *s, const struct onnx_graph *g)
{
    const struct onnx_node *n = g->nodes.v;
    for (int i = 0; i < g->nodes.n; i++)
        if (is_if(&n[i]) || function_of(s, &n[i]))
            return 1;
    return 0;
}

int vn_onnx_inline(struct onnx_model *m, struct vn_arena *a, const char *path, struct vn_err *e)
{
    struct inliner s = { .arena = a, .model = m, .path = path, .e = e };
    struct onnx_graph *g = m->graph;
    if (!g || !anything(&s, g))
        return VN_OK;
    for (int i = 0; i < g->nodes.n; i++)
        TRY(settle(&s, (const struct onnx_node *)g->nodes.v + i, 0));
    g->nodes = (struct wire_list){ s.nodes.v, s.nodes.n, s.nodes.cap };
    return VN_OK;
}
