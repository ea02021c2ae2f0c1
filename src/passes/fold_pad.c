/* Pad (constant 0, spatial axes) in front of a convolution or an average pool becomes its padding. */
#include "ops/op.h"
#include "passes/pass.h"

static int pads_of(const struct node *pad, struct ints *pads, struct vn_arena *a, struct vn_err *e)
{
    const struct pad_attrs *p = pad->attrs;
    const int rank = pad->in[0]->shape.rank;
    if (p->mode != 0 || vn_node_has(pad, 3) || rank < 3 || !pad->in[1]->data)
        return 0;
    if (vn_node_has(pad, 2) && (!pad->in[2]->data || vn_tensor_f64(pad->in[2]->data, 0) != 0))
        return 0;
    TRY(vn_node_ints(pad, 1, "pads", pads, a, e));
    for (int i = 0; i < pads->n; i++)
        if (pads->v[i] < 0 || (i % rank < 2 && pads->v[i]))
            return 0;
    return pads->n == 2 * rank;
}

static void add_pads(struct graph *g, struct ints *to, const struct ints *pads, int rank)
{
    const int spatial = rank - 2;
    int64_t *v = NEW_ARRAY(g->arena, int64_t, 2 * spatial);
    for (int i = 0; i < spatial; i++) {
        v[i] = (to->n ? to->v[i] : 0) + pads->v[2 + i];
        v[spatial + i] = (to->n ? to->v[spatial + i] : 0) + pads->v[rank + 2 + i];
    }
    *to = (struct ints){ 2 * spatial, v };
}

static int rewrite(struct graph *g, struct node *pad, struct vn_err *e)
{
    struct node *n = vn_graph_sole_user(pad->out[0]);
    struct ints *to = n && n->op->padding && n->in[0] == pad->out[0] ? n->op->padding(n) : NULL, pads;
    const int ok = to ? pads_of(pad, &pads, g->arena, e) : 0;
    if (ok <= 0)
        return ok;
    add_pads(g, to, &pads, pad->in[0]->shape.rank);
    vn_graph_note_folded(g, n->in[0]->name, n->name);
    vn_graph_set_input(g, n, 0, pad->in[0]);
    vn_graph_remove(g, pad);
    return 1;
}

const struct pass vn_pass_fold_pad = {
    .name = "fold_pad",
    .help = "zero padding into the convolution after it",
    .ops = PASS_OPS(&vn_op_pad),
    .rewrite = rewrite,
};
