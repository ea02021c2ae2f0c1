/* ops/topk.c - the k largest or smallest elements along an axis, and where they were; equal ones in the order of their places. */
#include <math.h>

#include "ops/lower.h"

struct attrs {
    int64_t axis, largest, sorted;
};

static const struct attr_spec specs[] = {
    A_INT(struct attrs, axis, "axis", -1, -VN_MAX_RANK, VN_MAX_RANK),
    A_INT(struct attrs, largest, "largest", 1, 0, 1),
    A_INT(struct attrs, sorted, "sorted", 1, 0, 1),
    A_END,
};

static int axis_of(const struct node *n) { return vn_shape_axis(&n->in[0]->shape, ((const struct attrs *)n->attrs)->axis); }

static int infer(struct node *n, struct vn_err *e)
{
    int64_t k;
    TRY(vn_infer_begin(n, e));
    struct vn_shape s = n->in[0]->shape;
    const int axis = axis_of(n);
    int count = vn_node_list(n, 1, "K", &k, 1, e);
    TRY(count);
    if (axis < 0 || count != 1 || k < 0 || k > s.d[axis])
        return vn_node_fail(n, e, VN_E_INPUT, "axis or K do not fit the input");
    s.d[axis] = k;
    TRY(vn_infer_out(n, 0, n->in[0]->dtype, &s, e));
    return vn_infer_out(n, 1, VN_I64, &s, e);
}

static int before(const struct vn_tensor *x, int64_t a, int64_t b, int largest)
{
    if (x->dtype == VN_I64)
        return largest ? vn_i64(x)[a] > vn_i64(x)[b] : vn_i64(x)[a] < vn_i64(x)[b];
    return largest ? vn_f64(x)[a] > vn_f64(x)[b] : vn_f64(x)[a] < vn_f64(x)[b];
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    const struct attrs *a = n->attrs;
    const struct vn_tensor *x = ev->in[0];
    const int axis = axis_of(n);
    const int64_t dim = x->shape.d[axis], k = ev->out[0]->shape.d[axis];
    int64_t inner = 1, lines, *order = NEW_ARRAY(ev->arena, int64_t, k);
    for (int d = axis + 1; d < x->shape.rank; d++)
        inner *= x->shape.d[d];
    lines = dim ? vn_shape_count(&x->shape) / dim : 0;
    for (int64_t o = 0; k && o < lines; o++) {
        const int64_t base = o / inner * dim * inner + o % inner, to = o / inner * k * inner + o % inner;
        int64_t held = 0;
        for (int64_t i = 0; i < dim; i++) { /* insertion into the best so far */
            int64_t p = held;
            while (p > 0 && before(x, base + i * inner, base + order[p - 1] * inner, (int)a->largest))
                p--;
            if (p == k)
                continue;
            held += held < k;
            memmove(order + p + 1, order + p, (size_t)(held - p - 1) * sizeof *order);
            order[p] = i;
        }
        for (int64_t i = 0; i < k; i++) {
            ((uint64_t *)ev->out[0]->data)[to + i * inner] = ((const uint64_t *)x->data)[base + order[i] * inner];
            if (n->n_out > 1 && ev->out[1])
                vn_i64(ev->out[1])[to + i * inner] = order[i];
        }
    }
    return VN_OK;
}

const struct op_def vn_op_topk = {
    .name = "topk", .onnx = "TopK", .min_in = 2, .max_in = 2, .min_out = 1, .max_out = 2,
    .attrs = specs, .attrs_size = sizeof(struct attrs),
    .infer = infer, .eval = eval, .lower = vn_low_reference,
};
