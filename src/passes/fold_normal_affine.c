/* A constant factor or summand behind LayerNormalization or RMSNormalization becomes part of its scale and
 * bias. */
#include "passes/match.h"

#include "ops/normal.h"

static const char *const forms[] = {
    "(Mul n=(LayerNormalization x #s) #k)",    "(Mul n=(LayerNormalization x #s #t) #k)",
    "(Mul n=(RMSNormalization x #s) #k)",      "(Add n=(LayerNormalization x #s) #c)",
    "(Add n=(LayerNormalization x #s #t) #c)", NULL,
};

/* Is the constant the same in every row, and no wider than x? */
static int fits(const struct value *k, const struct vn_shape *x, int axis)
{
    struct vn_shape wide;
    if (!k)
        return 1;
    for (int i = 0; i < k->shape.rank; i++)
        if (k->shape.rank > x->rank || (x->rank - k->shape.rank + i < axis && k->shape.d[i] != 1))
            return 0;
    return vn_shape_broadcast(&wide, x, &k->shape, NULL) == VN_OK && vn_shape_equal(&wide, x);
}

/* Element of a constant that broadcasts against rows of shape s; `absent` where there is none. */
static double element(const struct value *v, const struct vn_shape *s, const int64_t *idx, double absent)
{
    int64_t stride[VN_MAX_RANK], at = 0;
    struct vn_shape own;
    if (!v)
        return absent;
    own = v->shape;
    while (own.rank > s->rank) { /* ones in front */
        own.rank--;
        memmove(own.d, own.d + 1, sizeof own.d - sizeof own.d[0]);
    }
    vn_broadcast_strides(stride, &own, s);
    for (int d = 0; d < s->rank; d++)
        at += idx[d] * stride[d];
    return vn_tensor_f64(v->data, at);
}

static struct value *combined(struct match *m, const char *what, const struct vn_shape *row, char from,
                              double from_absent, char by, char plus)
{
    struct value *v = vn_match_const(m, what, row, 0);
    int64_t idx[VN_MAX_RANK] = { 0 }, i = 0;
    do {
        const double x = element(vn_match_value(m, from), row, idx, from_absent);
        ((float *)v->data->data)[i++] = (float)(x * element(vn_match_value(m, by), row, idx, 1) +
                                                (plus ? element(vn_match_value(m, plus), row, idx, 0) : 0));
    } while (vn_index_next(idx, row));
    return v;
}

static int fuse(struct match *m)
{
    const struct node *n = vn_match_node(m, 'n');
    const struct trailing_attrs a = *(const struct trailing_attrs *)n->attrs;
    const struct vn_shape *x = &vn_match_value(m, 'x')->shape;
    const int axis = vn_shape_axis(x, a.axis), takes_bias = n->op->max_in > 2;
    const char letters[] = { 's', 't', 'k', 'c' };
    for (size_t i = 0; i < sizeof letters; i++)
        if (!fits(vn_match_value(m, letters[i]), x, axis) || !vn_match_keeps_shape(m, 'x'))
            return 0;
    const struct vn_shape row = vn_shape_of(x->rank - axis, x->d + axis);
    if (!vn_shape_count(&row))
        return 0;
    const int biased = vn_match_value(m, 't') || vn_match_value(m, 'c');
    struct value *in[3] = { vn_match_value(m, 'x'), combined(m, "scale", &row, 's', 1, 'k', 0), NULL };
    if (biased)
        in[2] = combined(m, "bias", &row, 't', 0, 'k', 'c');
    const struct op_def *op = n->op;
    struct trailing_attrs *to = vn_match_replace(m, op, 2 + (takes_bias && biased), in)->attrs;
    *to = a;
    return 1;
}

PATTERN_PASS(fold_normal_affine, "factor and offset after a normalization into its scale and bias", forms,
             fuse);
