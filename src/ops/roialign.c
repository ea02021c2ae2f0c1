/* ops/roialign.c - regions of an image resampled to one size. */
#include "ops/portable_op.h"

struct attrs {
    int transform, mode;
    int64_t height, width, samples;
    float scale;
};
static const char *const transforms[] = { "half_pixel", "output_half_pixel", NULL };
static const char *const modes[] = { "avg", "max", NULL };
static const struct attr_spec specs[] = {
    A_ENUM(struct attrs, transform, "coordinate_transformation_mode", 0, transforms),
    A_ENUM(struct attrs, mode, "mode", 0, modes),
    A_INT(struct attrs, height, "output_height", 1, 1, 1 << 20),
    A_INT(struct attrs, width, "output_width", 1, 1, 1 << 20),
    A_INT(struct attrs, samples, "sampling_ratio", 0, 0, 1 << 16),
    A_FLOAT(struct attrs, scale, "spatial_scale", 1),
    A_END,
};

static int infer(struct node *n, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    TRY(vn_infer_begin(n, e));
    TRY(vn_infer_float(n, 0, e));
    const struct vn_shape *x = &n->in[0]->shape, *r = &n->in[1]->shape, *b = &n->in[2]->shape;
    if (x->rank != 4 || r->rank != 2 || r->d[1] != 4 || b->rank != 1 || b->d[0] != r->d[0] ||
        vn_dtype_is_float(n->in[2]->dtype))
        return vn_node_fail(n, e, VN_E_INPUT, "expected an image N,C,H,W, regions n x 4 and n batch indices");
    const struct vn_shape y = { .rank = 4, .d = { r->d[0], x->d[1], a->height, a->width } };
    return vn_infer_out(n, 0, n->in[0]->dtype, &y, e);
}

static void call(const struct node *n, struct portable_params *p)
{
    const struct attrs *a = n->attrs;
    *p = (struct portable_params){ .id = VN_PORTABLE_roi_align,
                                   .i = { a->mode, (int32_t)a->samples, a->transform == 0 },
                                   .f = { a->scale } };
}

const struct op_def vn_op_roialign = {
    .name = "roialign",
    .onnx = "RoiAlign",
    .min_in = 3,
    .max_in = 3,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .eval = vn_eval_portable,
    .lower = vn_low_portable,
    .portable = call,
};
