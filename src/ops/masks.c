#include "ops/masks.h"

#include <math.h>

#define LEAST_LEVEL (-1000.0) /* a constant element this low is a mask */
#define TWO_VALUES_LEVEL (-50.0) /* ... where all are 0 or this one */
#define INPUT_LEVEL (-10000.0) /* of masks that are inputs of the network */
#define LOWEST_LIMIT (-1e30) /* below it are the lowest float32, sums of it, and -infinity */

/* ---- what operators do with masks ---- */

static const struct value *other(const struct node *n, int input) { return n->in[1 - input]; }

/* A constant of one sign: its first element. 0: it is none. */
static double factor_of(const struct value *v)
{
    if (!v || !v->data || !vn_shape_count(&v->shape))
        return 0;
    const double first = vn_tensor_f64(v->data, 0);
    for (int64_t i = 1; i < vn_shape_count(&v->shape); i++)
        if (vn_tensor_f64(v->data, i) != first)
            return 0;
    return isfinite(first) ? first : 0;
}

double vn_mask_factor(const struct node *n)
{
    const double a = factor_of(n->in[0]), b = factor_of(n->in[1]);
    return n->op->inverse ? 1 / b : b != 0 ? b : a;
}

static enum mask_way way_in_product(const struct node *n, int input)
{
    if (n->in[input]->data)
        return n->op->inverse || other(n, input)->data ? MASK_NO : MASK_FACTOR;
    return factor_of(other(n, input)) != 0 && (!n->op->inverse || !input) ? MASK_SCALED : MASK_NO;
}

enum mask_way vn_mask_way(const struct node *n, int input)
{
    const struct op_def *op = n->op;
    if (!n->in[input] || !vn_dtype_is_float(n->in[input]->dtype) || !n->out[0])
        return MASK_NO;
    if (op->chooses)
        return input >= op->chooses - 1 ? MASK_SAME : MASK_NO;
    if (op->pair == PAIR_SUM)
        return op->inverse && input ? MASK_TAKEN : MASK_ADDED;
    if (op->pair == PAIR_PRODUCT)
        return way_in_product(n, input);
    if (op->quant.kind == Q_LINEAR && op->quant.bias)
        return input == op->quant.bias ? MASK_ADDED : MASK_NO;
    return !input && (op->is_clamp || op->elements || vn_node_kind(n) == Q_MOVE) ? MASK_SAME : MASK_NO;
}

static int sign_through(const struct node *n, enum mask_way way)
{
    return way == MASK_TAKEN || (way == MASK_SCALED && vn_mask_factor(n) < 0) ? -1 : 1;
}

/* ---- which values lead to a softmax ---- */

struct mask_search {
    const struct graph *g;
    struct mask *mask; /* sign: of what leads there */
    char *added; /* by value id: it is added to something on the way */
    char *shifts; /* by value id: all of it is added, so that the same number everywhere masks nothing */
    double *level; /* by value id: sign * the least low mask element; 0: no mask */
};

static void lead(struct mask_search *s, const struct node *n, int input)
{
    const struct mask *out = &s->mask[n->out[0]->id];
    const enum mask_way way = vn_mask_way(n, input);
    const int id = n->in[input] ? n->in[input]->id : -1;
    if (way == MASK_NO || s->mask[id].sign)
        return;
    const int sum = way == MASK_ADDED || way == MASK_TAKEN;
    s->mask[id].sign = out->sign * sign_through(n, way);
    s->added[id] = sum || s->added[n->out[0]->id];
    s->shifts[id] = sum || (s->shifts[n->out[0]->id] && !n->op->chooses && way != MASK_FACTOR);
}

static void find_ways(struct mask_search *s)
{
    for (int i = s->g->nodes.n - 1; i >= 0; i--) {
        const struct node *n = s->g->nodes.v[i];
        if (n->op->drops_low) {
            s->mask[n->in[0]->id].sign = 1;
            s->mask[n->in[0]->id].reader = n;
        } else if (n->out[0] && s->mask[n->out[0]->id].sign) {
            for (int k = 0; k < n->n_in; k++)
                lead(s, n, k);
        }
    }
}

/* ---- which of them carry a mask ---- */

/* The highest masked element of a constant; 0: it has none. Of two values, 0 and a low one, the latter is a
 * mask sooner. */
static double constant_level(const struct value *v, int sign, int shifts)
{
    const int64_t n = vn_shape_count(&v->shape);
    double most = -INFINITY, least = INFINITY;
    int two = 1, kept = 0, found = 0;
    for (int64_t i = 0; i < n; i++)
        least = fmin(least, sign * vn_tensor_f64(v->data, i));
    for (int64_t i = 0; i < n; i++)
        two &= vn_tensor_f64(v->data, i) == 0 || sign * vn_tensor_f64(v->data, i) == least;
    for (int64_t i = 0; i < n; i++) {
        const double x = sign * vn_tensor_f64(v->data, i);
        const int masked = x <= (two ? TWO_VALUES_LEVEL : LEAST_LEVEL);
        most = masked ? fmax(most, x) : most;
        found |= masked;
        kept |= !masked;
    }
    return found && (kept || !shifts) ? most : 0;
}

static double higher(double a, double b) { return a == 0 || b == 0 ? a + b : fmax(a, b); }

static double own_level(const struct mask_search *s, const struct value *v)
{
    const struct mask *m = &s->mask[v->id];
    if (!m->sign || v->producer || !vn_dtype_is_float(v->dtype))
        return 0;
    if (v->data)
        return constant_level(v, m->sign, s->shifts[v->id]);
    return s->added[v->id] ? INPUT_LEVEL : 0;
}

static double made_level(const struct mask_search *s, const struct node *n)
{
    double level = 0;
    for (int k = 0; k < n->n_in; k++) {
        const enum mask_way way = vn_mask_way(n, k);
        if (way != MASK_NO)
            level =
                higher(level, s->level[n->in[k]->id] * (way == MASK_SCALED ? fabs(vn_mask_factor(n)) : 1));
    }
    return level;
}

static void find_levels(struct mask_search *s)
{
    for (int i = 0; i < s->g->values.n; i++)
        s->level[i] = own_level(s, s->g->values.v[i]);
    for (int i = 0; i < s->g->nodes.n; i++) {
        const struct node *n = s->g->nodes.v[i];
        if (n->out[0] && s->mask[n->out[0]->id].sign)
            s->level[n->out[0]->id] = made_level(s, n);
    }
}

struct mask *vn_masks_find(struct vn_arena *a, const struct graph *g)
{
    const int n = g->values.n;
    struct mask_search s = { g, NEW_ARRAY(a, struct mask, n), NEW_ARRAY(a, char, n), NEW_ARRAY(a, char, n),
                             NEW_ARRAY(a, double, n) };
    find_ways(&s);
    find_levels(&s);
    for (int i = 0; i < n; i++) {
        s.mask[i].sign = s.level[i] < 0 ? s.mask[i].sign : 0;
        s.mask[i].limit = fmax(s.level[i] / 2, LOWEST_LIMIT);
    }
    return s.mask;
}
