/* ops/nonmaxsuppression.c - boxes that do not overlap a better one, class by class. */
#include <math.h>

#include "ops/portable_op.h"

struct attrs {
    int64_t centre;
};
static const struct attr_spec specs[] = { A_INT(struct attrs, centre, "center_point_box", 0, 0, 1), A_END };

/* One number at input i; `otherwise` where it is left out or computed. */
static int number(const struct node *n, int i, double otherwise, double *out, struct vn_err *e)
{
    *out = otherwise;
    if (!vn_node_has(n, i) || !vn_shape_count(&n->in[i]->shape))
        return VN_OK;
    if (vn_shape_count(&n->in[i]->shape) != 1)
        return vn_node_fail(n, e, VN_E_INPUT, "%s must be a scalar", n->in[i]->name);
    if (n->in[i]->data)
        *out = vn_tensor_f64(n->in[i]->data, 0);
    return VN_OK;
}

/* Then the function gets all limits as inputs. */
static int is_computed(const struct node *n)
{
    int computed = 0;
    for (int i = 2; i < n->n_in; i++)
        computed |= n->in[i] && !n->in[i]->data;
    return computed;
}

static int limits(const struct node *n, double *most, double *overlap, double *score, struct vn_err *e)
{
    TRY(number(n, 2, 0, most, e));
    TRY(number(n, 3, 0, overlap, e));
    TRY(number(n, 4, -INFINITY, score, e));
    *most = *most < 0 ? 0 : *most > INT32_MAX ? INT32_MAX : *most;
    return VN_OK;
}

static int infer(struct node *n, struct vn_err *e)
{
    double most, overlap, score;
    TRY(vn_infer_begin(n, e));
    const struct vn_shape *b = &n->in[0]->shape, *s = &n->in[1]->shape;
    if (b->rank != 3 || s->rank != 3 || b->d[2] != 4 || b->d[0] != s->d[0] || b->d[1] != s->d[2])
        return vn_node_fail(n, e, VN_E_INPUT, "%s must be batch x boxes x 4 and %s batch x classes x boxes",
                            n->in[0]->name, n->in[1]->name);
    TRY(limits(n, &most, &overlap, &score, e));
    const int64_t each = most < (double)s->d[2] && !is_computed(n) ? (int64_t)most : s->d[2];
    const struct vn_shape y = { .rank = 2, .d = { s->d[0] * s->d[1] * each, 3 } };
    if (n->out[0])
        n->out[0]->bounded = 1;
    return vn_infer_out(n, 0, VN_I64, &y, e);
}

static void call(const struct node *n, struct portable_params *p)
{
    double most, overlap, score;
    limits(n, &most, &overlap, &score, NULL);
    *p = (struct portable_params){ .id = VN_PORTABLE_nms,
                                   .i = { (int32_t)((const struct attrs *)n->attrs)->centre, (int32_t)most },
                                   .f = { (float)overlap, (float)score },
                                   .n_in = is_computed(n) ? n->n_in : 2 };
}

const struct op_def vn_op_nonmaxsuppression = {
    .name = "nonmaxsuppression",
    .onnx = "NonMaxSuppression",
    .min_in = 2,
    .max_in = 5,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .eval = vn_eval_portable,
    .lower = vn_low_portable,
    .portable = call,
};
