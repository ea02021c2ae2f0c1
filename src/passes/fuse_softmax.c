/* exp(x) / sum of exp(x), with or without the largest value taken off first. */
#include "passes/match.h"

static const char *const forms[] = {
    "(Div e=(Exp (Sub x m=(ReduceMax x #a))) s=(ReduceSum e #b))",
    "(Mul e=(Exp (Sub x m=(ReduceMax x #a))) (Reciprocal s=(ReduceSum e #b)))",
    "(Div e=(Exp x) s=(ReduceSum e #b))",
    NULL,
};

/* The single axis along which the sum goes, kept as 1; -1: there are several. */
static int sum_axis(const struct match *m)
{
    const struct vn_shape *x = &vn_match_value(m, 'x')->shape, *s = &vn_match_value(m, 's')->shape;
    const struct value *axes = vn_match_value(m, 'b');
    return vn_shape_count(&axes->shape) == 1 && s->rank == x->rank
               ? vn_shape_axis(x, vn_tensor_i64(axes->data, 0))
               : -1;
}

static int fuse(struct match *m)
{
    const struct value *largest = vn_match_value(m, 'm'), *x = vn_match_value(m, 'x');
    const int axis = sum_axis(m);
    if (axis < 0 || !vn_match_keeps_shape(m, 'x') || (largest && largest->shape.rank != x->shape.rank))
        return 0;
    /* any number that is the same along the axis may be taken off */
    if (largest && largest->shape.d[axis] != 1)
        return 0;
    struct axis_attrs *a =
        vn_match_replace(m, &vn_op_softmax, 1, (struct value *[]){ vn_match_value(m, 'x') })->attrs;
    a->axis = axis;
    return 1;
}

PATTERN_PASS(fuse_softmax, "exponentials over their sum become Softmax", forms, fuse);
