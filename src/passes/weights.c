#include "passes/weights.h"

#include "ops/op.h"

int64_t vn_weights_channels(const struct node *n)
{
    const struct quant_rule *r = &n->op->quant;
    if (!r->weight || (n->op->foldable && !n->op->foldable(n)))
        return 0;
    if (!vn_pass_is_const(n->in[r->weight]) || !vn_dtype_is_float(n->in[r->weight]->dtype))
        return 0;
    if (vn_node_has(n, 2) && (!vn_pass_is_const(n->in[2]) || n->in[2]->shape.rank != 1))
        return 0;
    return n->out[0]->shape.rank ? n->out[0]->shape.d[vn_weights_axis(n)] : 0;
}

int vn_weights_axis(const struct node *n) { return vn_channel_axis(n, n->out[0]->shape.rank); }

int vn_weights_take_bias(const struct node *n)
{
    return n->op->quant.bias || (n->op->with_bias && n->in[0]->shape.rank == 2);
}

int vn_weights_per_channel(const struct value *c, const struct value *y, int axis)
{
    if (c->shape.rank > y->shape.rank || !vn_dtype_is_float(c->dtype))
        return 0;
    for (int i = 0; i < c->shape.rank; i++) {
        const int at = y->shape.rank - c->shape.rank + i;
        if (c->shape.d[i] != 1 && (at != axis || c->shape.d[i] != y->shape.d[axis]))
            return 0;
    }
    return 1;
}

static void scale_weight(struct graph *g, struct node *n, const double *k)
{
    const struct vn_tensor *w = n->in[1]->data;
    const struct vn_shape s = w->shape;
    const int64_t count = vn_shape_count(&s);
    float *weight;
    vn_pass_set_const(g, n, 1, n->in[1]->name, &s, &weight);
    for (int64_t i = 0; i < count; i++)
        weight[i] = (float)(vn_tensor_f64(w, i) * k[vn_weight_place(n, i).out]);
}

static void change_bias(struct graph *g, struct node *n, int64_t channels, const double *k, const double *t)
{
    const struct vn_tensor *old = vn_node_has(n, 2) ? n->in[2]->data : NULL;
    const int64_t old_n = old ? vn_shape_count(&old->shape) : 0;
    const struct vn_shape s = vn_shape_of(1, &channels);
    float *b;
    vn_pass_set_const(g, n, 2, vn_arena_fmt(g->arena, "%s_bias", n->name), &s, &b);
    for (int64_t c = 0; c < channels; c++)
        b[c] = (float)((old ? vn_tensor_f64(old, old_n == 1 ? 0 : c) : 0) * (k ? k[c] : 1) + (t ? t[c] : 0));
}

void vn_weights_affine(struct graph *g, struct node *n, const double *k, const double *t)
{
    const int64_t channels = vn_weights_channels(n);
    if (t && !n->op->quant.bias) {
        n->op = n->op->with_bias;
        n->attrs = vn_arena_alloc(g->arena, n->op->attrs_size);
        vn_op_defaults(n->op, n->attrs);
    }
    if (k)
        scale_weight(g, n, k);
    if (t || vn_node_has(n, 2))
        change_bias(g, n, channels, k, t);
}

void vn_weights_divide_inputs(struct graph *g, struct node *n, const double *k)
{
    const int at = n->op->quant.weight;
    const struct vn_tensor *w = n->in[at]->data;
    const struct vn_shape s = w->shape;
    float *to;
    vn_pass_set_const(g, n, at, n->in[at]->name, &s, &to);
    for (int64_t i = 0; i < vn_shape_count(&s); i++)
        to[i] = (float)(vn_tensor_f64(w, i) / k[vn_weight_place(n, i).in]);
}
