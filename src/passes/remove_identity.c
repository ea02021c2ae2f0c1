/* Nodes that hand their input through: Identity, Dropout at inference, and anything whose result is its
 * input. */
#include "ops/op.h"
#include "passes/pass.h"

static int hands_through(const struct node *n)
{
    const struct value *x = n->in[0], *y = n->out[0];
    if (x->dtype != y->dtype || !vn_shape_equal(&x->shape, &y->shape))
        return 0;
    return n->op->elements == ELEMENTS_KEPT || n->op->elements == ELEMENTS_CONVERTED ||
           (n->op->is_identity && n->op->is_identity(n));
}

static int extra_outputs_used(const struct node *n)
{
    for (int i = 1; i < n->n_out; i++)
        if (n->out[i] && vn_graph_uses(n->out[i]))
            return 1;
    return 0;
}

static int run(struct graph *g, struct vn_err *e)
{
    (void)e;
    int changes = 0;
    for (int i = g->nodes.n - 1; i >= 0; i--) {
        struct node *n = g->nodes.v[i];
        if (n->n_in && n->in[0] && n->out[0] && hands_through(n) && !extra_outputs_used(n))
            changes += vn_pass_bypass(g, n);
    }
    return changes;
}

const struct pass vn_pass_remove_identity = {
    .name = "remove_identity",
    .help = "remove Identity, Dropout and other nodes without effect",
    .run = run,
};
