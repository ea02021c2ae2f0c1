/* ops/eval.c - what the reference evaluations of operators share. */
#include "ops/op.h"

int vn_index_next(int64_t *idx, const struct vn_shape *s)
{
    for (int d = s->rank - 1; d >= 0; d--) {
        if (++idx[d] < s->d[d])
            return 1;
        idx[d] = 0;
    }
    return 0;
}

void vn_eval_gather(struct vn_tensor *y, const struct vn_tensor *x, int64_t from, const int64_t *stride)
{
    int64_t count = vn_shape_count(&y->shape), idx[VN_MAX_RANK] = { 0 };
    const uint64_t *src = x->data;
    uint64_t *dst = y->data;
    for (int64_t i = 0; i < count; i++) {
        int64_t at = from;
        for (int d = 0; d < y->shape.rank; d++)
            at += idx[d] * stride[d];
        dst[i] = src[at];
        vn_index_next(idx, &y->shape);
    }
}

int vn_eval_copy(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)n, (void)e;
    memcpy(ev->out[0]->data, ev->in[0]->data, vn_tensor_bytes(ev->out[0]));
    return VN_OK;
}

int vn_eval_unary(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    (void)e;
    int64_t count = vn_shape_count(&ev->out[0]->shape);
    for (int64_t i = 0; i < count; i++)
        vn_f64(ev->out[0])[i] = n->op->f(n, vn_f64(ev->in[0])[i]);
    return VN_OK;
}

int vn_eval_number(const struct node *n, const struct eval *ev, int64_t (*fi)(int64_t), struct vn_err *e)
{
    int64_t count = vn_shape_count(&ev->out[0]->shape);
    if (ev->out[0]->dtype != VN_I64)
        return vn_eval_unary(n, ev, e);
    if (!fi)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "%s of integers", n->op->onnx);
    for (int64_t i = 0; i < count; i++)
        vn_i64(ev->out[0])[i] = fi(vn_i64(ev->in[0])[i]);
    return VN_OK;
}

void vn_eval_wrap(const struct node *n, const struct eval *ev)
{
    int64_t *y = vn_i64(ev->out[0]), count = vn_shape_count(&ev->out[0]->shape);
    for (int64_t i = 0; i < count; i++)
        switch (n->out[0]->dtype) {
        case VN_I8: y[i] = (int8_t)y[i]; break;
        case VN_U8: y[i] = (uint8_t)y[i]; break;
        case VN_I16: y[i] = (int16_t)y[i]; break;
        case VN_U16: y[i] = (uint16_t)y[i]; break;
        case VN_I32: y[i] = (int32_t)y[i]; break;
        case VN_U32: y[i] = (uint32_t)y[i]; break;
        default: break;
        }
}

void vn_broadcast_strides(int64_t *stride, const struct vn_shape *x, const struct vn_shape *s)
{
    int64_t own[VN_MAX_RANK];
    int shift = s->rank - x->rank;
    vn_shape_strides(x, own);
    for (int d = 0; d < s->rank; d++)
        stride[d] = d < shift || x->d[d - shift] == 1 ? 0 : own[d - shift];
}

int vn_eval_binary(const struct node *n, const struct eval *ev, double (*ff)(double, double),
                   int64_t (*fi)(int64_t, int64_t), struct vn_err *e)
{
    struct vn_tensor *y = ev->out[0];
    const struct vn_tensor *a = ev->in[0], *b = ev->in[1];
    int64_t sa[VN_MAX_RANK], sb[VN_MAX_RANK], idx[VN_MAX_RANK] = { 0 }, count = vn_shape_count(&y->shape);
    if (y->dtype == VN_I64 && !fi)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "%s of integers", n->op->onnx);
    vn_broadcast_strides(sa, &a->shape, &y->shape);
    vn_broadcast_strides(sb, &b->shape, &y->shape);
    for (int64_t i = 0; i < count; i++) {
        int64_t pa = 0, pb = 0;
        for (int d = 0; d < y->shape.rank; d++) {
            pa += idx[d] * sa[d];
            pb += idx[d] * sb[d];
        }
        if (y->dtype == VN_I64)
            vn_i64(y)[i] = fi(vn_i64(a)[pa], vn_i64(b)[pb]);
        else
            vn_f64(y)[i] = ff(vn_f64(a)[pa], vn_f64(b)[pb]);
        vn_index_next(idx, &y->shape);
    }
    return VN_OK;
}

/* in[i] repeated to the output's shape. */
static struct vn_tensor *spread(const struct eval *ev, int i, const struct vn_shape *s)
{
    int64_t stride[VN_MAX_RANK];
    struct vn_tensor *t = vn_tensor_new(ev->arena, ev->in[i]->dtype, s);
    vn_broadcast_strides(stride, &ev->in[i]->shape, s);
    vn_eval_gather(t, ev->in[i], 0, stride);
    return t;
}

int vn_eval_fold(const struct node *n, const struct eval *ev, double (*ff)(double, double),
                 int64_t (*fi)(int64_t, int64_t), struct vn_err *e)
{
    struct vn_tensor *y = ev->out[0];
    int64_t count = vn_shape_count(&y->shape);
    if (y->dtype == VN_I64 && !fi)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "%s of integers", n->op->onnx);
    for (int k = 0; count && k < n->n_in; k++) {
        const struct vn_tensor *x = spread(ev, k, &y->shape);
        for (int64_t i = 0; i < count; i++)
            if (y->dtype == VN_I64)
                vn_i64(y)[i] = k ? fi(vn_i64(y)[i], vn_i64(x)[i]) : vn_i64(x)[i];
            else
                vn_f64(y)[i] = k ? ff(vn_f64(y)[i], vn_f64(x)[i]) : vn_f64(x)[i];
    }
    return VN_OK;
}

int vn_eval_compare(const struct node *n, const struct eval *ev, int (*ff)(double, double),
                    int (*fi)(int64_t, int64_t), struct vn_err *e)
{
    struct vn_tensor *y = ev->out[0];
    int64_t count = vn_shape_count(&y->shape);
    if (ev->in[0]->dtype == VN_F64 && !ff)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "%s of floating point", n->op->onnx);
    if (!count)
        return VN_OK;
    const struct vn_tensor *a = spread(ev, 0, &y->shape), *b = spread(ev, 1, &y->shape);
    for (int64_t i = 0; i < count; i++)
        vn_i64(y)[i] = a->dtype == VN_F64 ? ff(vn_f64(a)[i], vn_f64(b)[i]) : fi(vn_i64(a)[i], vn_i64(b)[i]);
    return VN_OK;
}
