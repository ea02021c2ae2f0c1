#include <math.h>

#include "num/num.h"
#include "ops/op.h"
#include "quant/quant.h"

/* Neighbours in memory that have one scale. */
static int64_t run_length(const struct value *v)
{
    int64_t run = 1;
    for (int d = v->q->axis < 0 ? 0 : v->q->axis + 1; d < v->shape.rank; d++)
        run *= v->shape.d[d];
    return run;
}

/* Scales of ours keep weights to [-127, 127] or [-32767, 32767]. */
static void store_constant(struct graph *g, struct value *v)
{
    const struct qparam *q = v->q;
    struct vn_tensor *t = vn_tensor_new(g->arena, q->dtype, &v->shape);
    const int64_t n = vn_shape_count(&v->shape), run = run_length(v);
    const int32_t hi = vn_q_max(q), lo = vn_q_min(q);
    for (int64_t i = 0, line = 0; i < n; line++) {
        const int c = (int)(line % q->n);
        for (const int64_t end = i + run; i < end; i++) {
            const float x = (float)vn_tensor_f64(v->data, i);
            const int32_t y = vn_quantize(x, q->scale[c], q->zero[c], lo, hi);
            if (q->dtype == VN_I8)
                ((int8_t *)t->data)[i] = (int8_t)y;
            else
                vn_tensor_set_f64(t, i, y);
        }
    }
    v->data = t;
}

/* bias = rne(b / (sa * sb[c])) in int32; beside int8 weights within 2^30 */
static void store_bias(struct graph *g, const struct node *n, struct value *b)
{
    const struct qparam *w = n->in[n->op->quant.weight]->q;
    const int64_t count = vn_shape_count(&b->shape);
    struct vn_tensor *t = vn_tensor_new(g->arena, VN_I32, &b->shape);
    const double most = w->dtype == VN_I16 ? INT32_MAX : 1073741824.0;
    float *scale = NEW_ARRAY(g->arena, float, count);
    for (int64_t i = 0; i < count; i++) {
        scale[i] = n->in[0]->q->scale[0] * w->scale[w->n == 1 ? 0 : i];
        const double x = rint(vn_tensor_f64(b->data, i) / (double)scale[i]);
        ((int32_t *)t->data)[i] = (int32_t)fmax(fmin(x, most), -most);
    }
    b->data = t;
    b->q = vn_qparam_new(g->arena, VN_I32, b->shape.rank - 1, (int)count, scale, NULL);
}

int vn_quantize_store(struct graph *g, struct vn_err *e)
{
    vn_graph_index(g);
    for (int i = 0; i < g->nodes.n; i++) {
        struct node *n = g->nodes.v[i];
        const struct quant_rule *r = &n->op->quant;
        if (n->why_float || vn_node_kind(n) == Q_FLOAT)
            continue;
        for (int k = 0; k < n->n_in; k++)
            if (n->in[k] && n->in[k]->data && n->in[k]->q && n->in[k]->data->dtype != n->in[k]->q->dtype)
                store_constant(g, n->in[k]);
        if (r->bias && vn_node_has(n, r->bias) && n->in[r->weight]->q && n->in[0]->q)
            store_bias(g, n, n->in[r->bias]);
    }
    vn_graph_imply(g); /* possible only now: a convolution with a float bias is no integer node */
    for (int i = 0; i < g->nodes.n; i++) {
        const struct node *n = g->nodes.v[i];
        if (!n->why_float && vn_node_kind(n) != Q_FLOAT && !vn_node_is_integer(n))
            return vn_fail(e, VN_E_INTERNAL,
                           "%s: node %s: expected an integer node, but one of its tensors is float",
                           g->source, n->name);
    }
    return vn_quantize_check(g, e);
}

int vn_quantize_count(const struct graph *g)
{
    int n = 0;
    for (int i = 0; i < g->nodes.n; i++)
        n += vn_node_is_integer(g->nodes.v[i]);
    return n;
}
