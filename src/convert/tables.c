/* Rows of the result tables. */
#include "convert/stages.h"

#include "ops/op.h"

/* What a node's similarity is measured on: a tensor that shares the parameters of the clamp behind it lost what
 * the clamp would remove, so the clamp's result is compared. */
static const struct value *visible_output(const struct node *n)
{
    const struct value *v = n->out[0];
    while (v->q && v->q->implied)
        v = vn_graph_sole_user(v)->out[0];
    return v;
}

/* What an integer node computes in. */
static const char *type_text(const struct node *n)
{
    const struct qparam *x = n->n_in && n->in[0] ? n->in[0]->q : NULL, *y = n->out[0]->q;
    return vn_node_is_wide(n) || (x && x->dtype == VN_I16) || (y && y->dtype == VN_I16) ? "int16" : "int8";
}

/* Quantized nodes that hang together form a subgraph; each CPU node between them starts a new one. */
void vn_convert_fill_nodes(struct vn_conversion *c, const struct graph *g)
{
    int subgraph = 0, open = 0;
    for (int i = 0; i < g->nodes.n; i++) {
        const struct node *n = g->nodes.v[i];
        const int integer = vn_node_is_integer(n);
        const struct node_similarity *s =
            c->comparison && n->out[0] ? &c->comparison->of[visible_output(n)->id] : NULL;
        struct vn_node_row r = { .node = n->name,
                                 .on = integer ? "BPU" : "CPU",
                                 .type = n->op->onnx,
                                 .why_float = integer ? NULL : n->why_float };
        if (!integer && open)
            subgraph++;
        open = integer;
        r.subgraph = integer ? vn_arena_fmt(c->arena, "id(%d)", subgraph) : "--";
        r.threshold = integer && n->n_in && n->in[0] ? n->in[0]->threshold : 0;
        r.dtype = integer ? type_text(n) : "float";
        if (s && s->samples) {
            r.compared = 1;
            r.cosine = s->first.cosine;
            r.cosine_min = s->min;
            r.cosine_mean = s->mean;
        }
        VEC_PUSH(c->arena, &c->nodes, r);
    }
}

void vn_convert_fill_outputs(struct vn_conversion *c)
{
    for (int i = 0; i < c->quantized->outputs.n; i++) {
        const struct value *v = c->quantized->outputs.v[i];
        const struct node_similarity *s = &c->comparison->of[v->id];
        const struct vn_output_row r = { v->name,     s->first.cosine,    s->first.l1,
                                         s->first.l2, s->first.chebyshev, s->min,
                                         s->mean };
        VEC_PUSH(c->arena, &c->outputs, r);
    }
}
