/* ops/globallppool.c - the p-norm over all spatial dimensions: a window as large as the image. */
#include "ops/compose.h"
#include "ops/pools.h"

struct attrs {
    int64_t p;
};
static const struct attr_spec specs[] = { A_INT(struct attrs, p, "p", 2, 1, 1 << 20), A_END };

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_same_float(n, e));
    struct vn_shape s = n->in[0]->shape;
    if (s.rank < 3 || s.rank > 5)
        return vn_node_fail(n, e, VN_E_INPUT, "the input has %d dimensions, expected 3 to 5", s.rank);
    for (int d = 2; d < s.rank; d++)
        s.d[d] = 1;
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

static int expand(struct graph *g, const struct node *n, struct vn_err *e)
{
    const struct vn_shape *x = &n->in[0]->shape;
    struct node *pool = vn_expand(g, n, "LpPool", 1, n->in, n->out[0], e);
    if (!pool)
        return VN_E_INTERNAL;
    struct pool_attrs *a = pool->attrs;
    a->p = ((const struct attrs *)n->attrs)->p;
    a->kernel =
        (struct ints){ x->rank - 2, vn_arena_copy(g->arena, x->d + 2, sizeof *x->d * (size_t)(x->rank - 2)) };
    return VN_OK;
}

const struct op_def vn_op_globallppool = {
    .name = "globallppool",
    .onnx = "GlobalLpPool",
    .min_in = 1,
    .max_in = 1,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .expand = expand,
};
