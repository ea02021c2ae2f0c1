/* The focus layer: every b-th pixel of every b-th row, for each of the b x b places to start, joined along
 * the channels. That is SpaceToDepth; where the pieces come in another order, the convolution behind takes
 * its input channels in that order. */
#include "ops/blocks.h"
#include "passes/pass.h"

#define MOST 7 /* largest block */

/* The value that a piece is taken from, through at most one Slice for each axis; its start and step along
 * rows and columns. */
static struct value *source_of(struct value *piece, int64_t *start, int64_t *step)
{
    struct value *v = piece;
    start[0] = start[1] = 0;
    step[0] = step[1] = 1;
    for (int depth = 0;
         depth < 2 && v->producer && v->producer->op->picks && (depth || vn_graph_uses(v) == 1); depth++) {
        const struct node *n = v->producer;
        for (int k = 0; k < 2; k++) {
            int64_t s, t;
            if (n->in[0]->shape.rank != 4 || !n->op->picks(n, 2 + k, &s, &t) || (t != 1 && step[k] != 1))
                return NULL;
            if (t == 1 && n->in[0]->shape.d[2 + k] != n->out[0]->shape.d[2 + k])
                return NULL;
            if (t != 1)
                start[k] = s, step[k] = t;
        }
        v = n->in[0];
    }
    return v != piece ? v : NULL;
}

static int root_of(int n)
{
    for (int b = 2; b <= MOST; b++)
        if (b * b == n)
            return b;
    return 0;
}

/* place[i]: where SpaceToDepth puts piece i. The tensor that all come from, or NULL. */
static struct value *match(const struct node *n, int *size, int *place)
{
    const int b = *size = n->out[0]->shape.rank == 4 ? root_of(n->n_in) : 0;
    struct value *x = NULL;
    uint64_t seen = 0;
    if (!b || vn_shape_axis(&n->out[0]->shape, ((const struct axis_attrs *)n->attrs)->axis) != 1)
        return NULL;
    for (int i = 0; i < n->n_in; i++) {
        int64_t start[2], step[2];
        struct value *from = source_of(n->in[i], start, step);
        if (!from || (x && from != x) || step[0] != b || step[1] != b || start[0] >= b || start[1] >= b)
            return NULL;
        x = from;
        const struct vn_shape *s = &x->shape, *p = &n->in[i]->shape;
        if (s->d[2] % b || s->d[3] % b || p->d[0] != s->d[0] || p->d[1] != s->d[1] ||
            p->d[2] != s->d[2] / b || p->d[3] != s->d[3] / b)
            return NULL;
        place[i] = (int)(start[0] * b + start[1]);
        seen |= UINT64_C(1) << place[i];
    }
    return seen == (UINT64_C(1) << (b * b)) - 1 ? x : NULL;
}

static int in_order(const int *place, int n)
{
    for (int i = 0; i < n; i++)
        if (place[i] != i)
            return 0;
    return 1;
}

/* Input channels of a convolution in the order of SpaceToDepth. */
static void reorder(struct graph *g, struct node *conv, const int *place, int pieces)
{
    const struct vn_tensor *w = conv->in[1]->data;
    const struct vn_shape s = w->shape;
    const int64_t block =
        vn_shape_count(&s) / (s.d[0] * pieces); /* one output channel's weights for one piece */
    float *to;
    vn_pass_set_const(g, conv, 1, conv->in[1]->name, &s, &to);
    for (int64_t k = 0; k < s.d[0]; k++)
        for (int i = 0; i < pieces; i++)
            for (int64_t j = 0; j < block; j++)
                to[(k * pieces + place[i]) * block + j] =
                    (float)vn_tensor_f64(w, (k * pieces + i) * block + j);
}

/* A reader of v whose weights are [out][in]..., all input channels together. */
static struct node *plain_conv(const struct value *v)
{
    struct node *n = vn_graph_sole_user(v);
    const int plain = n && vn_node_is_convolution(n) && vn_weight_out_axis(n) == 0 && vn_node_groups(n) == 1;
    return plain && n->in[0] == v && vn_pass_is_const(n->in[1]) && vn_dtype_is_float(n->in[1]->dtype) &&
                   vn_shape_count(&n->in[1]->shape)
               ? n
               : NULL;
}

/* The pieces go, and what only pieces are cut from. */
static void note_pieces(struct graph *g, const struct node *n, const struct value *x)
{
    for (int i = 0; i < n->n_in; i++) {
        const struct value *from = n->in[i]->producer->in[0];
        int before = 0, all = 0;
        for (int k = 0; k < n->n_in; k++) {
            all += n->in[k]->producer->in[0] == from;
            before += k < i && n->in[k]->producer->in[0] == from;
        }
        vn_graph_note_folded(g, n->in[i]->name, n->name);
        if (from != x && !before && all == vn_graph_uses(from))
            vn_graph_note_folded(g, from->name, n->name);
    }
}

static int rewrite(struct graph *g, struct node *n, struct vn_err *e)
{
    (void)e;
    int size, place[MOST * MOST];
    struct value *x = match(n, &size, place), *y = n->out[0];
    struct node *conv = plain_conv(y);
    const int same = x && in_order(place, n->n_in);
    if (!x || x->dtype != VN_F32 || x->bounded || (!same && !conv))
        return 0;
    note_pieces(g, n, x);
    if (!same) {
        reorder(g, conv, place, n->n_in);
        vn_graph_note_folded(g, y->name, conv->name);
        y = vn_graph_value(g, vn_arena_fmt(g->arena, "%s_deep", y->name), y->dtype, &y->shape);
        vn_graph_set_input(g, conv, 0, y);
    }
    struct blocks_attrs *a = vn_graph_node_before(g, n, &vn_op_spacetodepth, n->name, 1, &x, 1, &y)->attrs;
    a->size = size;
    vn_graph_remove(g, n); /* the slices have no reader left */
    return 1;
}

const struct pass vn_pass_fuse_focus = {
    .name = "fuse_focus",
    .help = "concatenated slices of every other pixel become SpaceToDepth",
    .ops = PASS_OPS(&vn_op_concat),
    .rewrite = rewrite,
};
