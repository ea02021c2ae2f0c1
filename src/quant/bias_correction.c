#include "num/num.h"
#include "ops/op.h"
#include "quant/quant.h"

static int64_t outputs_of(const struct node *n)
{
    int64_t most = -1;
    const int64_t count = vn_shape_count(&n->in[1]->shape);
    for (int64_t i = 0; i < count; i++) {
        const int64_t out = vn_weight_place(n, i).out;
        most = out > most ? out : most;
    }
    return most + 1;
}

static double rounding_loss(const struct value *w, int64_t i)
{
    const int c = vn_shape_coordinate(&w->shape, w->q->axis, i);
    const double x = vn_tensor_f64(w->data, i);
    const int32_t q = vn_quantize((float)x, w->q->scale[c], 0, -vn_q_max(w->q), vn_q_max(w->q));
    return x - (double)q * (double)w->q->scale[c];
}

/* The node's bias as a constant of its own that can be changed; added where there is none. */
static float *own_bias(struct graph *g, struct node *n, int64_t channels)
{
    const struct value *old = vn_node_has(n, 2) ? n->in[2] : NULL;
    const struct vn_shape s = vn_shape_of(1, &channels);
    struct vn_tensor *t = vn_tensor_new(g->arena, VN_F32, &s);
    float *b = t->data;
    for (int64_t c = 0; c < channels && old; c++)
        b[c] = (float)vn_tensor_f64(old->data, vn_shape_count(&old->shape) == 1 ? 0 : c);
    if (old) {
        n->in[2]->data = t;
        n->in[2]->shape = s;
        return b;
    }
    vn_graph_set_input(g, n, 2, vn_graph_const(g, vn_arena_fmt(g->arena, "%s_bias", n->name), t));
    return b;
}

static int correctable(const struct node *n, const struct vn_ranges *r)
{
    if (!n->op->quant.weight || !n->op->quant.bias || n->why_float || !n->in[1]->data || !n->in[1]->q ||
        n->in[0]->id >= r->n || !r->means[n->in[0]->id])
        return 0;
    return !vn_node_has(n, 2) ||
           (n->in[2]->data && n->in[2]->shape.rank == 1 && vn_graph_uses(n->in[2]) == 1);
}

static void correct(struct graph *g, struct node *n, const struct channel_sums *m)
{
    const int64_t channels = outputs_of(n), count = vn_shape_count(&n->in[1]->shape);
    double *shift = NEW_ARRAY(g->arena, double, channels);
    for (int64_t i = 0; i < count; i++) {
        const struct weight_place p = vn_weight_place(n, i);
        if (p.in < m->n && m->count)
            shift[p.out] += rounding_loss(n->in[1], i) * (m->sum[p.in] / (double)m->count);
    }
    float *bias = own_bias(g, n, channels);
    for (int64_t c = 0; c < channels; c++)
        bias[c] = (float)(bias[c] + shift[c]);
}

void vn_quantize_correct_biases(struct graph *g, const struct vn_ranges *r)
{
    for (int i = 0; i < g->nodes.n; i++)
        if (correctable(g->nodes.v[i], r))
            correct(g, g->nodes.v[i], r->means[g->nodes.v[i]->in[0]->id]);
    vn_graph_index(g);
}
