/* ops/weight_layout.c - which channels the elements of a weight connect. */
#include "ops/op.h"

int64_t vn_node_groups(const struct node *n) { return n->op->groups ? n->op->groups(n) : 1; }

int vn_weight_out_axis(const struct node *n)
{
    const int axis = vn_node_weight_axis(n);
    return axis < 0 ? n->op->quant.weight_axis : axis;
}

/* Axis 0 counts all channels, axis 1 those of one group; taps follow. */
struct weight_layout vn_weight_layout(const struct node *n)
{
    const struct vn_shape *s = &n->in[n->op->quant.weight]->shape;
    struct weight_layout l = { s->d[0], s->d[1], 1, s->d[0] / vn_node_groups(n), vn_weight_out_axis(n) };
    for (int k = 2; k < s->rank; k++)
        l.taps *= s->d[k];
    return l;
}

struct weight_place vn_weight_place(const struct node *n, int64_t i)
{
    const struct weight_layout l = vn_weight_layout(n);
    return vn_weight_at(&l, i / l.taps / l.second, i / l.taps % l.second);
}

int vn_channel_axis(const struct node *n, int rank)
{
    const int axis = n->op->quant.channel_axis;
    return axis < 0 ? rank + axis : axis;
}
