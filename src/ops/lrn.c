/* ops/lrn.c - x / (bias + alpha / size * sum of squares over neighbouring channels) ^ beta. */
#include <math.h>

#include "ops/lower.h"

struct attrs {
    int64_t size;
    float alpha, beta, bias;
};

static const struct attr_spec specs[] = {
    { .onnx = "size", .kind = ATTR_INT, .offset = offsetof(struct attrs, size), .min = 1, .max = INT32_MAX, .required = 1 },
    A_FLOAT(struct attrs, alpha, "alpha", 1e-4),
    A_FLOAT(struct attrs, beta, "beta", 0.75),
    A_FLOAT(struct attrs, bias, "bias", 1),
    A_END,
};

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_same_float(n, e));
    if (n->in[0]->shape.rank < 2)
        return vn_node_fail(n, e, VN_E_INPUT, "the input has no channels");
    return VN_OK;
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    const struct attrs *a = n->attrs;
    const struct vn_shape *s = &ev->in[0]->shape;
    const int64_t c = s->d[1], count = vn_shape_count(s), before = (a->size - 1) / 2, behind = a->size - 1 - before;
    const int64_t inner = count ? count / s->d[0] / c : 0;
    for (int64_t i = 0; i < count; i++) {
        const int64_t k = i / inner % c, from = k < before ? 0 : k - before, to = k + behind < c ? k + behind : c - 1;
        double sum = 0;
        for (int64_t m = from; m <= to; m++) {
            const double x = vn_f64(ev->in[0])[i + (m - k) * inner];
            sum += x * x;
        }
        vn_f64(ev->out[0])[i] = vn_f64(ev->in[0])[i] / pow(a->bias + a->alpha / (double)a->size * sum, a->beta);
    }
    return VN_OK;
}

const struct op_def vn_op_lrn = {
    .name = "lrn", .onnx = "LRN", .min_in = 1, .max_in = 1,
    .attrs = specs, .attrs_size = sizeof(struct attrs),
    .infer = infer, .eval = eval, .lower = vn_low_reference,
};
