/* ops/lppool.c - the p-norm over a sliding window. */
#include "ops/pools.h"

static const struct attr_spec specs[] = { POOL_ATTRS, A_INT(struct pool_attrs, p, "p", 2, 1, 1 << 20),
                                          A_END };

static int infer(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    TRY(vn_infer_float(n, 0, e));
    return vn_pool_infer(n, e);
}

static void call(const struct node *n, struct portable_params *p)
{
    struct window w;
    *p = (struct portable_params){ .id = VN_PORTABLE_pool_nd,
                                   .i = { [VN_CW_FUNCTION] = VN_POOL_NORM,
                                          [VN_CW_POWER] =
                                              (int32_t)((const struct pool_attrs *)n->attrs)->p } };
    vn_pool_window(&w, n, NULL);
    vn_portable_put_window(p, &w);
}

const struct op_def vn_op_lppool = {
    .name = "lppool",
    .onnx = "LpPool",
    .min_in = 1,
    .max_in = 1,
    .attrs = specs,
    .attrs_size = sizeof(struct pool_attrs),
    .infer = infer,
    .eval = vn_eval_portable,
    .lower = vn_low_portable,
    .portable = call,
};
