/* ops/blocks.c - squares of pixels to channels and back. */
#include "ops/blocks.h"

struct blocks vn_blocks(const struct vn_shape *s, int64_t b, int crd, const int64_t *deep, const int64_t *wide)
{
    const int64_t c = crd ? b * b : 1, row = crd ? b : b * s->d[1], column = crd ? 1 : s->d[1];
    return (struct blocks){
        { s->d[0], s->d[1], s->d[2] / b, b, s->d[3] / b, b },
        { deep[0], deep[1] * c, deep[2], deep[1] * row, deep[3], deep[1] * column },
        { wide[0], wide[1], wide[2] * b, wide[2], wide[3] * b, wide[3] },
    };
}

int vn_blocks_eval(const struct eval *ev, int64_t size, int crd, int to_wide)
{
    const struct vn_tensor *x = ev->in[0], *y = ev->out[0];
    int64_t own[VN_MAX_RANK], out[VN_MAX_RANK], idx[VN_MAX_RANK] = { 0 };
    vn_shape_strides(&x->shape, own);
    vn_shape_strides(&y->shape, out);
    const struct blocks b = vn_blocks(to_wide ? &y->shape : &x->shape, size, crd, to_wide ? own : out, to_wide ? out : own);
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

int vn_blocks_lower(const struct node *n, struct lowering *l, int64_t size, int crd, int to_wide, struct vn_err *e)
{
    enum layout order;
    int x = vn_low_in_any(l, 0, &order), y = vn_low_out(l, order);
    int64_t own[VN_MAX_RANK], out[VN_MAX_RANK];
    vn_low_axis_strides(vn_low_tensor(l, x), own);
    vn_low_axis_strides(vn_low_tensor(l, y), out);
    const struct blocks b = vn_blocks(to_wide ? &n->out[0]->shape : &n->in[0]->shape, size, crd, to_wide ? own : out, to_wide ? out : own);
    return vn_low_copy(l, x, y, 6, b.d, 0, to_wide ? b.deep : b.wide, 0, to_wide ? b.wide : b.deep, e);
}
