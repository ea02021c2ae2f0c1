#include "num/num.h"
#include "ops/op.h"
#include "quant/quant.h"

/* What rounding takes from element i of the weight; its scale is that of one place on axes 0 and 1. */
static double rounding_loss(const struct value *w, int64_t i, float scale)
{
    const double x = vn_tensor_f64(w->data, i);
    const int32_t q = vn_quantize((float)x, scale, 0, -vn_q_max(w->q), vn_q_max(w->q));
    return x - (double)q * (double)scale;
}

static int correctable(const struct node *n, const struct vn_ranges *r)
{
    if (!n->op->quant.weight || n->why_float || !n->in[1]->data || !n->in[1]->q || n->in[0]->id >= r->n ||
        !r->means[n->in[0]->id])
        return 0;
    return vn_quantize_takes_bias(n);
}

static void add_shifts(double *shift, const struct node *n, const struct weight_layout *l,
                       const struct channel_sums *m)
{
    const struct value *w = n->in[1];
    int64_t i = 0;
    for (int64_t a = 0; a < l->first; a++)
        for (int64_t b = 0; b < l->second; b++) {
            const struct weight_place p = vn_weight_at(l, a, b);
            const float scale = w->q->scale[w->q->n == 1 ? 0 : w->q->axis ? b : a];
            const int64_t end = i + l->taps;
            if (p.in >= m->n || !m->count) {
                i = end;
                continue;
            }
            for (const double mean = m->sum[p.in] / (double)m->count; i < end; i++)
                shift[p.out] += rounding_loss(w, i, scale) * mean;
        }
}

static void correct(struct graph *g, struct node *n, const struct channel_sums *m)
{
    const struct weight_layout l = vn_weight_layout(n);
    const int64_t channels = vn_weight_outputs(&l);
    double *shift = NEW_ARRAY(g->arena, double, channels);
    add_shifts(shift, n, &l, m);
    vn_quantize_shift_bias(g, n, shift);
}

void vn_quantize_correct_biases(struct graph *g, const struct vn_ranges *r, const struct vn_map *refined)
{
    for (int i = 0; i < g->nodes.n; i++) {
        struct node *n = g->nodes.v[i];
        const struct vn_refined *own = vn_quantize_refined(refined, n);
        if (correctable(n, r) && !(own && own->shift))
            correct(g, n, r->means[n->in[0]->id]);
    }
    vn_graph_index(g);
}
