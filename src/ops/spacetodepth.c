/* ops/spacetodepth.c - squares of pixels become channels. */
#include "ops/blocks.h"

static const char *const modes[] = { "DCR", "CRD", NULL };
static const struct attr_spec specs[] = {
    { .onnx = "blocksize", .kind = ATTR_INT, .offset = offsetof(struct blocks_attrs, size), .min = 1, .max = 65536, .required = 1 },
    A_ENUM(struct blocks_attrs, mode, "mode", 0, modes),
    A_END,
};

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    struct vn_shape s = n->in[0]->shape;
    const int64_t b = ((const struct blocks_attrs *)n->attrs)->size;
    if (s.rank != 4)
        return vn_node_fail(n, e, VN_E_INPUT, "the input has %d dimensions, wants 4", s.rank);
    if (s.d[2] % b || s.d[3] % b)
        return vn_node_fail(n, e, VN_E_INPUT, "%lldx%lld pixels are no multiple of squares of %lld", (long long)s.d[2], (long long)s.d[3],
                            (long long)b);
    s.d[1] *= b * b, s.d[2] /= b, s.d[3] /= b;
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    const struct blocks_attrs *a = n->attrs;
    return vn_blocks_eval(ev, a->size, a->mode, 0);
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    const struct blocks_attrs *a = n->attrs;
    return vn_blocks_lower(n, l, a->size, a->mode, 0, e);
}

const struct op_def vn_op_spacetodepth = {
    .name = "spacetodepth", .onnx = "SpaceToDepth", .min_in = 1, .max_in = 1,
    .attrs = specs, .attrs_size = sizeof(struct blocks_attrs),
    .infer = infer, .eval = eval, .lower = lower,
    .quant = { .kind = Q_MOVE, .out = Q_OUT_SAME },
};
