/* BatchNormalization behind Conv, ConvTranspose or Gemm: y = (Wx + b) * k + t becomes (kW)x + (kb + t), per output channel. */
#include <math.h>

#include "ops/op.h"
#include "passes/pass.h"

/* Output channel of element i of the weight. */
static int64_t channel_of(const struct node *n, int64_t i)
{
    const struct vn_shape *s = &n->in[1]->shape;
    int64_t inner = 1;
    for (int k = 2; k < s->rank; k++)
        inner *= s->d[k];
    if (n->op == &vn_op_conv) /* [out][in/group][...] */
        return i / (inner * s->d[1]);
    if (n->op == &vn_op_gemm)
        return ((const struct gemm_attrs *)n->attrs)->trans_b ? i / s->d[1] : i % s->d[1];
    /* ConvTranspose: [in][out/group][...]; the input channel says which group */
    const int64_t group = ((const struct convt_attrs *)n->attrs)->group, in = i / (inner * s->d[1]);
    return in / (s->d[0] / group) * s->d[1] + i / inner % s->d[1];
}

static int foldable(const struct node *n)
{
    if (n->op == &vn_op_gemm) {
        const struct gemm_attrs *a = n->attrs;
        if (a->beta != 1)
            return 0;
    } else if (n->op != &vn_op_conv && n->op != &vn_op_convtranspose)
        return 0;
    return vn_pass_is_const(n->in[1]) && (!vn_node_has(n, 2) || (vn_pass_is_const(n->in[2]) && n->in[2]->shape.rank == 1));
}

static int constant_statistics(const struct node *bn)
{
    for (int i = 1; i < 5; i++)
        if (!vn_pass_is_const(bn->in[i]))
            return 0;
    return !((const struct bn_attrs *)bn->attrs)->training_mode;
}

static void fold(struct graph *g, struct node *n, const struct node *bn)
{
    const struct vn_tensor *w = n->in[1]->data, *b = vn_node_has(n, 2) ? n->in[2]->data : NULL;
    const int64_t channels = vn_shape_count(&bn->in[1]->shape), count = vn_shape_count(&w->shape);
    const struct vn_shape s = vn_shape_of(1, &channels);
    double *k = NEW_ARRAY(g->arena, double, channels);
    float *weight, *bias;
    vn_pass_set_const(g, n, 2, vn_arena_fmt(g->arena, "%s_bias", n->name), &s, &bias);
    for (int64_t c = 0; c < channels; c++) {
        const double var = vn_tensor_f64(bn->in[4]->data, c), mean = vn_tensor_f64(bn->in[3]->data, c);
        k[c] = vn_tensor_f64(bn->in[1]->data, c) / sqrt(var + (double)((const struct bn_attrs *)bn->attrs)->epsilon);
        const double old = b ? vn_tensor_f64(b, vn_shape_count(&b->shape) == 1 ? 0 : c) : 0;
        bias[c] = (float)((old - mean) * k[c] + vn_tensor_f64(bn->in[2]->data, c));
    }
    const struct vn_shape ws = w->shape;
    vn_pass_set_const(g, n, 1, n->in[1]->name, &ws, &weight);
    for (int64_t i = 0; i < count; i++)
        weight[i] = (float)(vn_tensor_f64(w, i) * k[channel_of(n, i)]);
}

static int run(struct graph *g, struct vn_err *e)
{
    (void)e;
    int changes = 0;
    for (int i = 0; i < g->nodes.n; i++) {
        struct node *bn = g->nodes.v[i];
        if (bn->op != &vn_op_batchnormalization || !constant_statistics(bn))
            continue;
        struct node *n = bn->in[0]->producer;
        if (!n || bn->in[0]->n_uses != 1 || !foldable(n))
            continue;
        fold(g, n, bn);
        vn_pass_absorb(g, n, bn);
        vn_graph_index(g);
        changes++;
        i--;
    }
    return changes;
}

const struct pass vn_pass_fold_batchnorm = {
    .name = "fold_batchnorm", .help = "BatchNormalization into the weights in front of it", .run = run,
};
