/* Sum, Max and Min of more than two inputs become chains of pairs, left to right: pairs have integer forms.
 */
#include "ops/op.h"
#include "passes/pass.h"

/* a op b as a node of its own in front of n. */
static struct value *pair(struct graph *g, struct node *n, struct value *a, struct value *b, int i)
{
    struct vn_shape s;
    if (vn_shape_broadcast(&s, &a->shape, &b->shape, NULL) < 0)
        return NULL;
    struct value *y =
        vn_graph_value(g, vn_arena_fmt(g->arena, "%s_first%d", n->out[0]->name, i + 1), n->out[0]->dtype, &s);
    vn_graph_node_before(g, n, n->op, vn_arena_fmt(g->arena, "%s_first%d", n->name, i + 1), 2,
                         (struct value *[]){ a, b }, 1, &y);
    return y;
}

static int rewrite(struct graph *g, struct node *n)
{
    struct value *all = n->in[0];
    for (int i = 0; i < n->n_in; i++)
        if (!n->in[i])
            return 0;
    for (int i = 1; i + 1 < n->n_in; i++)
        if (!(all = pair(g, n, all, n->in[i], i)))
            return 0;
    vn_graph_node_before(g, n, n->op, n->name, 2, (struct value *[]){ all, n->in[n->n_in - 1] }, 1, n->out);
    vn_graph_remove(g, n);
    return 1;
}

static int run(struct graph *g, struct vn_err *e)
{
    (void)e;
    int changes = 0;
    for (int i = 0; i < g->nodes.n; i++)
        if (g->nodes.v[i]->op->associative && g->nodes.v[i]->n_in > 2 && rewrite(g, g->nodes.v[i])) {
            changes++;
            i--; /* the pairs stand here now */
        }
    return changes;
}

const struct pass vn_pass_pair_variadic = {
    .name = "pair_variadic",
    .help = "Sum, Max and Min of many inputs become pairs",
    .run = run,
};
