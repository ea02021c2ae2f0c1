/* ops/centercroppad.c - axes brought to a size by cutting or adding zeros on both sides. */
#include "ops/compose.h"

struct attrs {
    struct ints axes;
};
static const struct attr_spec specs[] = { A_INTS(struct attrs, axes, "axes", -VN_MAX_RANK, VN_MAX_RANK - 1),
                                          A_END };

/* The wanted shape: input 1 has an entry for each of the axes. */
static int wanted(struct vn_shape *s, const struct node *n, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    int64_t size[VN_MAX_RANK];
    *s = n->in[0]->shape;
    const int count = vn_node_list(n, 1, "shape", size, VN_MAX_RANK, e),
              axes = a->axes.n ? a->axes.n : s->rank;
    TRY(count);
    for (int i = 0; i < count; i++) {
        const int axis = a->axes.n && i < axes ? vn_shape_axis(s, a->axes.v[i]) : i;
        if (count != axes || axis < 0 || size[i] < 0)
            return vn_node_fail(n, e, VN_E_INPUT, "shape has %d entries for %d axes, or one is out of range",
                                count, axes);
        s->d[axis] = size[i];
    }
    return VN_OK;
}

static int infer(struct node *n, struct vn_err *e)
{
    struct vn_shape s;
    TRY(vn_infer_begin(n, e));
    TRY(wanted(&s, n, e));
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

static int expand(struct graph *g, const struct node *n, struct vn_err *e)
{
    const struct vn_shape *x = &n->in[0]->shape;
    int64_t pads[2 * VN_MAX_RANK] = { 0 }, start[VN_MAX_RANK], end[VN_MAX_RANK];
    struct vn_shape s;
    TRY(wanted(&s, n, e));
    for (int d = 0; d < s.rank; d++) {
        const int64_t more = s.d[d] - x->d[d], less = -more;
        start[d] = less > 0 ? less / 2 : 0;
        end[d] = less > 0 ? start[d] + s.d[d] : x->d[d];
        pads[d] = more > 0 ? more / 2 : 0;
        pads[d + s.rank] = more > 0 ? more - more / 2 : 0;
    }
    struct value *const cut[3] = { n->in[0], vn_expand_ints(g, n, "starts", s.rank, start),
                                   vn_expand_ints(g, n, "ends", s.rank, end) };
    struct node *slice = vn_expand(g, n, "Slice", 3, cut, NULL, e);
    if (!slice)
        return VN_E_INTERNAL;
    vn_expand2(g, n, "Pad", slice->out[0], vn_expand_ints(g, n, "pads", 2 * s.rank, pads), n->out[0]);
    return VN_OK;
}

const struct op_def vn_op_centercroppad = {
    .name = "centercroppad",
    .onnx = "CenterCropPad",
    .min_in = 2,
    .max_in = 2,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .expand = expand,
};
