/* ops/batchnormalization.c - y = (x - mean) / sqrt(var + epsilon) * scale + bias per channel (axis 1), in
 * inference. */
#include <float.h>
#include <math.h>

#include "kernels/kernels.h"
#include "ops/lower.h"

static const struct attr_spec specs[] = {
    A_FLOAT(struct bn_attrs, epsilon, "epsilon", 1e-5),
    A_FLOAT(struct bn_attrs, momentum, "momentum", 0.9),
    A_INT(struct bn_attrs, training_mode, "training_mode", 0, 0, 1),
    A_END,
};

static int64_t channels(const struct vn_shape *x) { return x->rank > 1 ? x->d[1] : 1; }

static int infer(struct node *n, struct vn_err *e)
{
    const struct bn_attrs *a = n->attrs;
    TRY(vn_infer_begin(n, e));
    if (a->training_mode)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED,
                            "BatchNormalization in training mode; export the model for inference");
    for (int i = 0; i < 5; i++) {
        TRY(vn_infer_float(n, i, e));
        if (i && (n->in[i]->shape.rank != 1 || n->in[i]->shape.d[0] != channels(&n->in[0]->shape)))
            return vn_node_fail(n, e, VN_E_INPUT, "%s must have %lld elements, one per channel",
                                n->in[i]->name, (long long)channels(&n->in[0]->shape));
    }
    return vn_infer_same(n, e);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    const struct bn_attrs *a = n->attrs;
    const struct vn_shape *s = &ev->in[0]->shape;
    int64_t count = vn_shape_count(s), inner = 1, c_count = channels(s);
    for (int d = 2; d < s->rank; d++)
        inner *= s->d[d];
    for (int64_t i = 0; i < count; i++) {
        int64_t c = i / inner % c_count;
        double unit =
            (vn_f64(ev->in[0])[i] - vn_f64(ev->in[3])[c]) / sqrt(vn_f64(ev->in[4])[c] + (double)a->epsilon);
        vn_f64(ev->out[0])[i] = unit * vn_f64(ev->in[1])[c] + vn_f64(ev->in[2])[c];
    }
    return VN_OK;
}

/* Parameters that are computed at run time: (x - mean) / sqrt(variance + epsilon) * scale + bias. */
static int computed(const struct node *n, struct lowering *l)
{
    const struct vn_shape *s = &n->in[0]->shape, *c = &n->in[4]->shape;
    const float epsilon = ((const struct bn_attrs *)n->attrs)->epsilon;
    int64_t own[VN_MAX_RANK], channel[VN_MAX_RANK] = { 0 };
    const int64_t one[1] = { 1 }, none[1] = { 0 };
    const int wide = vn_low_temp(l, VN_F32, c, PLAIN, 0, 0), root = vn_low_temp(l, VN_F32, c, PLAIN, 0, 0);
    const int x = vn_low_in(l, 0, PLAIN), centred = vn_low_temp(l, VN_F32, s, PLAIN, 0, 0);
    const int unit = vn_low_temp(l, VN_F32, s, PLAIN, 0, 0), scaled = vn_low_temp(l, VN_F32, s, PLAIN, 0, 0);
    vn_shape_strides(s, own);
    channel[s->rank > 1] = 1;
    vn_low_binary_f32(l, VN_BIN_ADD, vn_low_in(l, 4, PLAIN), one, vn_low_const(l, VN_F32, 1, &epsilon), none,
                      wide);
    struct instr_UNARY_F32 *u = vn_low_emit(l, OPCODE_UNARY_F32, 1, &wide, root);
    u->op = VN_UN_SQRT;
    vn_low_binary_f32(l, VN_BIN_SUB, x, own, vn_low_in(l, 3, PLAIN), channel, centred);
    vn_low_binary_f32(l, VN_BIN_DIV, centred, own, root, channel, unit);
    vn_low_binary_f32(l, VN_BIN_MUL, unit, own, vn_low_in(l, 1, PLAIN), channel, scaled);
    vn_low_binary_f32(l, VN_BIN_ADD, scaled, own, vn_low_in(l, 2, PLAIN), channel, vn_low_out(l, PLAIN));
    return VN_OK;
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    (void)e;
    const struct bn_attrs *a = n->attrs;
    const struct vn_shape *s = &n->in[0]->shape;
    int64_t c_count = channels(s), own[VN_MAX_RANK], channel[VN_MAX_RANK] = { 0 };
    for (int i = 1; i < 5; i++)
        if (!n->in[i]->data)
            return computed(n, l);
    float *mul = NEW_ARRAY(l->scratch, float, c_count), *add = NEW_ARRAY(l->scratch, float, c_count);
    const float *scale = vn_low_elements(l, n->in[1], VN_F32), *bias = vn_low_elements(l, n->in[2], VN_F32);
    const float *mean = vn_low_elements(l, n->in[3], VN_F32),
                *variance = vn_low_elements(l, n->in[4], VN_F32);
    for (int64_t c = 0; c < c_count; c++) {
        double k = scale[c] / sqrt(variance[c] + (double)a->epsilon);
        mul[c] = (float)k;
        add[c] = (float)(bias[c] - mean[c] * k);
    }
    enum layout order;
    int x = vn_low_in_any(l, 0, &order);
    int scaled = vn_low_temp(l, VN_F32, s, order, 0, 0);
    int y = vn_low_out(l, order);
    if (s->rank > 1)
        channel[1] = 1;
    vn_low_axis_strides(vn_low_tensor(l, x), own);
    vn_low_binary_f32(l, VN_BIN_MUL, x, own, vn_low_const(l, VN_F32, c_count, mul), channel, scaled);
    vn_low_binary_f32(l, VN_BIN_ADD, scaled, own, vn_low_const(l, VN_F32, c_count, add), channel, y);
    return VN_OK;
}

/* x * k + (bias - mean * k), k = scale / sqrt(variance + epsilon); or in the order of `computed`. */
static int slack(const struct node *n, int port, const struct vn_tensor *const *in, const struct vn_tensor *y,
                 struct vn_tensor *out, struct vn_arena *arena)
{
    const struct bn_attrs *a = n->attrs;
    const struct vn_shape *s = &in[0]->shape;
    const int64_t count = vn_shape_count(s), c_count = channels(s);
    int64_t inner = 1;
    (void)port, (void)arena;
    for (int d = 2; d < s->rank; d++)
        inner *= s->d[d];
    for (int64_t i = 0; i < count; i++) {
        const int64_t c = i / inner % c_count;
        const double k = vn_f64(in[1])[c] / sqrt(vn_f64(in[4])[c] + (double)a->epsilon);
        const double size = fabs(vn_f64(in[0])[i] * k) + fabs(vn_f64(in[3])[c] * k);
        vn_f64(out)[i] = FLT_EPSILON / 2 * (6 * size + 2 * fabs(vn_f64(in[2])[c]) + 2 * fabs(vn_f64(y)[i]));
    }
    return VN_OK;
}

const struct op_def vn_op_batchnormalization = {
    .name = "batchnormalization",
    .onnx = "BatchNormalization",
    .min_in = 5,
    .max_in = 5,
    .attrs = specs,
    .attrs_size = sizeof(struct bn_attrs),
    .infer = infer,
    .eval = eval,
    .lower = lower,
    .quant = { .kind = Q_FLOAT, .data_inputs = 1 },
    .slack = slack,
    .running_variance = 4,
};
