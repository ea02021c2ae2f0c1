/* ops/quantizers.c - what QuantizeLinear and DequantizeLinear share. */
#include "ops/quantizers.h"

static int axis_of(const struct node *n)
{
    return vn_shape_axis(&n->in[0]->shape, ((const struct quantizer_attrs *)n->attrs)->axis);
}

/* One scale for the whole tensor? */
static int is_single(const struct node *n)
{
    return n->in[1]->shape.rank == 0 || (n->in[1]->shape.rank == 1 && vn_shape_count(&n->in[1]->shape) == 1);
}

int vn_quantizer_check(const struct node *n, enum vn_dtype whole, struct vn_err *e)
{
    static const enum vn_dtype types[] = { VN_I8, VN_U8, VN_I16, VN_U16, VN_I32 };
    const struct quantizer_attrs *a = n->attrs;
    const struct vn_shape *x = &n->in[0]->shape, *s = &n->in[1]->shape;
    const int axis = axis_of(n);
    int known = 0;
    for (size_t k = 0; k < sizeof types / sizeof *types; k++)
        known |= types[k] == whole;
    if (!known)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "quantized type %s", vn_dtype_name(whole));
    if (vn_node_has(n, 2) &&
        (vn_shape_count(&n->in[2]->shape) != vn_shape_count(s) || n->in[2]->dtype != whole))
        return vn_node_fail(n, e, VN_E_INPUT, "zero point %s does not match the scale %s, or is not %s",
                            n->in[2]->name, n->in[1]->name, vn_dtype_name(whole));
    int fits = is_single(n) || (s->rank == 1 && axis >= 0 && s->d[0] == x->d[axis] && !a->block);
    if (a->block && s->rank == x->rank && axis >= 0) {
        fits = 1;
        for (int d = 0; d < x->rank; d++)
            fits &= s->d[d] == (d == axis ? (x->d[d] + a->block - 1) / a->block : x->d[d]);
    }
    return fits ? VN_OK
                : vn_node_fail(n, e, VN_E_INPUT, "scale %s does not match axis %lld of the input",
                               n->in[1]->name, (long long)a->axis);
}

void vn_quantizer_call(const struct node *n, struct portable_params *p, int back, enum vn_dtype whole)
{
    const struct quantizer_attrs *a = n->attrs;
    const int blocks = a->block && n->in[1]->shape.rank == n->in[0]->shape.rank;
    *p = (struct portable_params){ .id = VN_PORTABLE_quantize,
                                   .i = { back, whole, is_single(n) && !blocks ? -1 : axis_of(n),
                                          blocks ? (int32_t)a->block : 0 } };
}
