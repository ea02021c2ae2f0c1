/* ops/lrn.c - x / (bias + alpha / size * sum of squares over neighbouring channels) ^ beta. */
#include "ops/portable_op.h"

struct attrs {
    int64_t size;
    float alpha, beta, bias;
};

static const struct attr_spec specs[] = {
    { .onnx = "size",
      .kind = ATTR_INT,
      .offset = offsetof(struct attrs, size),
      .min = 1,
      .max = INT32_MAX,
      .required = 1 },
    A_FLOAT(struct attrs, alpha, "alpha", 1e-4),
    A_FLOAT(struct attrs, beta, "beta", 0.75),
    A_FLOAT(struct attrs, bias, "bias", 1),
    A_END,
};

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_same_float(n, e));
    if (n->in[0]->shape.rank < 2)
        return NODE_MISFIT(n, e, "the input has no channels");
    return VN_OK;
}

static void call(const struct node *n, struct portable_params *p)
{
    const struct attrs *a = n->attrs;
    *p = (struct portable_params){ .id = VN_PORTABLE_lrn,
                                   .i = { (int32_t)a->size },
                                   .f = { a->alpha, a->beta, a->bias } };
}

const struct op_def vn_op_lrn = {
    .name = "lrn",
    .onnx = "LRN",
    .min_in = 1,
    .max_in = 1,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .eval = vn_eval_portable,
    .lower = vn_low_portable,
    .portable = call,
};
