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
        return vn_node_fail(n, e, VN_E_INPUT, "axis is outside of the input's %d dimensions, or empty", s.rank);
    s.d[axis] = 1;
    if (!a->keepdims) {
        memmove(s.d + axis, s.d + axis + 1, sizeof *s.d * (size_t)(s.rank - axis - 1));
        s.rank--;
    }
    return vn_infer_out(n, 0, VN_I64, &s, e);
}

int vn_eval_arg(const struct node *n, const struct eval *ev, int (*real)(double, double), int (*whole)(int64_t, int64_t))
{
    const struct arg_attrs *a = n->attrs;
    const struct vn_tensor *x = ev->in[0];
    const int axis = vn_shape_axis(&x->shape, a->axis);
    int64_t inner = 1, dim = x->shape.d[axis], count = vn_shape_count(&ev->out[0]->shape);
    for (int d = axis + 1; d < x->shape.rank; d++)
        inner *= x->shape.d[d];
    for (int64_t o = 0; o < count; o++) {
        const int64_t base = o / inner * dim * inner + o % inner;
        int64_t best = 0;
        for (int64_t i = 1; i < dim; i++) {
            const int64_t p = base + i * inner, q = base + best * inner;
            const int worse = x->dtype == VN_I64 ? whole(vn_i64(x)[q], vn_i64(x)[p]) : real(vn_f64(x)[q], vn_f64(x)[p]);
            const int wins = x->dtype == VN_I64 ? whole(vn_i64(x)[p], vn_i64(x)[q]) : real(vn_f64(x)[p], vn_f64(x)[q]);
            if (wins || (a->last && !worse))
                best = i;
        }
        vn_i64(ev->out[0])[o] = best;
    }
    return VN_OK;
}
