/* Fusion on the program: a convolution takes in the Add and the clamp behind it: a residual, or a constant
 * for each channel. Neither changes a result: the convolution's own value is still rounded first, and a clamp
 * of integers commutes with saturation. The tensors in between are kept as BIN_HIDDEN records, so that an
 * observer can still see them. */
#include <math.h>

#include "compile/compile.h"

enum kind { NO_CONV, CONV_INT8, CONV_INT16, CONV_FLOAT };

static enum kind conv_kind(const struct prog_instr *i)
{
    switch (i->op) {
    case OPCODE_CONV_S8:
    case OPCODE_DWCONV_S8: return CONV_INT8;
    case OPCODE_CONV_S16:
    case OPCODE_DWCONV_S16: return CONV_INT16;
    case OPCODE_CONV_F32:
    case OPCODE_DWCONV_F32: return CONV_FLOAT;
    default: return NO_CONV;
    }
}

struct uses {
    int count, last; /* readers, and the last of them; program outputs count */
};

static void count_uses(const struct prog *p, struct uses *u)
{
    for (int i = 0; i < p->instrs.n; i++)
        for (int k = 0; k < p->instrs.v[i].n_in; k++) {
            u[p->instrs.v[i].in[k]].count++;
            u[p->instrs.v[i].in[k]].last = i;
        }
    for (int i = 0; i < p->outputs.n; i++)
        u[p->outputs.v[i].tensor].count += 2;
}

/* An instruction that another one has taken in. */
static int is_gone(const struct prog_instr *i) { return i->out < 0; }
static void remove_instr(struct prog *p, int at) { p->instrs.v[at].out = -1; }

static void close_gaps(struct prog *p)
{
    int n = 0;
    for (int i = 0; i < p->instrs.n; i++)
        if (!is_gone(&p->instrs.v[i]))
            p->instrs.v[n++] = p->instrs.v[i];
    p->instrs.n = n;
}

/* The hidden ids of a convolution; sum NULL: it takes no residual. */
struct hidden {
    int *conv, *sum;
};

static struct hidden hidden_of(struct prog_instr *c)
{
    struct instr_CONV_S8 *s8 = c->params;
    struct instr_CONV_S16 *s16 = c->params;
    struct instr_CONV_F32 *f32 = c->params;
    switch (conv_kind(c)) {
    case CONV_INT8: return (struct hidden){ &s8->hidden_conv, &s8->hidden_sum };
    case CONV_INT16: return (struct hidden){ &s16->hidden_conv, NULL };
    default: return (struct hidden){ &f32->hidden_conv, &f32->hidden_sum };
    }
}

static int has_residual(const struct prog_instr *c)
{
    static const int inputs[] = { [CONV_INT8] = 6, [CONV_FLOAT] = 4 };
    return conv_kind(c) != CONV_INT16 && c->n_in == inputs[conv_kind(c)];
}

static int clamped(const struct prog_instr *c)
{
    const struct instr_CONV_S8 *s8 = c->params;
    const struct instr_CONV_S16 *s16 = c->params;
    const struct instr_CONV_F32 *f32 = c->params;
    switch (conv_kind(c)) {
    case CONV_INT8: return s8->lo != INT8_MIN || s8->hi != INT8_MAX;
    case CONV_INT16: return s16->lo != INT16_MIN || s16->hi != INT16_MAX;
    default: return f32->lo != -INFINITY || f32->hi != INFINITY;
    }
}

static void hide(struct prog *p, struct prog_instr *c, int *id, int new_out)
{
    p->tensors.v[c->out].place = BIN_HIDDEN;
    *id = c->out;
    c->out = new_out;
}

/* Bounds of a clamp for the convolution that makes t; 0: it is none, or between other parameters. */
static int take_bounds(struct prog_instr *c, const struct prog_instr *clamp, const struct prog_tensor *t,
                       const struct prog_tensor *y)
{
    const enum kind kind = conv_kind(c);
    const int same = t->dtype == y->dtype && t->scale == y->scale && t->zero == y->zero;
    if (t->layout != y->layout)
        return 0;
    if (kind == CONV_INT8 && clamp->op == OPCODE_CLAMP_S8 && same) {
        const struct instr_CLAMP_S8 *q = clamp->params;
        struct instr_CONV_S8 *s = c->params;
        s->lo = q->lo, s->hi = q->hi;
    } else if (kind == CONV_INT16 && clamp->op == OPCODE_RESCALE && same) {
        const struct instr_RESCALE *q = clamp->params;
        struct instr_CONV_S16 *s = c->params;
        s->lo = q->lo, s->hi = q->hi;
    } else if (kind == CONV_FLOAT && clamp->op == OPCODE_CLAMP_F32) {
        const struct instr_CLAMP_F32 *q = clamp->params;
        struct instr_CONV_F32 *s = c->params;
        s->lo = q->lo, s->hi = q->hi;
    } else
        return 0;
    return 1;
}

static void fuse_clamp(struct prog *p, int at, const struct uses *u)
{
    struct prog_instr *c = &p->instrs.v[at];
    const struct hidden h = hidden_of(c);
    if (u[c->out].count != 1 || clamped(c) || (h.sum && *h.sum >= 0) || (*h.conv >= 0 && !has_residual(c)))
        return;
    const int user = u[c->out].last;
    const struct prog_instr *k = &p->instrs.v[user];
    if (!take_bounds(c, k, &p->tensors.v[c->out], &p->tensors.v[k->out]))
        return;
    hide(p, c, has_residual(c) ? h.sum : h.conv, k->out);
    remove_instr(p, user);
}

static int is_plain_add(const struct prog *p, const struct prog_instr *add, int t)
{
    const int s8 = add->op == OPCODE_BINARY_S8;
    if ((!s8 && add->op != OPCODE_BINARY_F32) || *(const int32_t *)add->params != VN_BIN_ADD ||
        add->in[0] == add->in[1])
        return 0;
    const struct prog_tensor *a = &p->tensors.v[add->in[0]], *b = &p->tensors.v[add->in[1]],
                             *y = &p->tensors.v[add->out];
    const struct prog_tensor *x = &p->tensors.v[t];
    return vn_shape_equal(&a->shape, &b->shape) && vn_shape_equal(&a->shape, &y->shape) &&
           a->layout == b->layout && a->layout == y->layout && a->dtype == b->dtype && a->dtype == y->dtype &&
           x->dtype == a->dtype && a->place != BIN_CONST && b->place != BIN_CONST;
}

static int64_t channels_of(const struct prog_instr *c)
{
    return ((const struct instr_CONV_F32 *)c->params)->k;
}

/* The walk of an Add: dimensions in memory order, the strides of its operands. */
struct add_walk {
    int rank;
    const int32_t *dims, *stride[2];
};

static struct add_walk walk_of(const struct prog_instr *add)
{
    const struct instr_BINARY_F32 *f = add->params;
    const struct instr_BINARY_S8 *q = add->params;
    return add->op == OPCODE_BINARY_F32 ? (struct add_walk){ f->rank, f->dims, { f->a_stride, f->b_stride } }
                                        : (struct add_walk){ q->rank, q->dims, { q->a_stride, q->b_stride } };
}

/* A constant with one element for each channel of t, which convolution c makes. */
static int is_channel_add(const struct prog *p, const struct prog_instr *c, const struct prog_instr *add)
{
    if ((add->op != OPCODE_BINARY_S8 && add->op != OPCODE_BINARY_F32) ||
        *(const int32_t *)add->params != VN_BIN_ADD)
        return 0;
    const int own = add->in[1] == c->out, k = (int)channels_of(c);
    const struct prog_tensor *t = &p->tensors.v[c->out], *y = &p->tensors.v[add->out],
                             *r = &p->tensors.v[add->in[!own]];
    const struct add_walk w = walk_of(add);
    const int64_t pixels = vn_shape_count(&t->shape) / k;
    const int last = w.rank - 1;
    return k > 1 && r->place == BIN_CONST && vn_shape_count(&r->shape) == k && t->dtype == r->dtype &&
           t->dtype == y->dtype && vn_shape_count(&y->shape) == pixels * k &&
           w.rank == (pixels > 1 ? 2 : 1) && w.dims[last] == k && w.stride[own][last] == 1 &&
           w.stride[!own][last] == 1 && (pixels == 1 || (w.stride[own][0] == k && w.stride[!own][0] == 0));
}

static void fuse_residual(struct prog *p, int at, const struct uses *u)
{
    struct prog_instr *c = &p->instrs.v[at];
    const struct hidden h = hidden_of(c);
    if (u[c->out].count != 1 || !h.sum || has_residual(c) || *h.conv >= 0 || clamped(c))
        return;
    const int user = u[c->out].last, t = c->out;
    if (conv_kind(c) == CONV_INT8 && p->tensors.v[t].dtype != VN_I8) /* leaves in float32 */
        return;
    const struct prog_instr add = p->instrs.v[user];
    if (!is_plain_add(p, &add, t) && !is_channel_add(p, c, &add))
        return;
    struct prog_instr fused = *c;
    const int other = add.in[0] == t ? add.in[1] : add.in[0];
    fused.in = NEW_ARRAY(p->arena, int, c->n_in + 1);
    memcpy(fused.in, c->in, (size_t)c->n_in * sizeof *c->in);
    fused.in[fused.n_in++] = other;
    if (conv_kind(&fused) == CONV_INT8) {
        struct instr_CONV_S8 *q = fused.params;
        q->mid_scale = p->tensors.v[t].scale;
        q->mid_zero = p->tensors.v[t].zero;
        q->residual_first = add.in[1] == t;
    }
    hide(p, &fused, h.conv, add.out);
    p->instrs.v[user] = fused; /* where the add was: its other operand exists there */
    remove_instr(p, at);
}

/* One count serves all: what a fusion changes of it, no later fusion reads. */
static void run(struct prog *p, void (*fuse)(struct prog *p, int at, const struct uses *u))
{
    struct uses *u = NEW_ARRAY(p->arena, struct uses, p->tensors.n);
    count_uses(p, u);
    for (int i = 0; i < p->instrs.n; i++)
        if (!is_gone(&p->instrs.v[i]) && conv_kind(&p->instrs.v[i]) != NO_CONV)
            fuse(p, i, u);
    close_gaps(p);
}

void vn_compile_fuse(struct prog *p, int level)
{
    if (level >= 2) /* residual adds first: the clamp behind them follows */
        run(p, fuse_residual);
    if (level >= 1)
        run(p, fuse_clamp);
}
