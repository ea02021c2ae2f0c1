/* Conv, ConvTranspose, Gemm or MatMul followed by Add, Sub, Mul or Div with one constant per output channel:
 * it becomes part of weights and bias. */
#include <math.h>

#include "ops/op.h"
#include "passes/weights.h"

/* y = k x + t for the constant c, which is operand `at`. */
static int coefficients(const struct op_def *op, int at, double c, double *k, double *t)
{
    const int is_sum = op->pair == PAIR_SUM;
    if (!is_sum && op->inverse && at == 0) /* c / x */
        return 0;
    *k = is_sum ? (op->inverse && at == 0 ? -1 : 1) : op->inverse ? 1 / c : c;
    *t = is_sum ? (op->inverse && at == 1 ? -c : c) : 0;
    return isfinite(*k) && isfinite(*t);
}

static int fold(struct graph *g, struct node *n, const struct node *by, int at)
{
    const int64_t channels = vn_weights_channels(n), given = vn_shape_count(&by->in[at]->shape);
    double *k = NEW_ARRAY(g->arena, double, channels), *t = NEW_ARRAY(g->arena, double, channels);
    int scales = 0;
    for (int64_t c = 0; c < channels; c++) {
        if (!coefficients(by->op, at, vn_tensor_f64(by->in[at]->data, given == 1 ? 0 : c), &k[c], &t[c]))
            return 0;
        scales |= k[c] != 1;
    }
    vn_weights_affine(g, n, scales ? k : NULL, by->op->pair == PAIR_SUM ? t : NULL);
    return 1;
}

static int run(struct graph *g, struct vn_err *e)
{
    (void)e;
    int changes = 0;
    for (int i = 0; i < g->nodes.n; i++) {
        struct node *by = g->nodes.v[i];
        if (by->op->pair == PAIR_OTHER)
            continue;
        const int at = vn_pass_is_const(by->in[1]) ? 1 : vn_pass_is_const(by->in[0]) ? 0 : -1;
        struct node *n = at >= 0 ? by->in[1 - at]->producer : NULL;
        if (!n || vn_graph_uses(by->in[1 - at]) != 1 || vn_weights_channels(n) < 1 ||
            (by->op->pair == PAIR_SUM && !vn_weights_take_bias(n)) ||
            !vn_shape_equal(&n->out[0]->shape, &by->out[0]->shape) ||
            !vn_weights_per_channel(by->in[at], by->out[0], vn_weights_axis(n)) || !fold(g, n, by, at))
            continue;
        vn_pass_absorb(g, n, by);
        changes++;
        i--;
    }
    return changes;
}

const struct pass vn_pass_fold_affine = {
    .name = "fold_affine",
    .help = "Add, Sub, Mul and Div of a constant per channel into weights and bias",
    .run = run
};
