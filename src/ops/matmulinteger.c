/* ops/matmulinteger.c - matrix product of 8-bit integers into int32. */
#include "ops/compose.h"

static int infer(struct node *n, struct vn_err *e)
{
    struct vn_shape s;
    TRY(vn_infer_begin(n, e));
    const struct vn_shape *a = &n->in[0]->shape, *b = &n->in[1]->shape;
    if (a->rank < 1 || b->rank < 1)
        return vn_node_fail(n, e, VN_E_INPUT, "a matrix product with a scalar");
    struct vn_shape ab = { .rank = a->rank > 2 ? a->rank - 2 : 0 },
                    bb = { .rank = b->rank > 2 ? b->rank - 2 : 0 };
    memcpy(ab.d, a->d, sizeof ab.d);
    memcpy(bb.d, b->d, sizeof bb.d);
    if (vn_shape_broadcast(&s, &ab, &bb, e) < 0)
        return vn_because(e, REASON_misfit, e ? vn_fail_at(e, "%s", n->name) : VN_E_INPUT);
    if (a->rank > 1)
        s.d[s.rank++] = a->d[a->rank - 2];
    if (b->rank > 1)
        s.d[s.rank++] = b->d[b->rank - 1];
    return vn_infer_out(n, 0, VN_I32, &s, e);
}

/* Operand i in int32, without its zero point: one number, or one for each row of a or column of b. */
static struct value *operand(struct graph *g, const struct node *n, int i)
{
    struct value *x = vn_expand_cast(g, n, n->in[i], VN_I32, NULL);
    if (!vn_node_has(n, i + 2))
        return x;
    struct value *zero = vn_expand_cast(g, n, n->in[i + 2], VN_I32, NULL);
    const struct vn_shape *z = &n->in[i + 2]->shape;
    if (i == 0 && z->rank == 1 && z->d[0] != 1)
        zero = vn_expand_reshape(g, n, zero, 2, (int64_t[]){ z->d[0], 1 }, NULL);
    return vn_expand2(g, n, "Sub", x, zero, NULL);
}

static int expand(struct graph *g, const struct node *n, struct vn_err *e)
{
    (void)e;
    struct value *a = operand(g, n, 0), *b = operand(g, n, 1);
    vn_expand2(g, n, "MatMul", a, b, n->out[0]);
    return VN_OK;
}

const struct op_def vn_op_matmulinteger = {
    .name = "matmulinteger",
    .onnx = "MatMulInteger",
    .min_in = 2,
    .max_in = 4,
    .infer = infer,
    .expand = expand,
};
