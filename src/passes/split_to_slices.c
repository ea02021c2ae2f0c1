/* Split becomes one Slice for each piece that is read: slices have integer forms and instructions. */
#include "ops/op.h"
#include "passes/pass.h"

static struct value *one_number(struct graph *g, const struct node *n, const char *what, int i, int64_t v)
{
    return vn_graph_const_i64(g, vn_arena_fmt(g->arena, "%s_%s%d", n->name, what, i), 1, &v);
}

static void slice(struct graph *g, struct node *n, struct value *y, int i, int axis, int64_t from)
{
    struct value *in[4] = { n->in[0], one_number(g, n, "start", i, from),
                            one_number(g, n, "end", i, from + y->shape.d[axis]),
                            one_number(g, n, "axis", i, axis) };
    vn_graph_node_before(g, n, &vn_op_slice, vn_arena_fmt(g->arena, "%s_%d", n->name, i), 4, in, 1, &y);
}

/* The first axis along which a piece differs from the whole. */
static int split_axis(const struct node *n)
{
    for (int i = 0; i < n->n_out; i++)
        for (int d = 0; n->out[i] && d < n->in[0]->shape.rank; d++)
            if (n->out[i]->shape.d[d] != n->in[0]->shape.d[d])
                return d;
    return 0;
}

static int rewrite(struct graph *g, struct node *n, struct vn_err *e)
{
    (void)e;
    const int axis = split_axis(n);
    int64_t at = 0;
    for (int i = 0; i < n->n_out; i++)
        if (!n->out[i])
            return 0; /* its size is not known here */
    for (int i = 0; i < n->n_out; i++) {
        slice(g, n, n->out[i], i, axis, at);
        at += n->out[i]->shape.d[axis];
    }
    vn_graph_remove(g, n);
    return 1;
}

const struct pass vn_pass_split_to_slices = {
    .name = "split_to_slices",
    .help = "pieces of a tensor become slices of it",
    .ops = PASS_OPS(&vn_op_split),
    .rewrite = rewrite,
};
