/* Removes nodes whose results are unused. */
#include "passes/pass.h"

static int run(struct graph *g, struct vn_err *e)
{
    (void)e;
    int changes = 0;
    for (int i = g->nodes.n - 1; i >= 0; i--) {
        struct node *n = g->nodes.v[i];
        int used = 0;
        for (int k = 0; k < n->n_out; k++)
            used |= n->out[k] && vn_graph_uses(n->out[k]);
        if (used)
            continue;
        vn_graph_remove(g, n);
        changes++;
    }
    return changes;
}

const struct pass vn_pass_dead_code = { .name = "dead_code",
                                        .help = "remove nodes that no output depends on",
                                        .run = run };
