/* ops/portable_op.c - nodes that run as portable kernels. */
#include "ops/portable_op.h"

#include "format/numbers.h"
#include "kernels/portable/window.h"

/* ---- reference ---- */

static void view(struct vn_cells *c, const struct vn_tensor *t)
{
    static int64_t nothing;
    *c = (struct vn_cells){ VN_I64, 1, { 0 }, 0, &nothing };
    if (!t)
        return;
    *c = (struct vn_cells){ t->dtype, t->shape.rank, { 0 }, vn_shape_count(&t->shape), t->data };
    memcpy(c->d, t->shape.d, sizeof c->d);
}

int vn_portable_eval(const struct node *n, const struct portable_params *p, struct vn_arena *a, int n_in,
                     const struct vn_tensor *const *in, struct vn_tensor *out, struct vn_err *e)
{
    struct vn_portable_args args = { .n_in = n_in };
    const struct vn_portable *call = vn_portables[p->id];
    if (n_in > VN_PORTABLE_IN)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "%d inputs, expected at most %d", n_in, VN_PORTABLE_IN);
    for (int i = 0; i < n_in; i++)
        view(&args.in[i], in[i]);
    view(&args.out, out);
    memcpy(args.i, p->i, sizeof args.i);
    memcpy(args.f, p->f, sizeof args.f);
    const char *wrong = call->check(&args);
    if (wrong)
        return vn_node_fail(n, e, VN_E_INTERNAL, "%s", wrong);
    args.scratch = call->scratch ? NEW_ARRAY(a, int64_t, call->scratch(&args)) : NULL;
    wrong = call->run(&args);
    if (wrong)
        return vn_node_fail(n, e, VN_E_INPUT, "%s", wrong);
    memcpy(out->shape.d, args.out.d, sizeof out->shape.d);
    return VN_OK;
}

int vn_eval_portable(const struct node *n, const struct eval *ev, struct vn_err *e)
{
    struct portable_params p = { 0 };
    n->op->portable(n, &p);
    return vn_portable_eval(n, &p, ev->arena, p.n_in ? p.n_in : n->n_in, ev->in, ev->out[0], e);
}

/* ---- programs ---- */

int vn_portable_emit(struct lowering *l, const struct portable_params *p, int n_in, const int *in, int out,
                     struct vn_err *e)
{
    struct vn_portable_args args = { .n_in = n_in };
    const struct vn_portable *call = vn_portables[p->id];
    int all[VN_PORTABLE_IN + 1];
    if (n_in > VN_PORTABLE_IN)
        return vn_node_fail(l->node, e, VN_E_UNSUPPORTED, "%d inputs, expected at most %d", n_in,
                            VN_PORTABLE_IN);
    for (int i = 0; i <= n_in; i++) {
        if (i < n_in)
            all[i] = in[i] >= 0 ? in[i] : vn_low_const(l, VN_I64, 0, NULL);
        const struct prog_tensor *t = vn_low_tensor(l, i < n_in ? all[i] : out);
        const struct vn_tensor cells = { t->dtype, t->shape, NULL };
        view(i < n_in ? &args.in[i] : &args.out, &cells);
    }
    memcpy(args.i, p->i, sizeof args.i);
    memcpy(args.f, p->f, sizeof args.f);
    const char *wrong = call->check(&args);
    if (wrong)
        return l->node ? vn_node_fail(l->node, e, VN_E_INTERNAL, "%s", wrong)
                       : vn_fail(e, VN_E_INTERNAL, "%s", wrong);
    if (call->scratch) {
        const struct vn_shape s = { .rank = 1, .d = { call->scratch(&args) } };
        all[n_in++] = vn_low_temp(l, VN_I64, &s, PLAIN, 0, 0);
    }
    struct instr_PORTABLE *q = vn_low_emit(l, OPCODE_PORTABLE, n_in, all, out);
    q->function = (int32_t)p->id;
    q->scratch = call->scratch != NULL;
    memcpy(q->i, p->i, sizeof q->i);
    memcpy(&q->f0, p->f, sizeof p->f);
    return VN_OK;
}

int vn_low_portable(const struct node *n, struct lowering *l, struct vn_err *e)
{
    struct portable_params p = { 0 };
    int in[VN_PORTABLE_IN];
    n->op->portable(n, &p);
    const int n_in = p.n_in ? p.n_in : n->n_in;
    for (int i = 0; i < n_in && i < VN_PORTABLE_IN; i++)
        in[i] = n->in[i] ? vn_low_in(l, i, PLAIN) : -1;
    return vn_portable_emit(l, &p, n_in, in, vn_low_out(l, PLAIN), e);
}

int vn_low_cast(struct lowering *l, int from, int out, enum vn_dtype to, struct vn_err *e)
{
    const struct portable_params p = { .id = VN_PORTABLE_cast, .i = { to } };
    return vn_portable_emit(l, &p, 1, &from, out, e);
}

int vn_low_portable_binary(const struct node *n, struct lowering *l, int op, struct vn_err *e)
{
    const struct portable_params p = { .id = VN_PORTABLE_binary, .i = { op, n->in[0]->dtype } };
    const int in[2] = { vn_low_in(l, 0, PLAIN), vn_low_in(l, 1, PLAIN) };
    return vn_portable_emit(l, &p, 2, in, vn_low_out(l, PLAIN), e);
}

int vn_low_compare(const struct node *n, struct lowering *l, int op, struct vn_err *e)
{
    if (!l->integer)
        return vn_low_portable_binary(n, l, op, e);
    const struct qparam *a = n->in[0]->q, *b = n->in[1]->q;
    const struct portable_params p = { .id = VN_PORTABLE_compare,
                                       .i = { op, a->zero[0], b->zero[0] },
                                       .f = { a->scale[0], b->scale[0] } };
    const int in[2] = { vn_low_in(l, 0, PLAIN), vn_low_in(l, 1, PLAIN) };
    return vn_portable_emit(l, &p, 2, in, vn_low_out(l, PLAIN), e);
}

void vn_portable_put_window(struct portable_params *p, const struct window *w)
{
    p->i[VN_CW_RANK] = w->rank;
    for (int k = 0; k < w->rank; k++) {
        p->i[VN_CW_STRIDE + k] = (int32_t)w->stride[k];
        p->i[VN_CW_DILATION + k] = (int32_t)w->dilation[k];
        p->i[VN_CW_PAD + k] = (int32_t)w->pad_begin[k];
        p->i[VN_CW_KERNEL + k] = (int32_t)w->kernel[k];
        p->i[VN_CW_PAD_END + k] = (int32_t)w->pad_end[k];
    }
}
