/* ops/maxroipool.c - the largest elements in a grid over regions of an image. */
#include "ops/portable_op.h"

struct attrs {
    struct ints size;
    float scale;
};
static const struct attr_spec specs[] = {
    { .onnx = "pooled_shape",
      .kind = ATTR_INTS,
      .offset = offsetof(struct attrs, size),
      .min = 1,
      .max = 1 << 20,
      .required = 1 },
    A_FLOAT(struct attrs, scale, "spatial_scale", 1),
    A_END,
};

static int infer(struct node *n, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    TRY(vn_infer_begin(n, e));
    TRY(vn_infer_float(n, 0, e));
    const struct vn_shape *x = &n->in[0]->shape, *r = &n->in[1]->shape;
    if (x->rank != 4 || r->rank != 2 || r->d[1] != 5 || a->size.n != 2)
        return vn_node_fail(n, e, VN_E_INPUT,
                            "expected an image N,C,H,W, regions n x 5 and two entries in pooled_shape");
    const struct vn_shape y = { .rank = 4, .d = { r->d[0], x->d[1], a->size.v[0], a->size.v[1] } };
    return vn_infer_out(n, 0, n->in[0]->dtype, &y, e);
}

static void call(const struct node *n, struct portable_params *p)
{
    *p = (struct portable_params){ .id = VN_PORTABLE_max_roi_pool,
                                   .f = { ((const struct attrs *)n->attrs)->scale } };
}

const struct op_def vn_op_maxroipool = {
    .name = "maxroipool",
    .onnx = "MaxRoiPool",
    .min_in = 2,
    .max_in = 2,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .eval = vn_eval_portable,
    .lower = vn_low_portable,
    .portable = call,
};
