/* Nodes that only give another shape (Reshape, Flatten, Squeeze, Unsqueeze, Transpose of axes of size 1) in a
 * row: one Reshape. */
#include "ops/op.h"
#include "passes/pass.h"

static int only_reshapes(const struct node *n)
{
    if (!n || !n->n_in || !n->in[0] || n->in[0]->dtype != VN_F32 || n->in[0]->bounded)
        return 0;
    return n->op->elements == ELEMENTS_KEPT ||
           (n->op->elements == ELEMENTS_PERMUTED && n->op->keeps_order(n));
}

static void become_reshape(struct graph *g, struct node *n, struct value *x)
{
    const struct vn_shape *s = &n->out[0]->shape;
    struct value *y = n->out[0],
                 *in[2] = { x, vn_graph_const_i64(g, vn_arena_fmt(g->arena, "%s_shape", n->name), s->rank,
                                                  s->d) };
    vn_graph_node_before(g, n, &vn_op_reshape, n->name, 2, in, 1, &y);
    vn_graph_remove(g, n);
}

static int run(struct graph *g, struct vn_err *e)
{
    (void)e;
    int changes = 0;
    for (int i = 0; i < g->nodes.n; i++) {
        struct node *n = g->nodes.v[i], *first = n->n_in && n->in[0] ? n->in[0]->producer : NULL;
        if (!only_reshapes(n) || !only_reshapes(first) || vn_graph_uses(n->in[0]) != 1 ||
            !vn_shape_count(&n->out[0]->shape))
            continue;
        vn_graph_note_folded(g, n->in[0]->name, n->name);
        become_reshape(g, n, first->in[0]);
        vn_graph_remove(g, first);
        changes++;
        i--; /* the merged one stands here now */
    }
    return changes;
}

const struct pass vn_pass_merge_reshapes = { .name = "merge_reshapes",
                                             .help = "consecutive changes of shape become one Reshape",
                                             .run = run };
