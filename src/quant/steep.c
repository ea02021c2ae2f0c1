#include "quant/steep.h"

#include <math.h>

#include "ops/op.h"
#include "quant/widths.h"

#define MOST_SHARE 0.125 /* of the result's range */

static const struct histogram *seen(const struct vn_ranges *r, const struct value *v)
{
    return v->id < r->n && r->of[v->id] && r->of[v->id]->count ? r->of[v->id] : NULL;
}

/* Of values that are never negative: how far results of the least one and of what half a step more is lie
 * apart. */
static double share(const struct node *n, const struct vn_ranges *r, int wide)
{
    const struct histogram *x = seen(r, n->in[0]), *y = seen(r, n->out[0]);
    if (!x || !y || !(x->min >= 0) || !(y->max > y->min))
        return 0;
    const double half = x->max / (wide ? 65534.0 : 254.0), least = x->min;
    const double change = fabs(n->op->f(n, least + half) - n->op->f(n, least));
    return change / ((double)y->max - y->min);
}

/* The operators in front of it, up to those with weights. */
static void pull(struct steep *s, const struct node *n, const struct steep *of)
{
    for (int i = 0; i < n->n_in; i++) {
        const struct node *maker = n->in[i] ? n->in[i]->producer : NULL;
        if (maker && !maker->op->quant.weight && !s[maker->id].of)
            s[maker->id] = *of;
    }
}

const struct steep *vn_steep_find(const struct graph *g, const struct vn_ranges *r,
                                  const struct vn_quant_options *o)
{
    struct steep *s = NEW_ARRAY(g->arena, struct steep, g->nodes.n);
    for (int i = o->random ? -1 : g->nodes.n - 1; i >= 0; i--) {
        const struct node *n = g->nodes.v[i];
        if (!s[i].of && vn_node_kind(n) == Q_TABLE && !n->op->is_clamp) {
            const int wide = vn_widths_wanted(o, n).in[0] == 16;
            const double of_range = share(n, r, wide);
            if (of_range > MOST_SHARE)
                s[i] = (struct steep){ n, of_range, wide };
        }
        if (s[i].of)
            pull(s, n, &s[i]);
    }
    return s;
}

const struct vn_reason *vn_steep_reason(struct vn_arena *a, const struct steep *of, const struct node *n)
{
    if (of->of != n)
        return vn_reason_new(a, REASON_exact, REASON_ARGS(of->of->name));
    return vn_reason_new(a, REASON_steep,
                         REASON_ARGS(n->in[0]->name, of->wide ? "int16" : "int8",
                                     vn_arena_fmt(a, "%.0f", fmin(100 * of->share, 1e6))));
}
