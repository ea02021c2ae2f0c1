/* ops/hannwindow.c - 0.5 - 0.5 * cos(2 pi i / n); n is the size, or size - 1 where symmetric. */
#include <math.h>

#include "ops/lower.h"

struct attrs {
    int64_t dtype, periodic;
};

static const struct attr_spec specs[] = {
    A_INT(struct attrs, dtype, "output_datatype", VN_F32, 1, 64),
    A_INT(struct attrs, periodic, "periodic", 1, 0, 1),
    A_END,
};

static int infer(struct node *n, struct vn_err *e)
{
    const struct attrs *a = n->attrs;
    const struct value *size = n->in[0];
    TRY(vn_infer_begin(n, e));
    if (!size->data || vn_shape_count(&size->shape) != 1)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "size %s must be a constant scalar", size->name);
    const double length = vn_tensor_f64(size->data, 0);
    if (!(length >= 0 && length < INT32_MAX))
        return vn_node_fail(n, e, VN_E_INPUT, "size %s is %g, expected 0 to %d", size->name, length,
                            INT32_MAX - 1);
    if (!vn_dtype_size((enum vn_dtype)a->dtype))
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "element type %lld of ONNX", (long long)a->dtype);
    const struct vn_shape s = { .rank = 1, .d = { (int64_t)length } };
    return vn_infer_out(n, 0, (enum vn_dtype)a->dtype, &s, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    const struct attrs *a = n->attrs;
    struct vn_tensor *y = ev->out[0];
    const int64_t size = vn_shape_count(&y->shape), period = a->periodic || size < 2 ? size : size - 1;
    for (int64_t i = 0; i < size; i++)
        vn_tensor_set_f64(y, i, 0.5 - 0.5 * cos(2 * M_PI * (double)i / (double)period));
    return VN_OK;
}

const struct op_def vn_op_hannwindow = {
    .name = "hannwindow",
    .onnx = "HannWindow",
    .min_in = 1,
    .max_in = 1,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .eval = eval,
    .lower = vn_low_none,
};
