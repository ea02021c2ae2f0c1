/* ops/compose.c - the nodes that composite operators are made of. */
#include "ops/compose.h"

struct node *vn_expand(struct graph *g, const struct node *model, const char *type, int n_in,
                       struct value *const *in, struct value *out, struct vn_err *e)
{
    const char *colon = strchr(type, ':');
    const struct op_def *op =
        colon ? vn_op_find(colon + 1, vn_arena_strn(g->arena, type, (size_t)(colon - type)))
              : vn_op_find(type, NULL);
    const struct vn_shape unknown = vn_shape_unknown();
    if (!op) {
        vn_node_fail(model, e, VN_E_INTERNAL, "expands to %s, which does not exist", type);
        return NULL;
    }
    if (!out)
        out = vn_graph_value(
            g, vn_arena_fmt(g->arena, "%s_%s", model->out[0] ? model->out[0]->name : model->name, op->name),
            VN_NONE, &unknown);
    return vn_graph_node(g, op, vn_arena_fmt(g->arena, "%s_%s_%d", model->name, op->name, g->values.n), n_in,
                         in, 1, &out);
}

/* Types in the callers below are spelled in this program: they exist. */
struct value *vn_expand1(struct graph *g, const struct node *model, const char *type, struct value *x,
                         struct value *out)
{
    return vn_expand(g, model, type, 1, &x, out, NULL)->out[0];
}

struct value *vn_expand2(struct graph *g, const struct node *model, const char *type, struct value *a,
                         struct value *b, struct value *out)
{
    struct value *const in[2] = { a, b };
    return vn_expand(g, model, type, 2, in, out, NULL)->out[0];
}

struct value *vn_expand_number(struct graph *g, const struct node *model, const char *what, enum vn_dtype t,
                               double x)
{
    struct vn_tensor *data = vn_tensor_new(g->arena, t, &(struct vn_shape){ 0 });
    vn_tensor_set_f64(data, 0, x);
    return vn_graph_const(g, vn_arena_fmt(g->arena, "%s_%s", model->name, what), data);
}

struct value *vn_expand_ints(struct graph *g, const struct node *model, const char *what, int n,
                             const int64_t *v)
{
    return vn_graph_const_i64(g, vn_arena_fmt(g->arena, "%s_%s", model->name, what), n, v);
}

struct value *vn_expand_reshape(struct graph *g, const struct node *model, struct value *x, int rank,
                                const int64_t *d, struct value *out)
{
    return vn_expand2(g, model, "Reshape", x, vn_expand_ints(g, model, "shape", rank, d), out);
}

struct value *vn_expand_transpose(struct graph *g, const struct node *model, struct value *x, int rank,
                                  const int64_t *perm, struct value *out)
{
    struct node *n = vn_expand(g, model, "Transpose", 1, &x, out, NULL);
    ((struct perm_attrs *)n->attrs)->perm =
        (struct ints){ rank, vn_arena_copy(g->arena, perm, sizeof *perm * (size_t)rank) };
    return n->out[0];
}

struct value *vn_expand_cast(struct graph *g, const struct node *model, struct value *x, enum vn_dtype t,
                             struct value *out)
{
    struct node *n = vn_expand(g, model, "Cast", 1, &x, out, NULL);
    ((struct cast_attrs *)n->attrs)->to = t;
    return n->out[0];
}

struct value *vn_expand_slice(struct graph *g, const struct node *model, struct value *x, int64_t axis,
                              int64_t from, int64_t to, struct value *out)
{
    struct value *const in[4] = { x, vn_expand_ints(g, model, "starts", 1, &from),
                                  vn_expand_ints(g, model, "ends", 1, &to),
                                  vn_expand_ints(g, model, "axes", 1, &axis) };
    return vn_expand(g, model, "Slice", 4, in, out, NULL)->out[0];
}

struct value *vn_expand_concat(struct graph *g, const struct node *model, struct value *a, struct value *b,
                               int64_t axis, struct value *out)
{
    struct value *const in[2] = { a, b };
    struct node *n = vn_expand(g, model, "Concat", 2, in, out, NULL);
    ((struct axis_attrs *)n->attrs)->axis = axis;
    return n->out[0];
}
