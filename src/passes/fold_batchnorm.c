/* BatchNormalization behind Conv, ConvTranspose, Gemm or MatMul: y = (Wx + b) * k + t becomes (kW)x + (kb +
 * t), per output channel. */
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
        k[c] = vn_tensor_f64(bn->in[1]->data, c) /
               sqrt(var + (double)((const struct bn_attrs *)bn->attrs)->epsilon);
        t[c] = vn_tensor_f64(bn->in[2]->data, c) - mean * k[c];
    }
    vn_weights_affine(g, n, k, t);
}

static int rewrite(struct graph *g, struct node *bn, struct vn_err *e)
{
    struct node *n = constant_statistics(bn) ? bn->in[0]->producer : NULL;
    (void)e;
    if (!n || vn_graph_uses(bn->in[0]) != 1 || vn_weights_axis(n) != 1 || !vn_weights_take_bias(n) ||
        vn_weights_channels(n) != vn_shape_count(&bn->in[1]->shape))
        return 0;
    fold(g, n, bn);
    vn_pass_absorb(g, n, bn);
    return 1;
}

const struct pass vn_pass_fold_batchnorm = {
    .name = "fold_batchnorm",
    .help = "BatchNormalization into the weights before it",
    .ops = PASS_OPS(&vn_op_batchnormalization),
    .rewrite = rewrite,
};
