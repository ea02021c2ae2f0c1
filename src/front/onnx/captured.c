/* Which outer names the branches of an If read. */
#include "front/onnx/draft.h"

struct names {
    struct vn_arena *arena;
    struct vn_map *seen; /* made inside, or noted already */
    struct wire_list read;
};

static void note(struct names *s, const char *name)
{
    if (!name || !*name || vn_map_get(s->seen, name))
        return;
    vn_map_set(s->seen, name, s);
    *(const char **)vn_wire_append(s->arena, &s->read, sizeof name) = name;
}

static void make(struct names *s, const char *name)
{
    if (name && *name)
        vn_map_set(s->seen, name, s);
}

/* Names inside a graph and the graphs within; the reader's limit on nesting bounds the depth. */
static void walk(struct names *s, const struct onnx_graph *g)
{
    const struct onnx_node *n = g->nodes.v;
    for (int i = 0; i < g->initializers.n; i++)
        make(s, ((const struct onnx_tensor *)g->initializers.v)[i].name);
    for (int i = 0; i < g->nodes.n; i++) {
        for (int k = 0; k < n[i].in.n; k++)
            note(s, vn_onnx_in(&n[i], k));
        for (int k = 0; k < n[i].attrs.n; k++)
            if (((const struct onnx_attr *)n[i].attrs.v)[k].g)
                walk(s, ((const struct onnx_attr *)n[i].attrs.v)[k].g);
        for (int k = 0; k < n[i].out.n; k++)
            make(s, vn_onnx_out(&n[i], k));
    }
    for (int i = 0; i < g->outputs.n; i++)
        note(s, ((const struct onnx_value_info *)g->outputs.v)[i].name);
}

struct wire_list vn_onnx_captured(const struct onnx_node *n, struct vn_arena *a)
{
    static const char *const branches[] = { "then_branch", "else_branch" };
    struct wire_list all = { 0 };
    struct vn_map *listed = vn_map_new(a);
    for (int k = 0; k < 2; k++) {
        const struct onnx_attr *x = vn_onnx_attr(n, branches[k]);
        struct names s = { a, vn_map_new(a), { 0 } };
        if (x && x->g)
            walk(&s, x->g);
        for (int i = 0; i < s.read.n; i++) {
            const char *name = ((const char *const *)s.read.v)[i];
            if (vn_map_get(listed, name))
                continue;
            vn_map_set(listed, name, listed);
            *(const char **)vn_wire_append(a, &all, sizeof name) = name;
        }
    }
    return all;
}
