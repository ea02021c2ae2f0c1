/* Nodes that hand their input through: Identity, Dropout at inference, and anything whose result is its input. */
#include "ops/op.h"
#include "passes/pass.h"

static int is_identity_perm(const struct node *n)
{
    const struct perm_attrs *a = n->attrs;
    for (int i = 0; i < a->perm.n; i++)
        if (a->perm.v[i] != i)
            return 0;
    return a->perm.n == n->in[0]->shape.rank;
}

static int always(const struct node *n)
{
    (void)n;
    return 1;
}

static int single_input(const struct node *n) { return n->n_in == 1; }

/* Cropping one end and padding the other keeps the shape, too. */
static int pads_nothing(const struct node *n)
{
    const struct vn_tensor *pads = n->in[1]->data;
    for (int64_t i = 0; pads && i < vn_shape_count(&pads->shape); i++)
        if (vn_tensor_i64(pads, i))
            return 0;
    return pads != NULL;
}

/* The result has the input's elements in the same order; bypassed where the shape is the same too. */
static const struct {
    const struct op_def *op;
    int (*if_shape_equal)(const struct node *n);
} rules[] = {
    { &vn_op_identity, always }, { &vn_op_dropout, always },   { &vn_op_reshape, always },       { &vn_op_flatten, always },
    { &vn_op_squeeze, always },  { &vn_op_unsqueeze, always }, { &vn_op_cast, always },          { &vn_op_pad, pads_nothing },
    { &vn_op_concat, single_input }, { &vn_op_transpose, is_identity_perm },
};

static int hands_through(const struct node *n)
{
    const struct value *x = n->in[0], *y = n->out[0];
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].op == n->op)
            return x->dtype == y->dtype && vn_shape_equal(&x->shape, &y->shape) && rules[i].if_shape_equal(n);
    return 0;
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
        if (n->n_in && n->out[0] && hands_through(n) && !extra_outputs_used(n))
            changes += vn_pass_bypass(g, n);
    }
    return changes;
}

const struct pass vn_pass_remove_identity = {
    .name = "remove_identity", .help = "drop Identity, Dropout and other nodes without effect", .run = run,
};
