/* Along which axis of a tensor classes lie, so that the largest element along it is a decision: the axis of
 * the Softmax that makes it, or the channels of the linear operator; moves and functions behind them are
 * followed. A Concat along that axis puts unlike numbers side by side (a box, its score, its classes). */
#include <vernier/session.h>

#include "ops/op.h"

enum { FARTHEST = 16, USUAL = 1 };

/* Axis of y that is this axis of x, whose elements have another shape there; -1: none. */
static int reshaped(const struct vn_shape *x, const struct vn_shape *y, int axis)
{
    int64_t before = 1, now = 1;
    for (int d = 0; d < axis; d++)
        before *= x->d[d];
    for (int d = 0; d < y->rank; now *= y->d[d++])
        if (now == before && y->d[d] == x->d[axis])
            return d;
    return -1;
}

static int transposed(const struct node *n, int axis)
{
    const struct ints *perm = &((const struct perm_attrs *)n->attrs)->perm;
    for (int i = 0; i < perm->n; i++)
        if (perm->v[i] == axis)
            return i;
    return perm->n ? -1 : n->in[0]->shape.rank - 1 - axis;
}

/* The axis that a Concat makes longer. */
static int joined(const struct node *n)
{
    int64_t axis = 0;
    vn_node_attr_int(n, "axis", &axis);
    return vn_shape_axis(&n->out[0]->shape, axis);
}

/* Through the node, from its input to its output. */
static int through(const struct node *n, const struct value *x, int axis)
{
    if (n->op == &vn_op_transpose)
        return transposed(n, axis);
    if (n->op == &vn_op_concat)
        return axis == joined(n) ? VN_CLASSES_MIXED : axis;
    return n->op->elements == ELEMENTS_KEPT ? reshaped(&x->shape, &n->out[0]->shape, axis) : axis;
}

/* The computed input whose axes the output keeps; NULL: there is none. */
static const struct value *kept(const struct node *n)
{
    const struct op_def *op = n->op;
    if (op == &vn_op_transpose || op->elements == ELEMENTS_KEPT)
        return n->in[0];
    if (op != &vn_op_concat && !op->f && !op->pair && !op->is_clamp && op->elements != ELEMENTS_CONVERTED &&
        op != &vn_op_resize)
        return NULL;
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i] && !n->in[i]->data && n->in[i]->shape.rank == n->out[0]->shape.rank)
            return n->in[i];
    return NULL;
}

/* Of what the node itself says; -1: nothing. */
static int told(const struct node *n)
{
    const int rank = n->out[0]->shape.rank;
    int64_t axis;
    if (n->op->over_classes && vn_node_attr_int(n, "axis", &axis))
        return vn_shape_axis(&n->out[0]->shape, axis);
    return n->op->quant.weight ? vn_channel_axis(n, rank) : -1;
}

/* The nodes from v to the one that says it, in *way, the nearest first. */
static int find_way(const struct node **way, int *n, const struct value *v)
{
    int axis = -1;
    for (*n = 0; v && v->producer && v == v->producer->out[0] && axis < 0 && *n < FARTHEST;) {
        axis = told(v->producer);
        if (axis < 0)
            way[(*n)++] = v->producer;
        v = kept(v->producer);
    }
    return axis;
}

int vn_value_class_axis(const struct value *v)
{
    const struct node *way[FARTHEST];
    int n, axis = find_way(way, &n, v);
    while (axis >= 0 && n > 0) {
        const struct node *next = way[--n];
        axis = through(next, kept(next), axis);
    }
    if (axis == VN_CLASSES_MIXED)
        return axis;
    axis = axis < 0 ? USUAL : axis;
    return v->shape.rank >= 2 && axis < v->shape.rank && v->shape.d[axis] > 1 ? axis : -1;
}
