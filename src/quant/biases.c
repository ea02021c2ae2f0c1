/* Biases that are changed: a constant of the node's own, added where there is none. */
#include <math.h>

#include "ops/op.h"
#include "quant/quant.h"

#define MOST_STEPS 1073741824.0 /* beside sums of int8 products that 32 bits hold */

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

int vn_quantize_takes_bias(const struct node *n)
{
    return n->op->quant.bias && (!vn_node_has(n, 2) || (n->in[2]->data && n->in[2]->shape.rank == 1 &&
                                                        vn_graph_uses(n->in[2]) == 1));
}

double vn_quantize_bias_most(const struct node *n, int64_t output)
{
    const struct qparam *x = n->in[0]->q, *w = n->in[1]->q;
    if (!x || !w || w->dtype != VN_I8)
        return INFINITY;
    return MOST_STEPS * (double)(x->scale[0] * w->scale[w->n == 1 ? 0 : output]);
}

void vn_quantize_shift_bias(struct graph *g, struct node *n, const double *shift)
{
    const struct weight_layout l = vn_weight_layout(n);
    const int64_t channels = vn_weight_outputs(&l);
    float *bias = own_bias(g, n, channels);
    for (int64_t c = 0; c < channels; c++) {
        const double most = vn_quantize_bias_most(n, c);
        bias[c] = (float)fmax(-most, fmin(most, bias[c] + shift[c]));
    }
}
