/* BatchNormalization behind Conv, ConvTranspose, Gemm or MatMul: y = (Wx + b) * k + t becomes (kW)x + (kb + t), per output channel. */
#include <math.h>

#include "ops/op.h"
#include "passes/weights.h"

static int constant_statistics(const struct node *bn)
{
    for (int i = 1; i < 5; i++)
        if (!vn_pass_is_const(bn->in[i]))
            return 0;
    return !((const struct bn_attrs *)bn->attrs)->training_mode;
}

static void fold(struct graph *g, struct node *n, const struct node *bn)
{
    const int64_t channels = vn_shape_count(&bn->in[1]->shape);
    double *k = NEW_ARRAY(g->arena, double, channels), *t = NEW_ARRAY(g->arena, double, channels);
    for (int64_t c = 0; c < channels; c++) {
        const double var = vn_tensor_f64(bn->in[4]->data, c), mean = vn_tensor_f64(bn->in[3]->data, c);
        k[c] = vn_tensor_f64(bn->in[1]->data, c) / sqrt(var + (double)((const struct bn_attrs *)bn->attrs)->epsilon);
        t[c] = vn_tensor_f64(bn->in[2]->data, c) - mean * k[c];
    }
    vn_weights_affine(g, n, k, t);
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
        if (!n || vn_graph_uses(bn->in[0]) != 1 || vn_weights_channels(n) != vn_shape_count(&bn->in[1]->shape) || vn_weights_axis(n) != 1 ||
            !vn_weights_take_bias(n))
            continue;
        fold(g, n, bn);
        vn_pass_absorb(g, n, bn);
        changes++;
        i--;
    }
    return changes;
}

const struct pass vn_pass_fold_batchnorm = {
    .name = "fold_batchnorm", .help = "BatchNormalization into the weights in front of it", .run = run,
};
