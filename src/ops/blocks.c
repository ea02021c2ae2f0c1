/* ops/blocks.c - squares of pixels to channels and back. */
#include "ops/blocks.h"

struct blocks vn_blocks(const struct vn_shape *s, int64_t b, int crd, const int64_t *deep,
                        const int64_t *wide)
{
    const int64_t c = crd ? b * b : 1, row = crd ? b : b * s->d[1], column = crd ? 1 : s->d[1];
    return (struct blocks){
        { s->d[0], s->d[1], s->d[2] / b, b, s->d[3] / b, b },
        { deep[0], deep[1] * c, deep[2], deep[1] * row, deep[3], deep[1] * column },
        { wide[0], wide[1], wide[2] * b, wide[2], wide[3] * b, wide[3] },
    };
}

static const char *const modes[] = { "DCR", "CRD", NULL };
const struct attr_spec vn_blocks_specs[] = {
    { .onnx = "blocksize",
      .kind = ATTR_INT,
      .offset = offsetof(struct blocks_attrs, size),
      .min = 1,
      .max = 65536,
      .required = 1 },
    A_ENUM(struct blocks_attrs, mode, "mode", 0, modes),
    A_END,
};

int vn_blocks_infer(struct node *n, int to_wide, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    struct vn_shape s = n->in[0]->shape;
    const int64_t b = ((const struct blocks_attrs *)n->attrs)->size;
    if (s.rank != 4)
        return vn_node_fail(n, e, VN_E_INPUT, "the input has %d dimensions, expected 4", s.rank);
    if (to_wide) {
        if (s.d[1] % (b * b))
            return NODE_MISFIT(n, e, "%lld channels cannot be divided into squares of %lld",
                               (long long)s.d[1], (long long)b);
        s.d[1] /= b * b, s.d[2] *= b, s.d[3] *= b;
    } else {
        if (s.d[2] % b || s.d[3] % b)
            return vn_node_fail(n, e, VN_E_INPUT, "%lldx%lld pixels are not a multiple of squares of %lld",
                                (long long)s.d[2], (long long)s.d[3], (long long)b);
        s.d[1] *= b * b, s.d[2] /= b, s.d[3] /= b;
    }
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

/* Strides of the node's input and output by those of both tensors. */
static struct blocks blocks_of(const struct node *n, int to_wide, const int64_t *in, const int64_t *out)
{
    const struct blocks_attrs *a = n->attrs;
    return to_wide ? vn_blocks(&n->out[0]->shape, a->size, a->mode, in, out)
                   : vn_blocks(&n->in[0]->shape, a->size, a->mode, out, in);
}

int vn_blocks_eval(const struct node *n, const struct eval *ev, int to_wide)
{
    const struct vn_tensor *x = ev->in[0], *y = ev->out[0];
    int64_t own[VN_MAX_RANK], out[VN_MAX_RANK], idx[VN_MAX_RANK] = { 0 };
    vn_shape_strides(&x->shape, own);
    vn_shape_strides(&y->shape, out);
    const struct blocks b = blocks_of(n, to_wide, own, out);
    const struct vn_shape walk = vn_shape_of(6, b.d);
    const int64_t count = vn_shape_count(&walk);
    for (int64_t i = 0; i < count; i++, vn_index_next(idx, &walk)) {
        int64_t deep = 0, wide = 0;
        for (int d = 0; d < 6; d++)
            deep += idx[d] * b.deep[d], wide += idx[d] * b.wide[d];
        ((uint64_t *)y->data)[to_wide ? wide : deep] = ((const uint64_t *)x->data)[to_wide ? deep : wide];
    }
    return VN_OK;
}

int vn_blocks_lower(const struct node *n, struct lowering *l, int to_wide, struct vn_err *e)
{
    enum layout order;
    int x = vn_low_in_any(l, 0, &order), y = vn_low_out(l, order);
    int64_t own[VN_MAX_RANK], out[VN_MAX_RANK];
    vn_low_axis_strides(vn_low_tensor(l, x), own);
    vn_low_axis_strides(vn_low_tensor(l, y), out);
    const struct blocks b = blocks_of(n, to_wide, own, out);
    return vn_low_copy(l, x, y, 6, b.d, 0, to_wide ? b.deep : b.wide, 0, to_wide ? b.wide : b.deep, e);
}
