/* Reshape, Transpose, Reshape, Gather: channels are dealt out in turns to a few halves (ShuffleNet), and one
 * of them is taken. That is every few channels, a Slice. */
#include "ops/op.h"
#include "passes/pass.h"

/* What makes v, if it does that to its elements. */
static const struct node *maker(const struct value *v, int elements)
{
    return v && v->producer && (int)v->producer->op->elements == elements ? v->producer : NULL;
}

/* The axis that a Transpose brings to the front, the others in order; -1: none. */
static int axis_in_front(const struct node *n)
{
    const struct perm_attrs *a = n->attrs;
    const int rank = n->in[0]->shape.rank;
    if (a->perm.n != rank || rank < 2)
        return -1;
    for (int d = 1; d < rank; d++)
        if (a->perm.v[d] != d - (d <= a->perm.v[0]))
            return -1;
    return (int)a->perm.v[0];
}

struct deal {
    struct value *x; /* all channels */
    const struct value *inside[3]; /* on the way from x */
    int64_t first, step;
};

/* One constant index along axis 0. */
static int is_one(const struct node *n, int64_t *index)
{
    const struct vn_tensor *i = n->in[1]->data;
    if (((const struct axis_attrs *)n->attrs)->axis || !i || vn_shape_count(&i->shape) != 1)
        return 0;
    *index = vn_tensor_i64(i, 0);
    *index += *index < 0 ? n->in[0]->shape.d[0] : 0;
    return 1;
}

static int match(struct deal *m, const struct node *n)
{
    const struct node *last = maker(n->in[0], ELEMENTS_KEPT),
                      *turn = last ? maker(last->in[0], ELEMENTS_PERMUTED) : NULL,
                      *first = turn ? maker(turn->in[0], ELEMENTS_KEPT) : NULL;
    const int axis = first ? axis_in_front(turn) : -1;
    if (axis < 0 || !is_one(n, &m->first))
        return 0;
    *m = (struct deal){ first->in[0], { first->out[0], turn->out[0], last->out[0] }, m->first, 0 };
    const struct vn_shape *x = &m->x->shape, *r = &first->out[0]->shape, *y = &n->out[0]->shape;
    int64_t behind = 1, pixels = 1;
    for (int d = axis + 1; d < r->rank; d++)
        behind *= r->d[d];
    for (int d = 2; d < x->rank; d++)
        pixels *= x->d[d];
    m->step = r->d[axis];
    if (x->rank < 3 || behind != pixels || m->step < 2 || x->d[1] % m->step ||
        last->out[0]->shape.d[0] != m->step)
        return 0;
    struct vn_shape want = *x;
    want.d[1] /= m->step;
    return vn_shape_equal(y, &want);
}

static struct value *number(struct graph *g, const struct node *n, const char *what, int64_t v)
{
    return vn_graph_const_i64(g, vn_arena_fmt(g->arena, "%s_%s", n->name, what), 1, &v);
}

static int rewrite(struct graph *g, struct node *n, struct vn_err *e)
{
    (void)e;
    struct deal m;
    if (!match(&m, n) || m.x->bounded)
        return 0;
    struct value *in[5] = { m.x, number(g, n, "start", m.first), number(g, n, "end", m.x->shape.d[1]),
                            number(g, n, "axis", 1), number(g, n, "step", m.step) };
    for (int i = 0; i < 3; i++)
        if (vn_graph_uses(m.inside[i]) == 1)
            vn_graph_note_folded(g, m.inside[i]->name, n->name);
    vn_graph_node_before(g, n, &vn_op_slice, n->name, 5, in, 1, &n->out[0]);
    vn_graph_remove(g, n);
    return 1;
}

const struct pass vn_pass_fuse_channel_deal = {
    .name = "fuse_channel_deal",
    .help = "one part of interleaved channels becomes a Slice",
    .ops = PASS_OPS(&vn_op_gather),
    .rewrite = rewrite,
};
