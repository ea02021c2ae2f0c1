/* Shape inference and constant folding in one walk: the shape of a Reshape is known once the arithmetic in front of it has been
 * computed. */
#include "interp/interp.h"
#include "ops/op.h"
#include "passes/pass.h"

/* Folding must not blow up a small file: ConstantOfShape and Expand can ask for any size. */
#define MAX_FOLDED ((int64_t)1 << 28)

static int all_constant(const struct node *n)
{
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i] && !n->in[i]->data)
            return 0;
    return 1;
}

static int small_enough(const struct node *n)
{
    for (int i = 0; i < n->n_out; i++)
        if (n->out[i] && vn_shape_count(&n->out[i]->shape) > MAX_FOLDED)
            return 0;
    return 1;
}

static void make_constant(struct graph *g, struct value *v, const struct vn_tensor *t)
{
    v->data = t;
    v->dtype = t->dtype;
    v->shape = t->shape;
    v->producer = NULL;
    vn_graph_note_folded(g, v->name, NULL);
}

static int fold(struct graph *g, struct node *n, struct vn_err *e)
{
    struct vn_tensor **out = NEW_ARRAY(g->arena, struct vn_tensor *, n->n_out);
    TRY(vn_interp_node(g->arena, n, out, e));
    for (int i = 0; i < n->n_out; i++)
        if (n->out[i])
            make_constant(g, n->out[i], out[i]);
    return VN_OK;
}

static int run(struct graph *g, struct vn_err *e)
{
    int changes = 0, kept = 0;
    for (int i = 0; i < g->nodes.n; i++) {
        struct node *n = g->nodes.v[i];
        TRY(n->op->infer(n, e));
        if ((n->op->reads_shape || all_constant(n)) && small_enough(n)) {
            TRY(fold(g, n, e));
            changes++;
        } else
            g->nodes.v[kept++] = n;
    }
    g->nodes.n = kept;
    return changes;
}

const struct pass vn_pass_fold_constants = {
    .name = "fold_constants", .help = "compute once what does not depend on the inputs", .shapes_only = 1, .run = run,
};
