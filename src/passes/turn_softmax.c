/* Softmax between a Transpose and the one that takes it back: Softmax along the axis where it was before. */
#include "passes/match.h"

static const char *const forms[] = { "(Transpose s=(Softmax t=(Transpose x)))", NULL };

static int takes_back(const struct perm_attrs *first, const struct perm_attrs *second)
{
    for (int d = 0; d < first->perm.n; d++)
        if (second->perm.n != first->perm.n || first->perm.v[second->perm.v[d]] != d)
            return 0;
    return first->perm.n > 0;
}

static int fuse(struct match *m)
{
    const struct node *softmax = vn_match_node(m, 's'), *turn = vn_match_node(m, 't');
    const struct perm_attrs *perm = turn->attrs;
    const int axis = vn_shape_axis(&softmax->in[0]->shape, ((const struct axis_attrs *)softmax->attrs)->axis);
    if (axis < 0 || !takes_back(perm, m->root->attrs))
        return 0;
    const int64_t before = perm->perm.v[axis];
    const char *name = softmax->name;
    struct node *n = vn_match_replace(m, &vn_op_softmax, 1, (struct value *[]){ vn_match_value(m, 'x') });
    n->name = name;
    ((struct axis_attrs *)n->attrs)->axis = before;
    return 1;
}

PATTERN_PASS(turn_softmax, "Softmax between Transposes that cancel out becomes Softmax along another axis",
             forms, fuse);
