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

/* Strides of x seen in the (larger) shape s; 0 along axes that broadcast. */
static void broadcast_strides(int64_t *stride, const struct vn_shape *x, const struct vn_shape *s)
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
    broadcast_strides(sa, &a->shape, &y->shape);
    broadcast_strides(sb, &b->shape, &y->shape);
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
