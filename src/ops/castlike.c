/* ops/castlike.c - x in the element type of another tensor. */
#include "ops/compose.h"

struct attrs {
    int64_t saturate;
    int rounding;
};
static const char *const roundings[] = { "up", "down", "nearest", NULL };
static const struct attr_spec specs[] = {
    A_INT(struct attrs, saturate, "saturate", 1, 0, 1),
    A_ENUM(struct attrs, rounding, "round_mode", 0, roundings),
    A_END,
};

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    return vn_infer_out(n, 0, n->in[1]->dtype, &n->in[0]->shape, e);
}

static int expand(struct graph *g, const struct node *n, struct vn_err *e)
{
    (void)e;
    vn_expand_cast(g, n, n->in[0], n->in[1]->dtype, n->out[0]);
    return VN_OK;
}

const struct op_def vn_op_castlike = {
    .name = "castlike",
    .onnx = "CastLike",
    .min_in = 2,
    .max_in = 2,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .expand = expand,
};
