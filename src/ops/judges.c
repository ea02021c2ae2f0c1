/* What outputs are judged by: integers and booleans by the last float tensors in front of them, which change
 * before an index does. */
#include "ops/op.h"

struct front {
    struct vn_arena *arena;
    unsigned char *seen; /* by value id */
    VEC(struct value *) floats; /* in an order that the structure of the graph gives */
};

/* A chain is as long as the network: no recursion. */
static void find_front(struct front *f, struct value *from)
{
    VEC(struct value *) todo = { 0 };
    VEC_PUSH(f->arena, &todo, from);
    while (todo.n) {
        struct value *v = todo.v[--todo.n];
        const int is_float = vn_dtype_is_float(v->dtype);
        if (f->seen[v->id])
            continue;
        f->seen[v->id] = 1;
        if (is_float && !v->data)
            VEC_PUSH(f->arena, &f->floats, v);
        for (int i = 0; !is_float && v->producer && i < v->producer->n_in; i++)
            if (v->producer->in[i] && !v->producer->in[i]->data)
                VEC_PUSH(f->arena, &todo, v->producer->in[i]);
    }
}

static struct front find(struct vn_arena *a, const struct graph *g)
{
    struct front f = { a, NEW_ARRAY(a, unsigned char, g->values.n), { 0 } };
    for (int i = 0; i < g->outputs.n; i++)
        find_front(&f, g->outputs.v[i]);
    return f;
}

const unsigned char *vn_graph_judges(struct vn_arena *a, const struct graph *g) { return find(a, g).seen; }

void vn_graph_add_judges(struct graph *g)
{
    const struct front f = find(g->arena, g);
    for (int i = 0; i < f.floats.n; i++)
        if (!vn_graph_is_output(f.floats.v[i]))
            vn_graph_add_output(g, f.floats.v[i]);
}
