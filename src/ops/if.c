/* ops/if.c - one of two subgraphs. A constant condition leaves one of them; else both are computed, and Where
 * chooses. */
#include "ops/compose.h"
#include "ops/where.h"

struct attrs {
    const struct branch *then_branch, *else_branch;
};
static const struct attr_spec specs[] = {
    { .onnx = "then_branch",
      .kind = ATTR_BRANCH,
      .offset = offsetof(struct attrs, then_branch),
      .required = 1 },
    { .onnx = "else_branch",
      .kind = ATTR_BRANCH,
      .offset = offsetof(struct attrs, else_branch),
      .required = 1 },
    A_END,
};

static int infer(struct node *n, struct vn_err *e)
{
    if (n->in[0]->dtype != VN_BOOL)
        return vn_node_fail(n, e, VN_E_INPUT, "the condition (%s) is %s, expected bool", n->in[0]->name,
                            vn_dtype_name(n->in[0]->dtype));
    if (vn_shape_count(&n->in[0]->shape) != 1)
        return vn_because(
            e, REASON_condition,
            vn_node_fail(n, e, VN_E_UNSUPPORTED, "the condition (%s) must have one element", n->in[0]->name));
    return VN_OK;
}

/* A branch whose results are values of its own, in *made. */
static int import(struct value ***made, struct graph *g, const struct node *n, const struct branch *b,
                  const char *name, struct vn_err *e)
{
    const struct vn_shape unknown = vn_shape_unknown();
    struct node own = *n;
    own.name = vn_arena_fmt(g->arena, "%s/%s", n->name, name);
    own.out = *made = NEW_ARRAY(g->arena, struct value *, n->n_out);
    for (int i = 0; i < n->n_out; i++)
        own.out[i] = vn_graph_value(g, vn_arena_fmt(g->arena, "%s/result%d", own.name, i), VN_NONE, &unknown);
    return b->import(g, &own, b, e);
}

static int choose(struct graph *g, const struct node *n, const struct attrs *a, struct vn_err *e)
{
    struct value **yes, **no, *c = n->in[0];
    TRY(import(&yes, g, n, a->then_branch, "then", e));
    TRY(import(&no, g, n, a->else_branch, "else", e));
    if (c->shape.rank)
        c = vn_expand_reshape(g, n, c, 0, NULL, NULL);
    for (int i = 0; i < n->n_out; i++) {
        struct value *const in[] = { c, yes[i], no[i] };
        if (n->out[i])
            ((struct where_attrs *)vn_expand(g, n, "Where", 3, in, n->out[i], e)->attrs)->same_shape = 1;
    }
    return VN_OK;
}

static int expand(struct graph *g, const struct node *n, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    if (!n->in[0]->data)
        return choose(g, n, a, e);
    const struct branch *b = vn_tensor_i64(n->in[0]->data, 0) ? a->then_branch : a->else_branch;
    return b->import(g, n, b, e);
}

const struct op_def vn_op_if = {
    .name = "if",
    .onnx = "If",
    .min_in = 1,
    .max_in = -1,
    .min_out = 1,
    .max_out = -1,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .expand = expand,
};
