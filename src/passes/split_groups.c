/* InstanceNormalization and GroupNormalization: LayerNormalization of rows, then a factor and a summand
 * per channel. All of them have integer forms. */
#include "ops/normal.h"
#include "passes/pass.h"

/* The nodes that are being made: each reads what the one before has made. */
struct line {
    struct graph *g;
    struct node *at; /* they stand in front of it */
    struct value *x; /* made last */
};

static struct node *append(struct line *l, const struct op_def *op, const char *suffix,
                           const struct vn_shape *s, struct value *with)
{
    struct value *in[2] = { l->x, with },
                 *y = vn_graph_value(l->g, vn_arena_fmt(l->g->arena, "%s%s", l->at->out[0]->name, suffix),
                                     VN_F32, s);
    l->x = y;
    return vn_graph_node_before(l->g, l->at, op, vn_arena_fmt(l->g->arena, "%s%s", l->at->name, suffix), 2,
                                in, 1, &y);
}

static void reshape(struct line *l, const char *suffix, const struct vn_shape *s)
{
    append(l, &vn_op_reshape, suffix, s,
           vn_graph_const_i64(l->g, vn_arena_fmt(l->g->arena, "%s%s_shape", l->at->name, suffix), s->rank,
                              s->d));
}

/* Rows along the axes from 2 on. */
static void normalize(struct line *l, float epsilon)
{
    const struct vn_shape s = l->x->shape, row = vn_shape_of(s.rank - 2, s.d + 2);
    struct vn_tensor *ones = vn_tensor_new(l->g->arena, VN_F32, &row);
    for (int64_t i = 0; i < vn_shape_count(&row); i++)
        ((float *)ones->data)[i] = 1;
    struct trailing_attrs *a =
        append(l, &vn_op_layernormalization, "_normal", &s,
               vn_graph_const(l->g, vn_arena_fmt(l->g->arena, "%s_ones", l->at->name), ones))
            ->attrs;
    a->axis = 2 - s.rank;
    a->epsilon = epsilon;
}

/* op with a constant per channel, unless all of them are `neutral`. */
static void per_channel(struct line *l, const struct op_def *op, const char *suffix, const struct value *v,
                        double neutral)
{
    const struct vn_shape x = l->x->shape;
    struct vn_shape s = { .rank = x.rank - 1, .d = { x.d[1] } };
    int needed = 0;
    for (int d = 1; d < s.rank; d++)
        s.d[d] = 1;
    struct vn_tensor *t = vn_tensor_new(l->g->arena, VN_F32, &s);
    for (int64_t c = 0; c < x.d[1]; c++) {
        ((float *)t->data)[c] = (float)vn_tensor_f64(v->data, c);
        needed |= ((float *)t->data)[c] != neutral;
    }
    if (needed)
        append(l, op, suffix, &x, vn_graph_const(l->g, v->name, t));
}

/* Groups of an InstanceNormalization: 0. */
static int fits(const struct node *n, int64_t *groups, float *epsilon)
{
    const struct vn_shape *x = &n->in[0]->shape;
    *groups = ((const struct group_attrs *)n->attrs)->groups;
    *epsilon = ((const struct group_attrs *)n->attrs)->epsilon;
    const int64_t rows = x->rank >= 3 ? x->d[0] * (*groups ? *groups : x->d[1]) : 0,
                  count = rows ? vn_shape_count(x) / rows : 0;
    return n->in[0]->dtype == VN_F32 && !n->in[0]->bounded && vn_pass_is_const(n->in[1]) &&
           vn_pass_is_const(n->in[2]) && count >= 1 && count <= VN_NORM_MOST;
}

static int rewrite(struct graph *g, struct node *n, struct vn_err *e)
{
    int64_t groups;
    float epsilon;
    (void)e;
    if (!fits(n, &groups, &epsilon))
        return 0;
    struct line l = { g, n, n->in[0] };
    const struct vn_shape x = l.x->shape;
    if (groups)
        reshape(
            &l, "_groups",
            &(struct vn_shape){ .rank = 3, .d = { x.d[0], groups, vn_shape_count(&x) / (x.d[0] * groups) } });
    normalize(&l, epsilon);
    if (groups)
        reshape(&l, "_back", &x);
    per_channel(&l, &vn_op_mul, "_scale", n->in[1], 1);
    per_channel(&l, &vn_op_add, "_bias", n->in[2], 0);
    vn_graph_set_output(l.x->producer, 0, n->out[0]); /* the last one's result has the name */
    vn_graph_remove(g, n);
    return 1;
}

const struct pass vn_pass_split_groups = {
    .name = "split_groups",
    .help = "normalizations of channels and groups become LayerNormalization, Mul and Add",
    .ops = PASS_OPS(&vn_op_instancenormalization, &vn_op_groupnormalization),
    .rewrite = rewrite,
};
