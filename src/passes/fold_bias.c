/* Conv, ConvTranspose or Gemm followed by Add of one constant per output channel: the constant becomes part of the bias. */
#include "ops/op.h"
#include "passes/pass.h"

static int channel_axis(const struct node *n)
{
    return n->op == &vn_op_conv || n->op == &vn_op_convtranspose ? 1 : n->op == &vn_op_gemm ? n->out[0]->shape.rank - 1 : -1;
}

static int takes_bias(const struct node *n)
{
    if (n->op == &vn_op_gemm && ((const struct gemm_attrs *)n->attrs)->beta != 1)
        return 0;
    if (vn_node_has(n, 2) && (!vn_pass_is_const(n->in[2]) || n->in[2]->shape.rank != 1))
        return 0;
    return channel_axis(n) >= 0;
}

/* Is c one number per channel (or one for all) when broadcast against y? */
static int is_per_channel(const struct value *c, const struct value *y, int axis)
{
    if (c->shape.rank > y->shape.rank)
        return 0;
    for (int i = 0; i < c->shape.rank; i++) {
        const int at = y->shape.rank - c->shape.rank + i;
        if (c->shape.d[i] != 1 && (at != axis || c->shape.d[i] != y->shape.d[axis]))
            return 0;
    }
    return 1;
}

static void add_bias(struct graph *g, struct node *n, const struct value *c, int64_t channels)
{
    const struct vn_tensor *old = vn_node_has(n, 2) ? n->in[2]->data : NULL;
    const int64_t old_n = old ? vn_shape_count(&old->shape) : 0, c_n = vn_shape_count(&c->shape);
    const struct vn_shape s = vn_shape_of(1, &channels);
    float *b;
    vn_pass_set_const(g, n, 2, vn_arena_fmt(g->arena, "%s_bias", n->name), &s, &b);
    for (int64_t i = 0; i < channels; i++)
        b[i] = (float)((old ? vn_tensor_f64(old, old_n == 1 ? 0 : i) : 0) + vn_tensor_f64(c->data, c_n == 1 ? 0 : i));
}

static int run(struct graph *g, struct vn_err *e)
{
    (void)e;
    int changes = 0;
    for (int i = 0; i < g->nodes.n; i++) {
        struct node *add = g->nodes.v[i];
        if (add->op != &vn_op_add)
            continue;
        const int k = vn_pass_is_const(add->in[1]) ? 1 : vn_pass_is_const(add->in[0]) ? 0 : -1;
        struct node *n = k >= 0 ? add->in[1 - k]->producer : NULL;
        if (!n || add->in[1 - k]->n_uses != 1 || !takes_bias(n) || !vn_shape_equal(&n->out[0]->shape, &add->out[0]->shape) ||
            !is_per_channel(add->in[k], add->out[0], channel_axis(n)))
            continue;
        add_bias(g, n, add->in[k], n->out[0]->shape.d[channel_axis(n)]);
        vn_pass_absorb(g, n, add);
        vn_graph_index(g);
        changes++;
        i--;
    }
    return changes;
}

const struct pass vn_pass_fold_bias = { .name = "fold_bias", .help = "Add of a constant per channel into the bias", .run = run };
