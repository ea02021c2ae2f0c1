#include "quant/floors.h"

#include <math.h>

/* All masked elements of a line together have less than half a step of the probability. */
#define STEPS8 512.0
#define STEPS16 131072.0
/* A factor's operand may be less than 1 where it masks. */
#define FACTOR_SLACK 1e6

struct floors {
    const struct mask *masks;
    const struct vn_ranges *r;
    double *at;
};

/* Largest sign * x of elements that are not masked. */
static double top_of(const struct floors *f, const struct value *v, int sign)
{
    const struct histogram *h = v->id < f->r->n ? f->r->of[v->id] : NULL;
    if (!v->data)
        return !h ? 0 : sign > 0 ? h->max : -h->min;
    double top = 0;
    int found = 0;
    const int64_t n = vn_shape_count(&v->shape);
    for (int64_t i = 0; i < n; i++) {
        const double x = sign * vn_tensor_f64(v->data, i);
        if (vn_mask_hides(&f->masks[v->id], sign * x) || !isfinite(x))
            continue;
        top = found++ ? fmax(top, x) : x;
    }
    return top;
}

/* What the other operands of a sum can add. */
static double top_of_others(const struct floors *f, const struct node *n, int input)
{
    double top = 0;
    if (n->op->quant.bias)
        return top_of(f, n->out[0], f->masks[n->out[0]->id].sign);
    for (int k = 0; k < n->n_in; k++)
        if (k != input && n->in[k])
            top += top_of(f, n->in[k],
                          f->masks[n->out[0]->id].sign * (vn_mask_way(n, k) == MASK_TAKEN ? -1 : 1));
    return top;
}

static double floor_through(const struct floors *f, const struct node *n, int input)
{
    const double out = f->at[n->out[0]->id];
    switch (vn_mask_way(n, input)) {
    case MASK_ADDED:
    case MASK_TAKEN: return out - top_of_others(f, n, input);
    case MASK_SCALED: return out / fabs(vn_mask_factor(n));
    case MASK_FACTOR: return out * FACTOR_SLACK;
    default: return out;
    }
}

static void lower_to(struct floors *f, const struct value *v, double floor)
{
    if (f->masks[v->id].sign)
        f->at[v->id] = fmin(f->at[v->id], floor); /* of a NaN and a number: the number */
}

static void start(struct floors *f, const struct node *n, int wide)
{
    const struct value *x = n->in[0];
    const struct hidden_elements *h = &f->r->hidden[x->id];
    int64_t axis = -1;
    vn_node_attr_int(n, "axis", &axis);
    const double length = (double)x->shape.d[vn_shape_axis(&x->shape, axis)];
    if (f->masks[x->id].sign && h->masked && !isnan(h->least_top))
        lower_to(f, x, h->least_top - log(length * (wide ? STEPS16 : STEPS8)));
}

double *vn_floors_find(struct vn_arena *a, const struct graph *g, const struct mask *masks,
                       const struct vn_ranges *r, const char *wide)
{
    struct floors f = { masks, r, NEW_ARRAY(a, double, g->values.n) };
    for (int i = 0; i < g->values.n; i++)
        f.at[i] = NAN;
    for (int i = g->nodes.n - 1; i >= 0; i--) {
        const struct node *n = g->nodes.v[i];
        if (n->op->drops_low)
            start(&f, n, wide[n->in[0]->id]);
        else if (n->out[0] && !isnan(f.at[n->out[0]->id]))
            for (int k = 0; k < n->n_in; k++)
                if (vn_mask_way(n, k) != MASK_NO)
                    lower_to(&f, n->in[k], floor_through(&f, n, k));
    }
    return f.at;
}
