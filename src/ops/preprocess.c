/* ops/preprocess.c - our own: a runtime image to the network's input, y = ((matrix (x + offset)) - mean) *
 * scale per channel. */
#include <float.h>
#include <math.h>

#include "num/num.h"
#include "ops/lower.h"

static const struct attr_spec specs[] = {
    A_FLOATS(struct preprocess_attrs, offset, "offset"),
    A_FLOATS(struct preprocess_attrs, matrix, "matrix"),
    A_FLOATS(struct preprocess_attrs, mean, "mean"),
    A_FLOATS(struct preprocess_attrs, scale, "scale"),
    A_INT(struct preprocess_attrs, channels_last, "channels_last", 0, 0, 1),
    { .onnx = "input_type", .kind = ATTR_STRING, .offset = offsetof(struct preprocess_attrs, input_type) },
    { .onnx = "train_type", .kind = ATTR_STRING, .offset = offsetof(struct preprocess_attrs, train_type) },
    { .onnx = "data_format", .kind = ATTR_STRING, .offset = offsetof(struct preprocess_attrs, data_format) },
    A_END,
};

static int channel_axis(const struct node *n)
{
    return ((const struct preprocess_attrs *)n->attrs)->channels_last ? n->in[0]->shape.rank - 1 : 1;
}

static int channels(const struct node *n) { return (int)n->in[0]->shape.d[channel_axis(n)]; }

static int infer(struct node *n, struct vn_err *e)
{
    const struct preprocess_attrs *p = n->attrs;
    TRY(vn_infer_begin(n, e));
    if (n->in[0]->shape.rank < 2)
        return vn_node_fail(n, e, VN_E_INPUT, "the image has %d dimensions", n->in[0]->shape.rank);
    int c = channels(n);
    if (c < 1 || c > 1024)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "%d channels, expected 1 to 1024", c);
    if ((p->offset.n && p->offset.n != c) || (p->mean.n && p->mean.n != c) ||
        (p->scale.n && p->scale.n != c) || (p->matrix.n && p->matrix.n != c * c))
        return vn_node_fail(n, e, VN_E_INPUT, "offset, mean, scale or matrix does not match %d channels", c);
    return vn_infer_out(n, 0, VN_F32, &n->in[0]->shape, e);
}

static double at_or(struct floats f, int i, double dflt) { return f.n ? (double)f.v[i] : dflt; }

void vn_preprocess_affine(const struct preprocess_attrs *p, int channels, double *a, double *b)
{
    for (int c = 0; c < channels; c++) {
        double scale = at_or(p->scale, c, 1), sum = 0;
        for (int k = 0; k < channels; k++) {
            double m = at_or(p->matrix, c * channels + k, c == k);
            a[c * channels + k] = m * scale;
            sum += m * at_or(p->offset, k, 0);
        }
        b[c] = (sum - at_or(p->mean, c, 0)) * scale;
    }
}

static double clamp(double x, double most) { return x > most ? most : x > -most ? x : -most; }

void vn_preprocess_quantize(const struct preprocess_attrs *p, int channels, float sx, float sy, int16_t *w,
                            int32_t *bias, float *mult)
{
    double a[3 * 3], b[3];
    vn_preprocess_affine(p, channels, a, b);
    for (int c = 0; c < channels; c++) {
        double most = 0;
        for (int k = 0; k < channels; k++)
            most = fmax(most, fabs(a[c * channels + k]));
        float sw = most > 0 ? (float)(most / 32767) : 1.0f;
        sw = sw > 0 ? sw : 1.0f;
        for (int k = 0; k < channels; k++)
            w[c * channels + k] = (int16_t)clamp(rint(a[c * channels + k] / (double)sw), 32767);
        bias[c] = (int32_t)clamp(rint(b[c] / ((double)sx * (double)sw)), 1 << 30);
        mult[c] = vn_requant_mult(sx, sw, sy);
    }
}

/* How many pixels; *step: elements between two channels of one. */
static int64_t pixels(const struct node *n, int64_t *step)
{
    const struct vn_shape *s = &n->in[0]->shape;
    *step = 1;
    for (int d = channel_axis(n) + 1; d < s->rank; d++)
        *step *= s->d[d];
    return vn_shape_count(s) / channels(n);
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    const struct preprocess_attrs *p = n->attrs;
    int c_count = channels(n);
    int64_t step, count = pixels(n, &step);
    int whole = ev->in[0]->dtype == VN_I64;
    for (int64_t i = 0; i < count; i++) {
        int64_t at = i / step * step * c_count + i % step;
        for (int c = 0; c < c_count; c++) {
            double sum = 0;
            for (int k = 0; k < c_count; k++) {
                int64_t from = at + k * step;
                double x = whole ? (double)vn_i64(ev->in[0])[from] : vn_f64(ev->in[0])[from];
                sum += at_or(p->matrix, c * c_count + k, c == k) * (x + at_or(p->offset, k, 0));
            }
            vn_f64(ev->out[0])[at + c * step] = (sum - at_or(p->mean, c, 0)) * at_or(p->scale, c, 1);
        }
    }
    return VN_OK;
}

static enum q_kind quant_kind(const struct node *n)
{
    int c = channels(n);
    const struct qparam *x = n->in[0]->q, *y = n->out[0]->q;
    int narrow =
        (!x || (x->dtype == VN_I8 && x->zero[0] == 0)) && (!y || y->dtype == VN_I8 || y->dtype == VN_I16);
    return (c == 1 || c == 3) && narrow ? Q_OWN : Q_FLOAT;
}

static int qeval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    const struct qparam *x = n->in[0]->q, *y = n->out[0]->q;
    int c_count = channels(n);
    int16_t w[9];
    int32_t bias[3];
    float mult[3];
    int64_t step, count = pixels(n, &step);
    vn_preprocess_quantize(n->attrs, c_count, x->scale[0], y->scale[0], w, bias, mult);
    for (int64_t i = 0; i < count; i++) {
        int64_t at = i / step * step * c_count + i % step;
        for (int c = 0; c < c_count; c++) {
            int64_t acc = bias[c];
            for (int k = 0; k < c_count; k++)
                acc += w[c * c_count + k] * (vn_i64(ev->in[0])[at + k * step] - x->zero[0]);
            vn_i64(ev->out[0])[at + c * step] =
                vn_requantize(acc, mult[c], y->zero[0], vn_q_min(y), vn_q_max(y));
        }
    }
    return VN_OK;
}

static int lower_integer(const struct node *n, struct lowering *l, int x, enum layout order)
{
    int c = channels(n);
    int16_t w[9];
    int32_t bias[3];
    float mult[3];
    vn_preprocess_quantize(n->attrs, c, n->in[0]->q->scale[0], n->out[0]->q->scale[0], w, bias, mult);
    int in[4] = { x, vn_low_const(l, VN_I16, c * c, w), vn_low_const(l, VN_I32, c, bias),
                  vn_low_const(l, VN_F32, c, mult) };
    struct instr_PREPROCESS_S8 *p = vn_low_emit(l, OPCODE_PREPROCESS_S8, 4, in, vn_low_out(l, order));
    p->pixels = (int32_t)(vn_shape_count(&n->in[0]->shape) / c);
    p->c = c;
    return VN_OK;
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    const struct preprocess_attrs *p = n->attrs;
    int c = channels(n);
    if (n->in[0]->shape.rank < 3 && !p->channels_last)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "an image of %d dimensions", n->in[0]->shape.rank);
    if (c != 1 && c != 3)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED,
                            "%d channels; the runtime's preprocessing supports 1 or 3", c);
    enum layout order = p->channels_last ? PLAIN : CHANNELS_LAST;
    int x = vn_low_in(l, 0, order);
    if (l->integer)
        return lower_integer(n, l, x, order);
    double a[9], b[3];
    float a32[9], b32[3];
    vn_preprocess_affine(p, c, a, b);
    for (int i = 0; i < c * c; i++)
        a32[i] = (float)a[i];
    for (int i = 0; i < c; i++)
        b32[i] = (float)b[i];
    int in[3] = { x, vn_low_const(l, VN_F32, c * c, a32), vn_low_const(l, VN_F32, c, b32) };
    struct instr_PREPROCESS_F32 *q = vn_low_emit(l, OPCODE_PREPROCESS_F32, 3, in, vn_low_out(l, order));
    q->pixels = (int32_t)(vn_shape_count(&n->in[0]->shape) / c);
    q->c = c;
    return VN_OK;
}

static int pixel_axis(const struct node *n)
{
    return ((const struct preprocess_attrs *)n->attrs)->channels_last ? n->in[0]->shape.rank - 1 : 1;
}

static int slack(const struct node *n, int port, const struct vn_tensor *const *in, const struct vn_tensor *y,
                 struct vn_tensor *out, struct vn_arena *arena)
{
    const int c = channels(n);
    double a[9], b[3];
    int64_t step;
    const int64_t count = pixels(n, &step);
    (void)port, (void)arena, (void)y;
    vn_preprocess_affine(n->attrs, c, a, b);
    for (int64_t i = 0; i < count; i++)
        for (int k = 0; k < c; k++) {
            const int64_t at = i / step * step * c + i % step;
            double size = fabs(b[k]);
            for (int j = 0; j < c; j++)
                size += fabs(a[k * c + j] * vn_f64(in[0])[at + j * step]);
            vn_f64(out)[at + k * step] = FLT_EPSILON / 2 * (c + 3) * size;
        }
    return VN_OK;
}

const struct op_def vn_op_preprocess = {
    .name = "preprocess",
    .onnx = "Preprocess",
    .domain = "ai.vernier",
    .min_in = 1,
    .max_in = 1,
    .attrs = specs,
    .attrs_size = sizeof(struct preprocess_attrs),
    .any_width = 1,
    .infer = infer,
    .eval = eval,
    .qeval = qeval,
    .lower = lower,
    .quant = { .kind = Q_OWN },
    .quant_kind = quant_kind,
    .pixel_axis = pixel_axis,
    .slack = slack,
};
