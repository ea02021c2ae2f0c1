/* ops/gridsample.c - an image sampled at computed points. */
#include "ops/portable_op.h"

struct attrs {
    int mode, padding;
    int64_t align;
};
static const char *const modes[VN_GRID_MODE_COUNT + 1] = {
    [VN_GRID_NEAREST] = "nearest", [VN_GRID_LINEAR] = "linear", [VN_GRID_CUBIC] = "cubic"
};
static const char *const paddings[VN_GRID_OUTSIDE_COUNT + 1] = {
    [VN_GRID_ZEROS] = "zeros", [VN_GRID_BORDER] = "border", [VN_GRID_REFLECTION] = "reflection"
};
static const struct attr_spec specs[] = {
    A_INT(struct attrs, align, "align_corners", 0, 0, 1),
    A_ENUM(struct attrs, mode, "mode", 1, modes),
    A_ENUM(struct attrs, padding, "padding_mode", 0, paddings),
    A_END,
};

static int infer(struct node *n, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    TRY(vn_infer_begin(n, e));
    TRY(vn_infer_float(n, 0, e));
    const struct vn_shape *x = &n->in[0]->shape, *g = &n->in[1]->shape;
    struct vn_shape s = *x;
    if (x->rank < 3 || x->rank > 5 || g->rank != x->rank || g->d[0] != x->d[0] ||
        g->d[g->rank - 1] != x->rank - 2)
        return vn_node_fail(n, e, VN_E_INPUT, "the grid %s does not match the input %s", n->in[1]->name,
                            n->in[0]->name);
    if (a->mode == VN_GRID_CUBIC && x->rank != 4)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "cubic sampling of %d spatial dimensions", x->rank - 2);
    for (int d = 2; d < x->rank; d++) {
        if (!x->d[d])
            return vn_node_fail(n, e, VN_E_INPUT, "the image has no pixels");
        s.d[d] = g->d[d - 1];
    }
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

static void call(const struct node *n, struct portable_params *p)
{
    const struct attrs *a = n->attrs;
    *p = (struct portable_params){ .id = VN_PORTABLE_grid_sample,
                                   .i = { a->mode, a->padding, (int32_t)a->align } };
}

const struct op_def vn_op_gridsample = {
    .name = "gridsample",
    .onnx = "GridSample",
    .min_in = 2,
    .max_in = 2,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .eval = vn_eval_portable,
    .lower = vn_low_portable,
    .portable = call,
};
