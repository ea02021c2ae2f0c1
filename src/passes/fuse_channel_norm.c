/* A normalization whose variance is the mean of squares less the square of the mean (Flax, JAX), over any
 * axes: a difference of nearly equal numbers, of which int8 keeps nothing. It becomes LayerNormalization,
 * between Transposes where the axes are not the last ones. */
#include "passes/match.h"

#include <math.h>

#include "ops/normal.h"

#define VARIANCE(mean_of_squares) "(Max 0 (Sub " mean_of_squares " (Mul m m)))"
#define CENTRED_SUM "(Sub x h=(Reshape m=(Mul (ReduceSum x #a) #c) #p))"
#define CENTRED_MEAN "(Sub x m=(ReduceMean x #a))"
#define DEVIATION_SUM "(Sqrt (Add v=(Reshape " VARIANCE("(Mul (ReduceSum (Mul x x) #b) #d)") " #q) #e))"
#define DEVIATION_MEAN "(Sqrt (Add v=" VARIANCE("(ReduceMean (Mul x x) #b)") " #e))"
#define NORMALS(centred, deviation) \
    "(Mul " centred " (Mul (Reciprocal " deviation ") #s))", "(Mul " centred " (Reciprocal " deviation "))", \
        "(Div " centred " " deviation ")"
static const char *const forms[] = { NORMALS(CENTRED_SUM, DEVIATION_SUM),
                                     NORMALS(CENTRED_MEAN, DEVIATION_MEAN), NULL };

/* The normalized axes, and the order that brings them to the end. */
struct normal_axes {
    uint32_t mask;
    int rank, moved;
    int64_t to_end[VN_MAX_RANK], back[VN_MAX_RANK];
    struct vn_shape row, turned; /* of the axes; of x in that order */
};

static int mask_of(uint32_t *mask, const struct value *axes, const struct vn_shape *x)
{
    *mask = 0;
    for (int64_t i = 0; i < vn_shape_count(&axes->shape); i++) {
        const int axis = vn_shape_axis(x, vn_tensor_i64(axes->data, i));
        if (axis < 0)
            return 0;
        *mask |= 1u << axis;
    }
    return *mask != 0;
}

static int find_axes(struct normal_axes *n, const struct match *m)
{
    const struct vn_shape *x = &vn_match_value(m, 'x')->shape;
    uint32_t second;
    *n = (struct normal_axes){ .rank = x->rank };
    if (!mask_of(&n->mask, vn_match_value(m, 'a'), x) || !mask_of(&second, vn_match_value(m, 'b'), x) ||
        n->mask != second)
        return 0;
    int at = 0;
    for (int last = 0; last < 2; last++)
        for (int d = 0; d < x->rank; d++)
            if ((int)(n->mask >> d & 1) == last) {
                n->moved |= at != d;
                n->back[d] = at;
                n->turned.d[at] = x->d[d];
                n->row.d[n->row.rank] = x->d[d];
                n->row.rank += last;
                n->to_end[at++] = d;
            }
    n->turned.rank = x->rank;
    return vn_shape_count(&n->row) >= 1 && vn_shape_count(&n->row) <= VN_NORM_MOST;
}

/* x's shape with 1 for the normalized axes? */
static int is_statistic(const struct normal_axes *n, const struct match *m, char letter)
{
    const struct vn_shape *x = &vn_match_value(m, 'x')->shape, *s = &vn_match_value(m, letter)->shape;
    for (int d = 0; d < x->rank; d++)
        if (s->rank != x->rank || s->d[d] != (n->mask >> d & 1 ? 1 : x->d[d]))
            return 0;
    return 1;
}

/* Is the captured constant 1 / elements of a row, or absent? */
static int is_share(const struct normal_axes *n, const struct match *m, char letter)
{
    const double want = 1 / (double)vn_shape_count(&n->row);
    double x;
    return !vn_match_value(m, letter) || (vn_match_number(m, letter, &x) && fabs(x - want) <= 1e-6 * want);
}

/* A factor for each element of a row, the same in all rows, or absent. */
static int is_scale(const struct normal_axes *n, const struct match *m)
{
    const struct value *s = vn_match_value(m, 's');
    const int before = s ? n->rank - s->shape.rank : 0;
    for (int d = 0; s && d < s->shape.rank; d++)
        if (before < 0 || (!(n->mask >> (before + d) & 1) && s->shape.d[d] != 1))
            return 0;
    return 1;
}

static struct value *scale_of(struct match *m, const struct normal_axes *n)
{
    struct value *v = vn_match_const(m, "scale", &n->row, 1);
    const struct value *s = vn_match_value(m, 's');
    int64_t idx[VN_MAX_RANK] = { 0 }, i = 0;
    if (!s)
        return v;
    do {
        int64_t at = 0;
        for (int d = 0; d < s->shape.rank; d++) {
            const int axis = n->rank - s->shape.rank + d, normal = n->mask >> axis & 1;
            const int64_t k = normal ? idx[n->back[axis] - (n->rank - n->row.rank)] : 0;
            at = at * s->shape.d[d] + (s->shape.d[d] > 1 ? k : 0);
        }
        ((float *)v->data->data)[i++] = (float)vn_tensor_f64(s->data, at);
    } while (vn_index_next(idx, &n->row));
    return v;
}

static void set_order(struct match *m, struct node *t, const int64_t *order, int rank)
{
    int64_t *v = NEW_ARRAY(m->g->arena, int64_t, rank);
    memcpy(v, order, (size_t)rank * sizeof *v);
    ((struct perm_attrs *)t->attrs)->perm = (struct ints){ rank, v };
}

static struct value *add_node(struct match *m, const struct op_def *op, const char *what,
                              const struct vn_shape *s, int n_in, struct value *const *in)
{
    const char *name = vn_arena_fmt(m->g->arena, "%s_%s", m->root->name, what);
    struct value *y = vn_graph_value(m->g, name, VN_F32, s);
    vn_graph_node_before(m->g, m->root, op, name, n_in, in, 1, &y);
    return y;
}

static void set_normal(struct node *n, const struct normal_axes *axes, double epsilon)
{
    struct trailing_attrs *a = n->attrs;
    a->axis = -axes->row.rank;
    a->epsilon = (float)epsilon;
}

static void turn_and_normalize(struct match *m, const struct normal_axes *n, struct value *scale,
                               double epsilon)
{
    struct value *x = vn_match_value(m, 'x');
    struct value *turned = add_node(m, &vn_op_transpose, "turned", &n->turned, 1, &x);
    set_order(m, turned->producer, n->to_end, n->rank);
    struct value *y =
        add_node(m, &vn_op_layernormalization, "normal", &n->turned, 2, (struct value *[]){ turned, scale });
    set_normal(y->producer, n, epsilon);
    set_order(m, vn_match_replace(m, &vn_op_transpose, 1, &y), n->back, n->rank);
}

static int fuse(struct match *m)
{
    struct normal_axes n;
    double epsilon;
    const char mean = vn_match_value(m, 'h') ? 'h' : 'm';
    if (!find_axes(&n, m) || !is_statistic(&n, m, mean) || !is_statistic(&n, m, 'v') ||
        !is_share(&n, m, 'c') || !is_share(&n, m, 'd') || !is_scale(&n, m) ||
        !vn_match_number(m, 'e', &epsilon) || epsilon < 0 || !vn_match_keeps_shape(m, 'x'))
        return 0;
    struct value *scale = scale_of(m, &n);
    if (n.moved)
        turn_and_normalize(m, &n, scale, epsilon);
    else
        set_normal(vn_match_replace(m, &vn_op_layernormalization, 2,
                                    (struct value *[]){ vn_match_value(m, 'x'), scale }),
                   &n, epsilon);
    return 1;
}

PATTERN_PASS(fuse_channel_norm,
             "normalization by mean of squares less square of mean becomes LayerNormalization", forms, fuse);
