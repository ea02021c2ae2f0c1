#include "quant/bottlenecks.h"

#include <math.h>

#include "ops/op.h"
#include "quant/params.h"
#include "quant/widths.h"

/* A value's share in the error of a result, in mean squares of the result's own rounding error. */
#define MOST_GROWTH 8.0

struct bottlenecks {
    char *held;
    const struct vn_ranges *r;
    const struct vn_quant_options *o;
    const char *integer;
};

static int in_integers(const struct bottlenecks *b, const struct node *n) { return n && b->integer[n->id]; }

static double step(const struct bottlenecks *b, const struct value *v)
{
    return vn_quant_int8_step(v, b->r, &b->o->method, in_integers(b, v->producer));
}

/* The value that is rounded: a clamp's result where only the clamp reads the node's. */
static const struct value *rounded_result(const struct bottlenecks *b, const struct node *n)
{
    const struct node *user = vn_graph_sole_user(n->out[0]);
    return in_integers(b, user) && user->op->is_clamp ? user->out[0] : n->out[0];
}

static double mean_gain(const struct node *n)
{
    const struct value *w = n->in[n->op->quant.weight];
    const struct weight_layout l = vn_weight_layout(n);
    const int64_t count = vn_shape_count(&w->shape);
    double squares = 0;
    for (int64_t i = 0; i < count; i++)
        squares += pow(vn_tensor_f64(w->data, i), 2);
    return squares / (double)vn_weight_outputs(&l);
}

static double growth(const struct bottlenecks *b, const struct node *n)
{
    const int w = n->op->quant.weight;
    if (!in_integers(b, n) || vn_node_kind(n) != Q_LINEAR || !w || !n->in[w]->data || n->in[0]->data)
        return 0;
    const double in = step(b, n->in[0]), out = step(b, rounded_result(b, n));
    return in > 0 && out > 0 ? mean_gain(n) * pow(in / out, 2) : 0;
}

static int allows(const struct bottlenecks *b, const struct node *n)
{
    return !in_integers(b, n) || vn_widths_free(b->o, n);
}

/* May the value be int16? Pixels are not. */
static int can_hold(const struct bottlenecks *b, const struct value *v)
{
    if (!allows(b, v->producer))
        return 0;
    for (int i = 0; i < v->users.n; i++) {
        const struct node *n = v->users.v[i].node;
        if (!allows(b, n) || n->op->pixel_axis)
            return 0;
    }
    return 1;
}

/* The value, and what its maker, which only maps or moves elements, reads. */
static void hold(const struct bottlenecks *b, const struct value *v)
{
    while (!v->data && !b->held[v->id] && can_hold(b, v)) {
        b->held[v->id] = 1;
        const struct node *n = v->producer;
        if (!in_integers(b, n) ||
            (vn_node_kind(n) != Q_TABLE && vn_node_kind(n) != Q_MOVE && !n->op->is_clamp))
            return;
        v = n->in[0];
    }
}

void vn_bottlenecks_hold(char *held, const struct graph *g, const struct vn_ranges *r,
                         const struct vn_quant_options *o, const char *integer)
{
    const struct bottlenecks b = { held, r, o, integer };
    for (int i = 0; i < g->nodes.n; i++) {
        const struct node *n = g->nodes.v[i];
        const double times = growth(&b, n);
        if (!(times > MOST_GROWTH) || !can_hold(&b, n->in[0]))
            continue;
        hold(&b, n->in[0]);
        if (o->listener)
            vn_say(o->listener, VN_LOG_INFO,
                   "%s is held in int16: in int8, its rounding error in %s would be %.0f times that of the "
                   "result's own (mean squares)",
                   n->in[0]->name, n->out[0]->name, times);
    }
}
