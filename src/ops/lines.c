/* ops/lines.c - operators that work on lines along one axis. */
#include "ops/lines.h"

int vn_infer_lines(struct node *n, int64_t axis, struct vn_err *e)
{
    TRY(vn_infer_same_float(n, e));
    if (vn_shape_axis(&n->in[0]->shape, axis) < 0)
        return vn_node_fail(n, e, VN_E_INPUT, "axis is out of range for an input of %d dimensions",
                            n->in[0]->shape.rank);
    return VN_OK;
}

int vn_eval_lines(const struct node *n, const struct eval *ev, int64_t axis,
                  void (*fn)(const struct node *n, double *y, const double *x, int64_t count, int64_t step))
{
    const struct vn_shape *s = &ev->in[0]->shape;
    const int at = vn_shape_axis(s, axis);
    int64_t outer = 1, inner = 1, count = s->d[at];
    for (int d = 0; d < s->rank; d++)
        if (d != at)
            *(d < at ? &outer : &inner) *= s->d[d];
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++)
            fn(n, vn_f64(ev->out[0]) + o * count * inner + i, vn_f64(ev->in[0]) + o * count * inner + i,
               count, inner);
    return VN_OK;
}
