/* BatchNormalization that follows no convolution becomes one of its own: 1 x 1, each channel for itself. It
 * then has the integer forms of convolutions. */
#include <math.h>

#include "ops/op.h"
#include "passes/pass.h"

static int is_wanted(const struct node *bn)
{
    const struct vn_shape *x = &bn->in[0]->shape;
    for (int i = 1; i < 5; i++)
        if (!vn_pass_is_const(bn->in[i]))
            return 0;
    return !((const struct bn_attrs *)bn->attrs)->training_mode && (x->rank == 3 || x->rank == 4) &&
           bn->in[0]->dtype == VN_F32 && (bn->n_out < 2 || !bn->out[1]);
}

static struct value *constant(struct graph *g, const struct node *bn, const char *suffix, int rank,
                              float **data)
{
    struct vn_shape s = { .rank = rank, .d = { bn->in[0]->shape.d[1], 1, 1, 1 } };
    struct vn_tensor *t = vn_tensor_new(g->arena, VN_F32, &s);
    *data = t->data;
    return vn_graph_const(g, vn_arena_fmt(g->arena, "%s%s", bn->name, suffix), t);
}

static int rewrite(struct graph *g, struct node *bn, struct vn_err *e)
{
    (void)e;
    if (!is_wanted(bn))
        return 0;
    const int rank = bn->in[0]->shape.rank;
    const int64_t channels = bn->in[0]->shape.d[1];
    const double epsilon = (double)((const struct bn_attrs *)bn->attrs)->epsilon;
    float *weight, *bias;
    struct value *in[3] = { bn->in[0], constant(g, bn, "_weight", rank, &weight),
                            constant(g, bn, "_bias", 1, &bias) };
    for (int64_t c = 0; c < channels; c++) {
        const double k =
            vn_tensor_f64(bn->in[1]->data, c) / sqrt(vn_tensor_f64(bn->in[4]->data, c) + epsilon);
        weight[c] = (float)k;
        bias[c] = (float)(vn_tensor_f64(bn->in[2]->data, c) - vn_tensor_f64(bn->in[3]->data, c) * k);
    }
    struct value *y = bn->out[0];
    struct node *conv = vn_graph_node_before(
        g, bn, &vn_op_conv, vn_arena_fmt(g->arena, "UNIT_CONV_FOR_%s", bn->name), 3, in, 1, &y);
    int64_t *ones = NEW_ARRAY(g->arena, int64_t, rank);
    ones[0] = ones[1] = 1;
    ((struct conv_attrs *)conv->attrs)->group = channels;
    ((struct conv_attrs *)conv->attrs)->kernel = (struct ints){ rank - 2, ones };
    vn_graph_remove(g, bn);
    return 1;
}

const struct pass vn_pass_unit_conv = {
    .name = "unit_conv",
    .help = "BatchNormalization without a convolution becomes a 1x1 depthwise convolution",
    .last = 1,
    .ops = PASS_OPS(&vn_op_batchnormalization),
    .rewrite = rewrite,
};
