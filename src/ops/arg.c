/* ops/arg.c - the position of an extreme element. */
#include "ops/arg.h"

const struct attr_spec vn_arg_specs[] = {
    A_INT(struct arg_attrs, axis, "axis", 0, -VN_MAX_RANK, VN_MAX_RANK),
    A_INT(struct arg_attrs, keepdims, "keepdims", 1, 0, 1),
    A_INT(struct arg_attrs, last, "select_last_index", 0, 0, 1),
    A_END,
};

int vn_infer_arg(struct node *n, struct vn_err *e)
{
    const struct arg_attrs *a = n->attrs;
    TRY(vn_infer_begin(n, e));
    struct vn_shape s = n->in[0]->shape;
    const int axis = vn_shape_axis(&s, a->axis);
    if (axis < 0 || s.d[axis] == 0)
        return vn_node_fail(n, e, VN_E_INPUT,
                            "axis is out of range for an input of %d dimensions, or the axis is empty",
                            s.rank);
    s.d[axis] = 1;
    if (!a->keepdims) {
        memmove(s.d + axis, s.d + axis + 1, sizeof *s.d * (size_t)(s.rank - axis - 1));
        s.rank--;
    }
    return vn_infer_out(n, 0, VN_I64, &s, e);
}

void vn_portable_of_arg(const struct node *n, struct portable_params *p, int largest)
{
    const struct arg_attrs *a = n->attrs;
    *p = (struct portable_params){
        .id = VN_PORTABLE_arg, .i = { vn_shape_axis(&n->in[0]->shape, a->axis), largest, (int32_t)a->last }
    };
}
