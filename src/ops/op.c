/* ops/op.c - the list of operators, and what their infer functions share. */
#include "ops/op.h"

#include <stdarg.h>
#include <stdio.h>

const struct op_def *const vn_ops[] = {
#define OP(name) &vn_op_##name,
#include "ops/ops.def"
#undef OP
};
const int vn_ops_count = sizeof vn_ops / sizeof vn_ops[0];

static const char *domain_or_default(const char *d)
{
    return !d || !*d || strcmp(d, "ai.onnx") == 0 ? "" : d;
}

const struct op_def *vn_op_find(const char *onnx, const char *domain)
{
    if (!onnx)
        return NULL;
    for (int i = 0; i < vn_ops_count; i++)
        if (strcmp(vn_ops[i]->onnx, onnx) == 0 &&
            strcmp(domain_or_default(vn_ops[i]->domain), domain_or_default(domain)) == 0)
            return vn_ops[i];
    return NULL;
}

void vn_op_defaults(const struct op_def *op, void *attrs)
{
    if (!op->attrs_size)
        return;
    memset(attrs, 0, op->attrs_size);
    for (const struct attr_spec *s = op->attrs; s && s->kind != ATTR_END; s++) {
        void *field = (char *)attrs + s->offset;
        switch (s->kind) {
        case ATTR_INT: *(int64_t *)field = (int64_t)s->def; break;
        case ATTR_FLOAT: *(float *)field = (float)s->def; break;
        case ATTR_ENUM: *(int *)field = (int)s->def; break;
        default: break;
        }
    }
}

int vn_node_attr_int(const struct node *n, const char *onnx, int64_t *x)
{
    for (const struct attr_spec *a = n->op->attrs; a && a->kind != ATTR_END; a++)
        if (a->kind == ATTR_INT && !strcmp(a->onnx, onnx)) {
            *x = *(const int64_t *)((const char *)n->attrs + a->offset);
            return 1;
        }
    return 0;
}

int vn_node_fail(const struct node *n, struct vn_err *e, int code, const char *fmt, ...)
{
    char text[900];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return vn_fail(e, code, "%s: %s", n->name ? n->name : n->op->onnx, text);
}

void vn_node_out(struct node *n, int i, enum vn_dtype t, const struct vn_shape *s)
{
    if (i >= n->n_out || !n->out[i])
        return;
    n->out[i]->dtype = t;
    n->out[i]->shape = *s;
}

/* Few enough elements for 32-bit arithmetic, also when a dimension of 0 hides the others. */
static int shape_fits(const struct vn_shape *s)
{
    int64_t product = 1;
    for (int d = 0; d < s->rank; d++) {
        if (s->d[d] < 0 || s->d[d] > INT32_MAX)
            return 0;
        product *= s->d[d] ? s->d[d] : 1;
        if (product > INT32_MAX)
            return 0;
    }
    return 1;
}

int vn_infer_out(struct node *n, int i, enum vn_dtype t, const struct vn_shape *s, struct vn_err *e)
{
    if (!shape_fits(s)) {
        char text[VN_SHAPE_TEXT];
        return vn_node_fail(n, e, VN_E_UNSUPPORTED,
                            "output %d would be %s; a tensor has at most 2^31 - 1 elements", i,
                            vn_shape_text(s, text));
    }
    vn_node_out(n, i, t, s);
    return VN_OK;
}

int vn_infer_begin(const struct node *n, struct vn_err *e)
{
    int min_out = n->op->min_out ? n->op->min_out : 1;
    if (n->n_in < n->op->min_in || (n->op->max_in >= 0 && n->n_in > n->op->max_in))
        return vn_node_fail(n, e, VN_E_INPUT, "%s requires %d to %d inputs, got %d", n->op->onnx,
                            n->op->min_in, n->op->max_in, n->n_in);
    if (n->n_out < min_out || n->n_out > (n->op->max_out ? n->op->max_out : min_out))
        return vn_node_fail(n, e, VN_E_INPUT, "%s requires %d to %d outputs, got %d", n->op->onnx, min_out,
                            n->op->max_out ? n->op->max_out : min_out, n->n_out);
    for (int i = 0; i < n->n_in; i++) {
        const struct value *v = n->in[i];
        if (!v && i < n->op->min_in)
            return vn_node_fail(n, e, VN_E_INPUT, "input %d of %s is missing", i, n->op->onnx);
        if (!v)
            continue;
        if (v->shape.rank > VN_MAX_RANK || !vn_shape_is_static(&v->shape)) {
            char text[VN_SHAPE_TEXT];
            return vn_node_fail(n, e, VN_E_UNSUPPORTED,
                                "the shape of %s is unknown (%s); set input shapes without free dimensions",
                                v->name, vn_shape_text(&v->shape, text));
        }
        if (!shape_fits(&v->shape))
            return vn_node_fail(n, e, VN_E_UNSUPPORTED,
                                "%s is too large; a tensor has at most 2^31 - 1 elements", v->name);
        if (v->data && vn_shape_count(&v->data->shape) != vn_shape_count(&v->shape))
            return vn_node_fail(n, e, VN_E_INPUT, "constant %s does not match its declared shape", v->name);
    }
    if (!n->out[0])
        return vn_node_fail(n, e, VN_E_INPUT, "output 0 of %s is missing", n->op->onnx);
    return VN_OK;
}

int vn_infer_float(const struct node *n, int i, struct vn_err *e)
{
    if (vn_node_has(n, i) && !vn_dtype_is_float(n->in[i]->dtype))
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "%s is %s; %s requires floating point here",
                            n->in[i]->name, vn_dtype_name(n->in[i]->dtype), n->op->onnx);
    return VN_OK;
}

/* The constant behind input i, checked to be integers in one dimension or none. */
static int constant_ints(const struct node *n, int i, const char *what, const struct vn_tensor **t,
                         struct vn_err *e)
{
    if (!vn_node_has(n, i))
        return vn_node_fail(n, e, VN_E_INPUT, "%s is missing", what);
    const struct value *v = n->in[i];
    if (!v->data)
        return NODE_COMPUTED(n, e, "%s (%s) is computed at run time, expected a constant; simplify the model",
                             what, v->name);
    if (v->data->shape.rank > 1 || vn_dtype_is_float(v->data->dtype))
        return vn_node_fail(n, e, VN_E_INPUT, "%s (%s) must be a list of integers", what, v->name);
    *t = v->data;
    return VN_OK;
}

int vn_node_ints(const struct node *n, int i, const char *what, struct ints *out, struct vn_arena *a,
                 struct vn_err *e)
{
    const struct vn_tensor *t;
    TRY(constant_ints(n, i, what, &t, e));
    int64_t count = vn_shape_count(&t->shape);
    if (count < 0 || count > INT32_MAX)
        return vn_node_fail(n, e, VN_E_INPUT, "%s has too many entries", what);
    int64_t *v = NEW_ARRAY(a, int64_t, count);
    for (int64_t k = 0; k < count; k++)
        v[k] = vn_tensor_i64(t, k);
    out->n = (int)count;
    out->v = v;
    return VN_OK;
}

int vn_node_list(const struct node *n, int i, const char *what, int64_t *v, int max, struct vn_err *e)
{
    const struct vn_tensor *t;
    TRY(constant_ints(n, i, what, &t, e));
    int64_t count = vn_shape_count(&t->shape);
    if (count < 0 || count > max)
        return vn_node_fail(n, e, VN_E_INPUT, "%s has %lld entries, expected at most %d", what,
                            (long long)count, max);
    for (int k = 0; k < count; k++)
        v[k] = vn_tensor_i64(t, k);
    return (int)count;
}

int vn_node_axes(const struct node *n, int i, int rank, uint32_t *mask, struct vn_err *e)
{
    int64_t v[VN_MAX_RANK];
    int count = vn_node_list(n, i, "axes", v, VN_MAX_RANK, e);
    TRY(count);
    *mask = 0;
    for (int k = 0; k < count; k++) {
        if (v[k] < -rank || v[k] >= rank)
            return vn_node_fail(n, e, VN_E_INPUT, "axis %lld is out of range [%d, %d]", (long long)v[k],
                                -rank, rank - 1);
        uint32_t bit = 1u << (v[k] < 0 ? v[k] + rank : v[k]);
        if (*mask & bit)
            return vn_node_fail(n, e, VN_E_INPUT, "duplicate axis %lld", (long long)v[k]);
        *mask |= bit;
    }
    return VN_OK;
}

int vn_infer_most(const struct node *n, int64_t elements, int64_t most, struct vn_err *e)
{
    return elements <= most ? VN_OK
                            : vn_node_fail(n, e, VN_E_UNSUPPORTED,
                                           "one result is made of %lld elements; at most %lld are supported",
                                           (long long)elements, (long long)most);
}

int vn_infer_same(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    return vn_infer_out(n, 0, n->in[0]->dtype, &n->in[0]->shape, e);
}

int vn_infer_same_float(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    TRY(vn_infer_float(n, 0, e));
    return vn_infer_same(n, e);
}

int vn_infer_compare(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_broadcast(n, e));
    n->out[0]->dtype = VN_BOOL;
    return VN_OK;
}

int vn_infer_whole(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_broadcast(n, e));
    if (vn_dtype_is_float(n->in[0]->dtype))
        return vn_node_fail(n, e, VN_E_INPUT, "%s is %s; %s requires integers", n->in[0]->name,
                            vn_dtype_name(n->in[0]->dtype), n->op->onnx);
    return VN_OK;
}

int vn_infer_broadcast(struct node *n, struct vn_err *e)
{
    TRY(vn_infer_begin(n, e));
    struct vn_shape s = n->in[0]->shape;
    for (int i = 1; i < n->n_in; i++) {
        struct vn_shape left = s;
        if (n->in[i]->dtype != n->in[0]->dtype)
            return vn_node_fail(n, e, VN_E_INPUT, "%s is %s, %s is %s", n->in[0]->name,
                                vn_dtype_name(n->in[0]->dtype), n->in[i]->name,
                                vn_dtype_name(n->in[i]->dtype));
        if (vn_shape_broadcast(&s, &left, &n->in[i]->shape, e) < 0)
            return vn_because(e, REASON_misfit, e ? vn_fail_at(e, "%s", n->name) : VN_E_INPUT);
    }
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}
