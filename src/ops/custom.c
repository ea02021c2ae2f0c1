/* ops/custom.c - nodes of types that the user's libraries define (vernier/custom_op.h). They compute in
 * float32, here as well as in programs: by the same function. */
#include <vernier/custom_op.h>

#include "ops/lower.h"

static const struct custom_attrs *attrs_of(const struct node *n) { return n->attrs; }

/* A node's call without data; *in and *out have room for all that it may have. */
static struct vn_custom_call call_of(const struct node *n, struct vn_custom_tensor *in,
                                     struct vn_custom_tensor *out)
{
    const struct custom_attrs *p = attrs_of(n);
    for (int i = 0; i < n->n_in; i++) {
        in[i] = (struct vn_custom_tensor){ .rank = -1 };
        if (!n->in[i])
            continue;
        in[i].dtype = vn_low_cell(n->in[i]->dtype);
        in[i].rank = n->in[i]->shape.rank;
        memcpy(in[i].shape, n->in[i]->shape.d, sizeof in[i].shape);
    }
    for (int i = 0; i < n->n_out; i++)
        out[i] = (struct vn_custom_tensor){ .dtype = VN_F32 };
    return (struct vn_custom_call){ .task = VN_CUSTOM_SHAPES,
                                    .n_in = n->n_in,
                                    .n_out = n->n_out,
                                    .in = in,
                                    .out = out,
                                    .domain = p->domain,
                                    .type = p->type,
                                    .node = n->name,
                                    .attributes = p->attributes };
}

static int call(const struct node *n, struct vn_custom_call *c, struct vn_err *e)
{
    vn_custom_fn *fn = vn_custom_find(c->type);
    if (!fn)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "no loaded library implements custom operator %s",
                            c->type);
    const int status = fn(c);
    c->why[sizeof c->why - 1] = 0;
    return !status ? VN_OK
                   : vn_node_fail(n, e, VN_E_INPUT, "custom operator %s: %s", c->type,
                                  *c->why ? c->why : "it failed");
}

static int infer_result(struct node *n, int i, const struct vn_custom_tensor *t, struct vn_err *e)
{
    struct vn_shape s = { .rank = t->rank };
    int wrong = (t->dtype != VN_F32 && t->dtype != VN_I64) || t->rank < 0 || t->rank > VN_MAX_RANK;
    for (int k = 0; k < t->rank && !wrong; k++)
        wrong |= (s.d[k] = t->shape[k]) < 0;
    if (wrong)
        return vn_node_fail(n, e, VN_E_INPUT,
                            "custom operator %s: output %d has an invalid type, rank or shape",
                            attrs_of(n)->type, i);
    return vn_infer_out(n, i, t->dtype, &s, e);
}

static int infer(struct node *n, struct vn_err *e)
{
    struct vn_custom_tensor in[VN_CUSTOM_MAX_IN], out[VN_CUSTOM_MAX_OUT];
    TRY(vn_infer_begin(n, e));
    struct vn_custom_call c = call_of(n, in, out);
    TRY(call(n, &c, e));
    for (int i = 0; i < n->n_out; i++)
        TRY(infer_result(n, i, &out[i], e));
    return VN_OK;
}

/* Cells of the reference executor as the function takes them. */
static void *narrowed(struct vn_arena *a, const struct vn_tensor *t)
{
    const int64_t count = vn_shape_count(&t->shape);
    if (t->dtype == VN_I64)
        return t->data;
    float *x = NEW_ARRAY(a, float, count);
    for (int64_t i = 0; i < count; i++)
        x[i] = (float)vn_f64(t)[i];
    return x;
}

static void widen(struct vn_tensor *y, const float *x)
{
    const int64_t count = vn_shape_count(&y->shape);
    for (int64_t i = 0; i < count; i++)
        vn_f64(y)[i] = (double)x[i];
}

static int eval(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    struct vn_custom_tensor in[VN_CUSTOM_MAX_IN], out[VN_CUSTOM_MAX_OUT];
    for (int port = 0; port < n->n_out; port++) {
        struct vn_tensor *y = ev->out[port];
        if (!y)
            continue;
        struct vn_custom_call c = call_of(n, in, out);
        c.task = VN_CUSTOM_RUN;
        for (int i = 0; i < n->n_in; i++)
            in[i].data = ev->in[i] ? narrowed(ev->arena, ev->in[i]) : NULL;
        float *x = y->dtype == VN_I64 ? NULL : NEW_ARRAY(ev->arena, float, vn_shape_count(&y->shape));
        out[port] = (struct vn_custom_tensor){ x ? VN_F32 : VN_I64, y->shape.rank, { 0 }, x ? x : y->data };
        memcpy(out[port].shape, y->shape.d, sizeof out[port].shape);
        TRY(call(n, &c, e));
        if (x)
            widen(y, x);
    }
    return VN_OK;
}

/* The constant that says which operator it is. */
static int name_constant(struct lowering *l, const struct custom_attrs *p)
{
    const char *text = vn_arena_fmt(l->scratch, "%s\n%s\n%s", p->domain, p->type, p->attributes);
    const size_t words = strlen(text) / sizeof(int32_t) + 1;
    char *padded = memset(NEW_ARRAY(l->scratch, char, words * sizeof(int32_t)), 0, words * sizeof(int32_t));
    memcpy(padded, text, strlen(text));
    return vn_low_const(l, VN_I32, (int64_t)words, padded);
}

static int lower(const struct node *n, struct lowering *l, struct vn_err *e)
{
    (void)e;
    int in[VN_CUSTOM_MAX_IN + 1], present = 0;
    for (int i = 0; i < n->n_in; i++) {
        in[i + 1] = n->in[i] ? vn_low_in(l, i, PLAIN) : vn_low_const(l, VN_I64, 0, NULL);
        present |= (n->in[i] != NULL) << i;
    }
    for (int i = 0; i < n->n_out; i++) {
        if (!n->out[i])
            continue;
        const int y = vn_low_out_at(l, i, PLAIN);
        in[0] = name_constant(l, attrs_of(n)); /* each instruction copies its own when it is loaded */
        struct instr_CUSTOM *q = vn_low_emit(l, OPCODE_CUSTOM, n->n_in + 1, in, y);
        *q = (struct instr_CUSTOM){ .n_out = n->n_out, .port = i, .present = present };
        vn_low_finish_at(l, i, y);
    }
    return VN_OK;
}

const struct op_def vn_op_custom = {
    .name = "custom",
    .onnx = CUSTOM_TYPE,
    .domain = CUSTOM_DOMAIN,
    .min_in = 0,
    .max_in = VN_CUSTOM_MAX_IN,
    .min_out = 1,
    .max_out = VN_CUSTOM_MAX_OUT,
    .attrs_size = sizeof(struct custom_attrs),
    .infer = infer,
    .eval = eval,
    .lower = lower,
    .lowers_all = 1,
};
