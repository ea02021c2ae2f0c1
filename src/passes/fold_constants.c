/* Shape inference, constant folding and the expansion of composite operators in one walk: the shape of a
 * Reshape is known once the arithmetic in front of it has been computed. */
#include "interp/interp.h"
#include "ops/op.h"
#include "passes/pass.h"

/* Folding must not fill the memory from a small file: ConstantOfShape and Expand can ask for any size, and a
 * chain of Concats doubles it. A graph may fold into this many elements, plus twice those of its own
 * constants. */
#define MORE_FOLDED ((int64_t)3 << 26) /* of float32: 800 MB */

/* Operators within composite ones; an If within an If is one. */
#define DEEPEST 40

static int all_constant(const struct node *n)
{
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i] && !n->in[i]->data)
            return 0;
    return 1;
}

static int64_t room_for(const struct graph *g)
{
    int64_t given = 0;
    for (int i = 0; i < g->values.n; i++)
        given += g->values.v[i]->data ? vn_shape_count(&g->values.v[i]->shape) : 0;
    return 2 * given + MORE_FOLDED;
}

static int takes_room(struct graph *g, const struct node *n)
{
    if (!g->fold_room)
        g->fold_room = room_for(g);
    int64_t left = g->fold_room;
    for (int i = 0; i < n->n_out && left > 0; i++)
        left -= n->out[i] ? vn_shape_count(&n->out[i]->shape) : 0;
    if (left <= 0)
        return 0;
    g->fold_room = left;
    return 1;
}

static void make_constant(struct graph *g, struct value *v, const struct vn_tensor *t)
{
    v->data = t;
    v->dtype = t->dtype;
    v->shape = t->shape;
    vn_graph_note_folded(g, v->name, NULL);
}

static int settle(struct graph *g, struct node *n, int depth, struct vn_err *e);

static int fold(struct graph *g, struct node *n, struct vn_err *e)
{
    struct vn_tensor **out = NEW_ARRAY(g->arena, struct vn_tensor *, n->n_out);
    TRY(vn_interp_node(g->arena, n, out, e));
    for (int i = 0; i < n->n_out; i++)
        if (n->out[i])
            make_constant(g, n->out[i], out[i]);
    vn_graph_detach(n);
    return VN_OK;
}

/* A composite operator's nodes in its place. */
static int expand(struct graph *g, struct node *n, int depth, struct vn_err *e)
{
    const int first = g->nodes.n;
    if (depth > DEEPEST)
        return vn_node_fail(n, e, VN_E_INTERNAL, "depends on itself");
    TRY(n->op->expand(g, n, e));
    vn_graph_detach(n);
    const int count = g->nodes.n - first;
    struct node **parts = vn_arena_copy(g->arena, g->nodes.v + first, (size_t)count * sizeof *parts);
    g->nodes.n = first;
    for (int i = 0; i < count; i++)
        TRY(settle(g, parts[i], depth + 1, e));
    return 1;
}

/* Infer n's outputs; then it becomes constants, or simpler nodes, or stays: 1, 1 or 0. */
static int settle(struct graph *g, struct node *n, int depth, struct vn_err *e)
{
    TRY(n->op->infer(n, e));
    if (n->op->expand)
        return expand(g, n, depth, e);
    if ((n->op->reads_shape || all_constant(n)) && takes_room(g, n)) {
        TRY(fold(g, n, e));
        return 1;
    }
    VEC_PUSH(g->arena, &g->nodes, n);
    return 0;
}

static int run(struct graph *g, struct vn_err *e)
{
    const int count = g->nodes.n;
    struct node **all = vn_arena_copy(g->arena, g->nodes.v, (size_t)count * sizeof *all);
    int changes = 0;
    g->nodes.n = 0;
    for (int i = 0; i < count; i++) {
        const int status = settle(g, all[i], 0, e);
        TRY(status);
        changes += status;
    }
    return changes;
}

static int is_known(const struct value *v)
{
    return v->data || (v->dtype != VN_NONE && vn_shape_is_static(&v->shape));
}

static int all_known(const struct node *n)
{
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i] && !is_known(n->in[i]))
            return 0;
    return 1;
}

static void forget_outputs(struct node *n)
{
    for (int i = 0; i < n->n_out; i++)
        if (n->out[i])
            n->out[i]->shape = vn_shape_unknown();
}

int vn_passes_survey(struct graph *g, const struct vn_listener *l, struct vn_err *e)
{
    const int count = g->nodes.n;
    struct node **all = vn_arena_copy(g->arena, g->nodes.v, (size_t)count * sizeof *all);
    int failures = 0;
    g->nodes.n = 0;
    for (int i = 0; i < count; i++) {
        const int status = all_known(all[i]) ? settle(g, all[i], 0, e) : 0;
        if (status == VN_E_INPUT || status == VN_E_UNSUPPORTED) {
            vn_problem(l, e);
            failures++;
        } else {
            TRY(status);
        }
        if (status < 0 || !all_known(all[i]))
            forget_outputs(all[i]);
    }
    return failures;
}

const struct pass vn_pass_fold_constants = {
    .name = "fold_constants",
    .help = "compute what does not depend on the inputs",
    .shapes_only = 1,
    .run = run,
};
