/* Tensors that lie in the memory of another. A copy of a whole tensor into a stretch of another one (Concat,
 * Reshape), or of a stretch into a whole one (Slice, Split), moves nothing where both have that stretch as
 * their memory. Tensors that share memory so are a block, the size of the one that contains all of them. */
#include "compile/compile.h"

/* An instruction that changes bytes [from, to) of a block. */
struct write {
    int at; /* -1: the caller, before the first instruction */
    uint64_t from, to;
    int next; /* of this block; -1: the last */
};

struct placement {
    const struct prog *p;
    struct prog_view *of;
    VEC(struct write) writes;
    int *first; /* of the tensor that contains a block: what is written there; -1: nothing */
    int *writers; /* of each tensor */
};

/* Elements [from, from + n) of one tensor become [to, to + n) of another. */
struct stretch {
    int64_t from, to, n;
};

static size_t element(const struct prog *p, int t) { return vn_dtype_size(p->tensors.v[t].dtype); }

static int is_stretch(const struct prog_instr *i, struct stretch *s)
{
    const struct instr_COPY *c = i->params;
    if (i->op != OPCODE_COPY || c->rank > 1 ||
        (c->rank && c->dims[0] > 1 && (c->src_stride[0] != 1 || c->dst_stride[0] != 1)))
        return 0;
    *s = (struct stretch){ c->src, c->dst, c->rank ? c->dims[0] : 1 };
    return s->n > 0;
}

/* ---- what is written where ---- */

static void add_write(struct placement *b, int t, int at, uint64_t from, uint64_t to)
{
    const struct write w = { at, from, to, b->first[t] };
    b->first[t] = b->writes.n;
    b->writers[t]++;
    VEC_PUSH(b->p->arena, &b->writes, w);
}

static void add_instruction(struct placement *b, int at)
{
    const struct prog_instr *i = &b->p->instrs.v[at];
    const struct instr_COPY *c = i->params;
    const size_t size = element(b->p, i->out);
    if (i->op != OPCODE_COPY) {
        add_write(b, i->out, at, 0, b->p->tensors.v[i->out].bytes);
        return;
    }
    int64_t lo = c->dst, hi = c->dst;
    for (int d = 0; d < c->rank; d++)
        *(c->dst_stride[d] < 0 ? &lo : &hi) += (c->dims[d] - 1) * (int64_t)c->dst_stride[d];
    add_write(b, i->out, at, (uint64_t)lo * size, (uint64_t)(hi + 1) * size);
}

/* Does anything but instruction `own` change [from, to) of the block of t, later than `after`? */
static int is_written(const struct placement *b, int t, uint64_t from, uint64_t to, int own, int after)
{
    for (int k = b->first[t]; k >= 0; k = b->writes.v[k].next) {
        const struct write *w = &b->writes.v[k];
        if (w->at != own && w->at > after && w->from < to && from < w->to)
            return 1;
    }
    return 0;
}

/* ---- blocks grow ---- */

static int is_whole(const struct placement *b, int t) { return b->of[t].in == t; }

static struct prog_view view_of(const struct placement *b, int t)
{
    struct prog_view v = { t, 0 };
    for (; !is_whole(b, v.in); v.in = b->of[v.in].in)
        v.at += b->of[v.in].at;
    return v;
}

/* Block t lies from now on at `at` in block `in`; the copy moves nothing any more. */
static void join(struct placement *b, int t, int in, uint64_t at, int copy)
{
    int k = b->first[t], last = -1;
    for (; k >= 0; last = k, k = b->writes.v[k].next)
        b->writes.v[k].from += at, b->writes.v[k].to += at;
    if (last >= 0) {
        b->writes.v[last].next = b->first[in];
        b->first[in] = b->first[t];
    }
    for (k = b->first[in]; k >= 0; k = b->writes.v[k].next)
        if (b->writes.v[k].at == copy)
            b->writes.v[k].to = b->writes.v[k].from;
    b->of[t] = (struct prog_view){ in, at };
}

/* The whole of y comes from x, which nothing changes there afterwards. */
static int lies_in_source(struct placement *b, const struct prog_instr *i, const struct stretch *s, int at)
{
    const int x = i->in[0], y = i->out;
    const uint64_t size = element(b->p, x), bytes = b->p->tensors.v[y].bytes;
    const struct prog_view v = view_of(b, x);
    const uint64_t from = v.at + (uint64_t)s->from * size;
    if (s->to || (uint64_t)s->n * size != bytes || !is_whole(b, y) || b->writers[y] != 1 || v.in == y ||
        is_written(b, v.in, from, from + bytes, at, at))
        return 0;
    join(b, y, v.in, from, at);
    return 1;
}

/* The whole of x, and of the block where it lies, goes into y, where nothing else writes. */
static int lies_in_result(struct placement *b, const struct prog_instr *i, const struct stretch *s, int at)
{
    const int y = i->out, x = view_of(b, i->in[0]).in;
    const uint64_t size = element(b->p, y), bytes = b->p->tensors.v[x].bytes;
    const struct prog_view v = view_of(b, y);
    const uint64_t to = v.at + (uint64_t)s->to * size;
    if (s->from || (uint64_t)s->n * size != bytes || v.in == x ||
        is_written(b, v.in, to, to + bytes, at, -2) || is_written(b, x, 0, bytes, at, at))
        return 0;
    join(b, x, v.in, to, at);
    return 1;
}

static struct placement begin(const struct prog *p, struct prog_view *of)
{
    struct placement b = { .p = p, .of = of };
    b.first = NEW_ARRAY(p->arena, int, p->tensors.n);
    b.writers = NEW_ARRAY(p->arena, int, p->tensors.n);
    for (int t = 0; t < p->tensors.n; t++) {
        of[t] = (struct prog_view){ t, 0 };
        b.first[t] = -1;
    }
    for (int i = 0; i < p->inputs.n; i++)
        add_write(&b, p->inputs.v[i].tensor, -1, 0, p->tensors.v[p->inputs.v[i].tensor].bytes);
    for (int i = 0; i < p->instrs.n; i++)
        add_instruction(&b, i);
    return b;
}

static int is_in_memory(const struct prog *p, int t) { return p->tensors.v[t].place == BIN_ARENA; }

void vn_compile_views(const struct prog *p, struct prog_view *of)
{
    struct placement b = begin(p, of);
    for (int at = 0; at < p->instrs.n; at++) {
        const struct prog_instr *i = &p->instrs.v[at];
        struct stretch s;
        if (is_stretch(i, &s) && is_in_memory(p, i->in[0]) && is_in_memory(p, i->out) &&
            element(p, i->in[0]) == element(p, i->out) && !lies_in_source(&b, i, &s, at))
            lies_in_result(&b, i, &s, at);
    }
    for (int t = 0; t < p->tensors.n; t++)
        of[t] = view_of(&b, t);
}
