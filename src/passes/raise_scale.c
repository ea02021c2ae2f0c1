/* A factor for a whole tensor (the scale of attention) is moved up, through what only moves elements,
 * constants added and one operand of a product, into the weights that it finds there; else in front of a
 * product whose operand is smaller. */
#include <math.h>

#include "ops/op.h"
#include "passes/weights.h"

#define LONGEST 16 /* nodes on the way */

struct way {
    struct value *v[LONGEST]; /* from the factor's operand upward; all are multiplied */
    int n;
};

static int only_moves(const struct node *n)
{
    return n->op->elements == ELEMENTS_KEPT || n->op->elements == ELEMENTS_PERMUTED;
}

/* The operand of an Add or Sub that is a constant; -1: none. */
static int summand(const struct node *n)
{
    if (n->op->pair != PAIR_SUM)
        return -1;
    return vn_pass_is_const(n->in[1]) ? 1 : vn_pass_is_const(n->in[0]) ? 0 : -1;
}

/* Of two activations. */
static int is_product(const struct node *n)
{
    return vn_node_is_product(n) && n->op->quant.weight_computed && !n->in[0]->data && !n->in[1]->data;
}

/* Up from v to weights. A product has two ways: in[0] is tried first. */
static int climb(struct way *w, struct value *v)
{
    const struct node *fork = NULL;
    int fork_at = 0;
    while (w->n < LONGEST) {
        const struct node *p = v->producer;
        const int single = p && vn_graph_uses(v) == 1 && v->dtype == VN_F32, sum = single ? summand(p) : -1;
        if (single)
            w->v[w->n++] = v;
        if (single && vn_weights_channels(p) > 0)
            return 1;
        if (single && is_product(p) && !fork) {
            fork = p;
            fork_at = w->n;
            v = p->in[0];
        } else if (single && (only_moves(p) || sum >= 0)) {
            v = p->in[sum >= 0 ? 1 - sum : 0];
        } else if (fork && fork->in[1] != fork->in[0]) {
            v = fork->in[1];
            w->n = fork_at;
            fork = NULL;
        } else {
            return 0;
        }
    }
    return 0;
}

static void multiply(struct graph *g, struct node *n, double by)
{
    const int sum = summand(n);
    if (vn_weights_channels(n) > 0) {
        const int64_t channels = vn_weights_channels(n);
        double *k = NEW_ARRAY(g->arena, double, channels);
        for (int64_t c = 0; c < channels; c++)
            k[c] = by;
        vn_weights_affine(g, n, k, NULL);
    } else if (sum >= 0) {
        const struct vn_tensor *old = n->in[sum]->data;
        const struct vn_shape s = old->shape;
        float *to;
        vn_pass_set_const(g, n, sum, n->in[sum]->name, &s, &to);
        for (int64_t i = 0; i < vn_shape_count(&s); i++)
            to[i] = (float)(vn_tensor_f64(old, i) * by);
    }
}

/* Factor of a Mul or Div by one number that leaves the shape alone; *x is what it multiplies. */
static double factor_of(const struct node *n, struct value **x)
{
    if (n->op->pair != PAIR_PRODUCT)
        return 0;
    const int at = vn_pass_is_const(n->in[1]) ? 1 : vn_pass_is_const(n->in[0]) && !n->op->inverse ? 0 : -1;
    if (at < 0 || n->out[0]->dtype != VN_F32 || vn_shape_count(&n->in[at]->shape) != 1 ||
        !vn_shape_equal(&n->in[1 - at]->shape, &n->out[0]->shape))
        return 0;
    const double c = vn_tensor_f64(n->in[at]->data, 0), by = n->op->inverse ? 1 / c : c;
    *x = n->in[1 - at];
    return isfinite(by) ? by : 0;
}

static void into_weights(struct graph *g, struct node *n, const struct way *w, double by)
{
    for (int i = 0; i < w->n; i++)
        multiply(g, w->v[i]->producer, by);
    for (int i = 1; i < w->n; i++)
        vn_pass_rename_scaled(g, w->v[i]);
    vn_pass_absorb(g, w->v[0]->producer, n);
}

/* The product's first operand is multiplied instead, where that has fewer elements. */
static int before_product(struct graph *g, struct node *n, struct value *x, double by)
{
    struct node *p = x->producer;
    if (!p || vn_graph_uses(x) != 1 || !is_product(p) ||
        vn_shape_count(&p->in[0]->shape) >= vn_shape_count(&x->shape))
        return 0;
    struct vn_tensor *t = vn_tensor_new(g->arena, VN_F32, &(struct vn_shape){ 0 });
    *(float *)t->data = (float)by;
    struct value *in[2] = { p->in[0], vn_graph_const(g, vn_arena_fmt(g->arena, "%s_scale", n->name), t) };
    struct value *scaled =
        vn_graph_value(g, vn_arena_fmt(g->arena, "%s_scaled", in[0]->name), VN_F32, &in[0]->shape);
    vn_graph_node_before(g, p, &vn_op_mul, n->name, 2, in, 1, &scaled);
    vn_graph_set_input(g, p, 0, scaled);
    vn_pass_absorb(g, p, n);
    return 1;
}

static int rewrite(struct graph *g, struct node *n)
{
    struct value *x;
    struct way w = { .n = 0 };
    const double by = factor_of(n, &x);
    if (by == 0 || by == 1)
        return 0;
    if (!climb(&w, x))
        return before_product(g, n, x, by);
    into_weights(g, n, &w, by);
    return 1;
}

/* A factor in front of a product may have weights above it, so the walk repeats until nothing changes. */
static int run(struct graph *g, struct vn_err *e)
{
    (void)e;
    int changes = 0;
    for (int before = -1; before != changes;) {
        before = changes;
        for (int i = 0; i < g->nodes.n; i++)
            changes += rewrite(g, g->nodes.v[i]);
    }
    return changes;
}

const struct pass vn_pass_raise_scale = { .name = "raise_scale",
                                          .help = "factors of whole tensors move up into weights",
                                          .run = run };
