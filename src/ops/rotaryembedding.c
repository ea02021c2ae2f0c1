/* ops/rotaryembedding.c - pairs of elements of each head turned by an angle that depends on the position. */
#include "ops/compose.h"

struct attrs {
    int64_t interleaved, heads, rotary;
};
static const struct attr_spec specs[] = {
    A_INT(struct attrs, interleaved, "interleaved", 0, 0, 1),
    A_INT(struct attrs, heads, "num_heads", 0, 0, 1 << 20),
    A_INT(struct attrs, rotary, "rotary_embedding_dim", 0, 0, 1 << 24),
    A_END,
};

/* x as (batch, sequence, heads, size): rank 4 is (batch, heads, sequence, size), rank 3 (batch, sequence,
 * heads * size). */
struct sizes {
    int64_t batch, sequence, heads, size, turned;
};

static int sizes_of(struct sizes *s, const struct node *n, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    const struct vn_shape *x = &n->in[0]->shape, *c = &n->in[1]->shape;
    const int flat = x->rank == 3;
    if ((!flat && x->rank != 4) || (flat && (a->heads < 1 || x->d[2] % a->heads)))
        return vn_node_fail(n, e, VN_E_INPUT,
                            "expected 4 dimensions, or 3 and num_heads that divides the last");
    *s = (struct sizes){ x->d[0], x->d[flat ? 1 : 2], flat ? a->heads : x->d[1],
                         flat ? x->d[2] / a->heads : x->d[3], 0 };
    s->turned = a->rotary ? a->rotary : s->size;
    if (s->turned > s->size || s->turned % 2 || c->rank < 2 || !vn_shape_equal(c, &n->in[2]->shape) ||
        c->d[c->rank - 1] != s->turned / 2 || c->rank != (vn_node_has(n, 3) ? 2 : 3))
        return vn_node_fail(n, e, VN_E_INPUT,
                            "the cosines %s and sines %s do not match %lld elements of a head",
                            n->in[1]->name, n->in[2]->name, (long long)s->turned);
    return VN_OK;
}

static int infer(struct node *n, struct vn_err *e)
{
    struct sizes s;
    TRY(vn_infer_same_float(n, e));
    return sizes_of(&s, n, e);
}

/* Cosines or sines by position, (batch, sequence, 1, half). */
static struct value *angles(struct graph *g, const struct node *n, int i, const struct sizes *s)
{
    struct value *cache = n->in[i];
    if (vn_node_has(n, 3)) {
        struct value *const in[2] = { cache, n->in[3] };
        cache = vn_expand(g, n, "Gather", 2, in, NULL, NULL)->out[0];
    }
    return vn_expand_reshape(g, n, cache, 4, (int64_t[]){ -1, s->sequence, 1, s->turned / 2 }, NULL);
}

static int expand(struct graph *g, const struct node *n, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    struct sizes s;
    TRY(sizes_of(&s, n, e));
    const int64_t half = s.turned / 2, swap[4] = { 0, 2, 1, 3 };
    const int flat = n->in[0]->shape.rank == 3;
    struct value *x =
        flat ? vn_expand_reshape(g, n, n->in[0], 4, (int64_t[]){ s.batch, s.sequence, s.heads, s.size }, NULL)
             : vn_expand_transpose(g, n, n->in[0], 4, swap, NULL);
    struct value *rest = s.turned < s.size ? vn_expand_slice(g, n, x, 3, s.turned, s.size, NULL) : NULL,
                 *part[2], *cosine = angles(g, n, 1, &s), *sine = angles(g, n, 2, &s);
    x = rest ? vn_expand_slice(g, n, x, 3, 0, s.turned, NULL) : x;
    if (a->interleaved) { /* pairs are neighbours */
        struct value *pairs =
            vn_expand_reshape(g, n, x, 5, (int64_t[]){ s.batch, s.sequence, s.heads, half, 2 }, NULL);
        for (int k = 0; k < 2; k++)
            part[k] = vn_expand_reshape(g, n, vn_expand_slice(g, n, pairs, 4, k, k + 1, NULL), 4,
                                        (int64_t[]){ s.batch, s.sequence, s.heads, half }, NULL);
    } else {
        for (int k = 0; k < 2; k++)
            part[k] = vn_expand_slice(g, n, x, 3, k * half, (k + 1) * half, NULL);
    }
    struct value *real = vn_expand2(g, n, "Sub", vn_expand2(g, n, "Mul", cosine, part[0], NULL),
                                    vn_expand2(g, n, "Mul", sine, part[1], NULL), NULL);
    struct value *other = vn_expand2(g, n, "Add", vn_expand2(g, n, "Mul", sine, part[0], NULL),
                                     vn_expand2(g, n, "Mul", cosine, part[1], NULL), NULL),
                 *y;
    if (a->interleaved) {
        const int64_t column[5] = { s.batch, s.sequence, s.heads, half, 1 };
        y = vn_expand_concat(g, n, vn_expand_reshape(g, n, real, 5, column, NULL),
                             vn_expand_reshape(g, n, other, 5, column, NULL), 4, NULL);
        y = vn_expand_reshape(g, n, y, 4, (int64_t[]){ s.batch, s.sequence, s.heads, s.turned }, NULL);
    } else {
        y = vn_expand_concat(g, n, real, other, 3, NULL);
    }
    y = rest ? vn_expand_concat(g, n, y, rest, 3, NULL) : y;
    if (flat)
        vn_expand_reshape(g, n, y, 3, n->in[0]->shape.d, n->out[0]);
    else
        vn_expand_transpose(g, n, y, 4, swap, n->out[0]);
    return VN_OK;
}

const struct op_def vn_op_rotaryembedding = {
    .name = "rotaryembedding",
    .onnx = "RotaryEmbedding",
    .min_in = 3,
    .max_in = 4,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .expand = expand,
};
