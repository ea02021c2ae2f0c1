/* Softmax of old operator sets goes over all axes from one on, so it comes as Flatten, Softmax, Reshape.
 * Where only one of those axes is larger than 1, it is a Softmax along that. */
#include "passes/match.h"

static const char *const forms[] = { "(Reshape s=(Softmax f=(Flatten x)) #a)", NULL };

static int fuse(struct match *m)
{
    const struct vn_shape *x = &vn_match_value(m, 'x')->shape, *f = &vn_match_value(m, 'f')->shape;
    const int from = vn_shape_axis(x, ((const struct axis_attrs *)vn_match_node(m, 'f')->attrs)->axis);
    const char *name = vn_match_node(m, 's')->name;
    int axis = -1;
    if (from < 0 || !vn_match_keeps_shape(m, 'x') ||
        vn_shape_axis(f, ((const struct axis_attrs *)vn_match_node(m, 's')->attrs)->axis) != 1)
        return 0;
    for (int d = from; d < x->rank; d++) {
        if (x->d[d] != 1 && axis >= 0 && x->d[axis] != 1)
            return 0;
        axis = axis < 0 || x->d[d] != 1 ? d : axis;
    }
    struct node *n = vn_match_replace(m, &vn_op_softmax, 1, (struct value *[]){ vn_match_value(m, 'x') });
    n->name = name;
    ((struct axis_attrs *)n->attrs)->axis = axis;
    return 1;
}

PATTERN_PASS(merge_flat_softmax, "Flatten, Softmax, Reshape become Softmax along an axis", forms, fuse);
