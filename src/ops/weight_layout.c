/* ops/weight_layout.c - which channels the elements of a weight connect. */
#include "ops/op.h"

int64_t vn_node_groups(const struct node *n) { return n->op->groups ? n->op->groups(n) : 1; }

int vn_weight_out_axis(const struct node *n)
{
    const int axis = vn_node_weight_axis(n);
    return axis < 0 ? n->op->quant.weight_axis : axis;
}

/* Axis 0 counts all channels, axis 1 those of one group; taps follow. */
struct weight_place vn_weight_place(const struct node *n, int64_t i)
{
    const struct vn_shape *s = &n->in[n->op->quant.weight]->shape;
    int64_t taps = 1;
    for (int k = 2; k < s->rank; k++)
        taps *= s->d[k];
    const int64_t first = i / taps / s->d[1], per_group = s->d[0] / vn_node_groups(n);
    const int64_t second = first / per_group * s->d[1] + i / taps % s->d[1];
    return vn_weight_out_axis(n) == 0 ? (struct weight_place){ first, second }
                                      : (struct weight_place){ second, first };
}

int vn_channel_axis(const struct node *n, int rank)
{
    const int axis = n->op->quant.channel_axis;
    return axis < 0 ? rank + axis : axis;
}
