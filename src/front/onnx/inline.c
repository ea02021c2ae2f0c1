/* Calls of the model's own functions and If nodes with a constant condition become the nodes that they stand for.
 *
 * Names inside get the caller's name in front, so that two calls do not meet. A function may call others; a file in which one calls
 * itself is refused by a limit on the number of nodes and of calls within calls. Functions of our own domain are operators and stay. */
#include <stdio.h>

#include "front/onnx/draft.h"

enum { MAX_NODES = 1 << 20, MAX_CALLS = 64 };

struct inliner {
    struct vn_arena *arena;
    const struct onnx_model *model;
    const char *path;
    struct vn_err *e;
    VEC(struct onnx_node) nodes;
    VEC(struct onnx_tensor) constants;
    struct vn_map *known; /* constant tensors: name -> struct onnx_tensor */
    int expanded;
};

static int fail(const struct inliner *s, const struct onnx_node *n, int code, const char *what)
{
    return vn_fail(s->e, code, "%s: node %s (%s): %s", s->path, n->name && *n->name ? n->name : vn_onnx_out(n, 0), n->op_type, what);
}

static const char *domain_of(const char *d) { return !d || !strcmp(d, "ai.onnx") ? "" : d; }

static const struct onnx_function *function_of(const struct inliner *s, const struct onnx_node *n)
{
    const struct onnx_function *f = s->model->functions.v;
    if (!n->op_type || !strcmp(domain_of(n->domain), ONNX_OUR_DOMAIN))
        return NULL;
    for (int i = 0; i < s->model->functions.n; i++)
        if (f[i].name && !strcmp(f[i].name, n->op_type) && !strcmp(domain_of(f[i].domain), domain_of(n->domain)))
            return &f[i];
    return NULL;
}

static int is_if(const struct onnx_node *n) { return n->op_type && !strcmp(n->op_type, "If") && !*domain_of(n->domain); }

/* ---- copying a body ---- */

/* What the names of a body are called outside. */
struct scope {
    struct vn_map *names;
    const char *prefix;
    const struct onnx_node *caller;       /* whose attributes the body refers to; NULL: none */
    const struct onnx_function *function; /* its defaults */
    int outer_names;                      /* names that the body does not make are those outside (If) */
};

static const char *renamed(const struct inliner *s, const struct scope *c, const char *name)
{
    if (!name || !*name)
        return "";
    const char *known = vn_map_get(c->names, name);
    if (!known) {
        known = c->outer_names ? name : vn_arena_fmt(s->arena, "%s/%s", c->prefix, name);
        vn_map_set(c->names, name, (void *)(uintptr_t)known);
    }
    return known;
}

static struct wire_list renamed_list(const struct inliner *s, const struct scope *c, const struct wire_list *l)
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
    for (int i = 0; i < nodes->n; i++)
        for (int k = 0; c->outer_names && k < n[i].out.n; k++) { /* what an If's branch makes is its own */
            const char *name = vn_onnx_out(&n[i], k);
            if (*name && !vn_map_get(c->names, name))
                vn_map_set(c->names, name, (void *)(uintptr_t)vn_arena_fmt(s->arena, "%s/%s", c->prefix, name));
        }
    for (int i = 0; i < nodes->n; i++) {
        struct onnx_node copy = n[i];
        copy.name = vn_arena_fmt(s->arena, "%s/%s", c->prefix, n[i].name && *n[i].name ? n[i].name : n[i].op_type ? n[i].op_type : "");
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

static int call_function(struct inliner *s, const struct onnx_node *n, const struct onnx_function *f, int depth)
{
    struct scope c = { vn_map_new(s->arena), prefix_of(s, n), n, f, 0 };
    if (!same_opset(s, f))
        return fail(s, n, VN_E_UNSUPPORTED, "a function of the model with another operator set than the model itself");
    if (n->in.n > f->inputs.n || n->out.n > f->outputs.n)
        return fail(s, n, VN_E_INPUT, "has more inputs or outputs than the function of the model");
    for (int i = 0; i < f->inputs.n; i++)
        vn_map_set(c.names, ((const char *const *)f->inputs.v)[i], (void *)(uintptr_t)vn_onnx_in(n, i));
    for (int i = 0; i < n->out.n; i++)
        if (*vn_onnx_out(n, i))
            vn_map_set(c.names, ((const char *const *)f->outputs.v)[i], (void *)(uintptr_t)vn_onnx_out(n, i));
    return copy_nodes(s, &c, &f->nodes, depth);
}

/* ---- If ---- */

static void note_constant(struct inliner *s, const struct onnx_node *n)
{
    const struct onnx_attr *x = vn_onnx_attr(n, "value");
    if (n->op_type && !strcmp(n->op_type, "Constant") && n->out.n == 1 && x && x->t)
        vn_map_set(s->known, vn_onnx_out(n, 0), x->t);
}

/* 0, 1, or -1 where the condition is no constant. */
static int condition(const struct inliner *s, const struct onnx_node *n)
{
    struct external_files none = { .arena = s->arena };
    struct onnx_tensor *raw = vn_map_get(s->known, vn_onnx_in(n, 0));
    const struct vn_tensor *t;
    if (!raw || vn_onnx_tensor_read(&t, raw, &none, "condition", NULL) < 0 || vn_shape_count(&t->shape) != 1)
        return -1;
    return vn_tensor_i64(t, 0) != 0;
}

static int take_branch(struct inliner *s, const struct onnx_node *n, int depth)
{
    const int which = condition(s, n);
    if (which < 0)
        return fail(s, n, VN_E_UNSUPPORTED, "the condition is computed at run time; export the model with it fixed, or simplify the model so that it becomes a constant");
    const struct onnx_attr *x = vn_onnx_attr(n, which ? "then_branch" : "else_branch");
    if (!x || !x->g)
        return fail(s, n, VN_E_INPUT, which ? "has no then_branch" : "has no else_branch");
    const struct onnx_graph *g = x->g;
    if (g->outputs.n != n->out.n || g->sparse_initializers)
        return fail(s, n, VN_E_INPUT, "the branch has another number of outputs than the node, or sparse initializers");
    struct scope c = { vn_map_new(s->arena), prefix_of(s, n), NULL, NULL, 1 };
    for (int i = 0; i < g->initializers.n; i++) {
        struct onnx_tensor t = ((const struct onnx_tensor *)g->initializers.v)[i];
        if (!t.name)
            return fail(s, n, VN_E_INPUT, "the branch has an initializer without a name");
        const char *name = vn_arena_fmt(s->arena, "%s/%s", c.prefix, t.name);
        vn_map_set(c.names, t.name, (void *)(uintptr_t)name);
        t.name = name;
        VEC_PUSH(s->arena, &s->constants, t);
    }
    TRY(copy_nodes(s, &c, &g->nodes, depth));
    for (int i = 0; i < n->out.n; i++) { /* the branch's results under the node's names */
        const struct onnx_value_info *o = (const struct onnx_value_info *)g->outputs.v + i;
        struct onnx_node same = { .op_type = "Identity", .name = vn_arena_fmt(s->arena, "%s/output%d", c.prefix, i) };
        *(const char **)vn_wire_append(s->arena, &same.in, sizeof(char *)) = renamed(s, &c, o->name);
        *(const char **)vn_wire_append(s->arena, &same.out, sizeof(char *)) = vn_onnx_out(n, i);
        VEC_PUSH(s->arena, &s->nodes, same);
    }
    return VN_OK;
}

/* ---- all nodes ---- */

static int settle(struct inliner *s, const struct onnx_node *n, int depth)
{
    const struct onnx_function *f = function_of(s, n);
    if (depth > MAX_CALLS || s->nodes.n > MAX_NODES || s->expanded > MAX_NODES)
        return fail(s, n, VN_E_INPUT, "the model's functions call each other without end, or make too many nodes");
    if (!f && !is_if(n)) {
        note_constant(s, n);
        VEC_PUSH(s->arena, &s->nodes, *n);
        return VN_OK;
    }
    s->expanded++;
    return f ? call_function(s, n, f, depth) : take_branch(s, n, depth);
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
    struct inliner s = { .arena = a, .model = m, .path = path, .e = e, .known = vn_map_new(a) };
    struct onnx_graph *g = m->graph;
    if (!g || !anything(&s, g))
        return VN_OK;
    struct onnx_tensor *t = g->initializers.v;
    for (int i = 0; i < g->initializers.n; i++) {
        if (t[i].name)
            vn_map_set(s.known, t[i].name, &t[i]);
        VEC_PUSH(a, &s.constants, t[i]);
    }
    for (int i = 0; i < g->nodes.n; i++)
        TRY(settle(&s, (const struct onnx_node *)g->nodes.v + i, 0));
    g->nodes = (struct wire_list){ s.nodes.v, s.nodes.n, s.nodes.cap };
    g->initializers = (struct wire_list){ s.constants.v, s.constants.n, s.constants.cap };
    return VN_OK;
}
