/* Weights and biases that were found from samples (convert/refine.c). */
#include "ops/op.h"
#include "quant/quant.h"

const struct vn_refined *vn_quantize_refined(const struct vn_map *refined, const struct node *n)
{
    const struct vn_refined *r = refined && n->op->quant.weight == 1 ? vn_map_get(refined, n->name) : NULL;
    return r && n->in[1]->q && vn_qparam_equal(n->in[1]->q, r->q) ? r : NULL;
}

void vn_quantize_apply_refined(struct graph *g, const struct vn_map *refined)
{
    for (int i = 0; i < g->nodes.n; i++) {
        struct node *n = g->nodes.v[i];
        const struct vn_refined *r = vn_quantize_refined(refined, n);
        if (!r)
            continue;
        if (r->w) {
            struct vn_tensor *w = vn_tensor_new(g->arena, VN_F32, &n->in[1]->shape);
            memcpy(w->data, r->w, (size_t)vn_shape_count(&w->shape) * sizeof *r->w);
            n->in[1]->data = w;
        }
        if (r->shift)
            vn_quantize_shift_bias(g, n, r->shift);
    }
    vn_graph_index(g);
}
