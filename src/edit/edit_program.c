/* Programs: a node at an edge is the instructions between its value and the one in front of it. The port
 * moves to the other value; what then leads to no output goes. */
#include "edit/edit.h"
#include "ops/lower.h"
#include "ops/walk.h"

enum { NONE = -1, SEVERAL = -2 };

struct scan {
    struct vn_arena *arena;
    struct prog *p;
    int *writer; /* by tensor: the instruction that writes it, NONE, SEVERAL */
};

static struct scan new_scan(struct vn_arena *a, struct prog *p)
{
    struct scan l = { a, p, NEW_ARRAY(a, int, p->tensors.n) };
    for (int t = 0; t < p->tensors.n; t++)
        l.writer[t] = NONE;
    for (int i = 0; i < p->instrs.n; i++)
        l.writer[p->instrs.v[i].out] = l.writer[p->instrs.v[i].out] == NONE ? i : SEVERAL;
    return l;
}

static struct prog_tensor *tensor(const struct prog *p, int t) { return &p->tensors.v[t]; }

static int same_value(const struct prog *p, int x, int y)
{
    return *tensor(p, x)->name && !strcmp(tensor(p, x)->name, tensor(p, y)->name);
}

static const struct prog_instr *writer_of(const struct scan *l, int t)
{
    return l->writer[t] < 0 ? NULL : &l->p->instrs.v[l->writer[t]];
}

/* The instruction that makes t of an earlier tensor of its value; NULL: there is none. */
static const struct prog_instr *conversion_to(const struct scan *l, int t)
{
    const struct prog_instr *i = writer_of(l, t);
    return i && i->n_in && same_value(l->p, i->in[0], t) && l->writer[i->in[0]] < l->writer[t] ? i : NULL;
}

static int is_port_of(const struct prog_io *io, int n, int t)
{
    for (int i = 0; i < n; i++)
        if (io[i].tensor == t)
            return 1;
    return 0;
}

static int is_output(const struct prog *p, int t) { return is_port_of(p->outputs.v, p->outputs.n, t); }
static int is_input(const struct prog *p, int t) { return is_port_of(p->inputs.v, p->inputs.n, t); }

/* How many ports carry the value of t. */
static int ports_with(const struct prog *p, const struct prog_io *io, int n, int t)
{
    int found = 0;
    for (int i = 0; i < n; i++)
        found += same_value(p, io[i].tensor, t);
    return found;
}

static int outputs_with(const struct prog *p, int t) { return ports_with(p, p->outputs.v, p->outputs.n, t); }

/* The only instruction that makes another value of the value of t; NONE, SEVERAL. */
static int sole_reader(const struct scan *l, int t)
{
    int found = NONE;
    for (int i = 0; i < l->p->instrs.n; i++) {
        const struct prog_instr *in = &l->p->instrs.v[i];
        int reads = 0;
        for (int k = 0; k < in->n_in; k++)
            reads |= same_value(l->p, in->in[k], t) && tensor(l->p, in->in[k])->role != VN_ROLE_CONST;
        if (reads && !same_value(l->p, in->out, t))
            found = found == NONE ? i : SEVERAL;
    }
    return found;
}

/* ---- which operator ---- */

static int is_turned(const struct prog *p, int t) { return vn_low_is_turned(tensor(p, t)); }

static int is_contiguous(const struct instr_COPY *c, int64_t count)
{
    return !c->src && !c->dst &&
           ((c->rank == 0 && count == 1) ||
            (c->rank == 1 && c->dims[0] == count && c->src_stride[0] == 1 && c->dst_stride[0] == 1));
}

/* Axes 0 to `done` of the output have been given axes of the input. */
struct permuting {
    const struct prog_tensor *x, *y;
    const struct instr_COPY *c;
    int64_t own[VN_MAX_RANK], from[VN_MAX_RANK], to[VN_MAX_RANK];
    int taken[VN_MAX_RANK];
};

static int is_walk_of(const struct instr_COPY *c, const struct joint_walk *w)
{
    int same = c->rank == w->rank && !c->src && !c->dst;
    for (int d = 0; same && d < w->rank; d++)
        same = c->dims[d] == w->d[d] && c->src_stride[d] == w->a[d] && c->dst_stride[d] == w->b[d];
    return same;
}

/* As deep as the rank: 8 at most. */
static int permutes(struct permuting *s, int done)
{
    struct joint_walk w;
    if (done == s->y->shape.rank) {
        vn_low_copy_walk(&w, done, s->y->shape.d, s->from, s->to);
        return is_walk_of(s->c, &w);
    }
    for (int k = 0; k < s->x->shape.rank; k++) {
        if (s->taken[k] || s->x->shape.d[k] != s->y->shape.d[done])
            continue;
        s->taken[k] = 1;
        s->from[done] = s->own[k];
        if (permutes(s, done + 1))
            return 1;
        s->taken[k] = 0;
    }
    return 0;
}

static int is_permutation(const struct prog *p, const struct prog_instr *i)
{
    struct permuting s = { .x = tensor(p, i->in[0]), .y = tensor(p, i->out), .c = i->params };
    if (s.x->shape.rank != s.y->shape.rank)
        return 0;
    vn_low_axis_strides(s.x, s.own);
    vn_low_axis_strides(s.y, s.to);
    return permutes(&s, 0);
}

/* enum vn_edge_type of an instruction that makes one value of another; -1: none of these. */
static int type_of(const struct prog *p, const struct prog_instr *i)
{
    const struct prog_tensor *x = tensor(p, i->in[0]), *y = tensor(p, i->out);
    const int64_t count = vn_shape_count(&x->shape);
    if (i->op == OPCODE_SOFTMAX)
        return VN_EDGE_SOFTMAX;
    if (i->op == OPCODE_PORTABLE)
        return ((const struct instr_PORTABLE *)i->params)->function == VN_PORTABLE_cast ? VN_EDGE_CAST : -1;
    if (i->op != OPCODE_COPY || count != vn_shape_count(&y->shape) || x->dtype != y->dtype)
        return -1;
    if (!is_turned(p, i->in[0]) && !is_turned(p, i->out) && is_contiguous(i->params, count))
        return vn_shape_equal(&x->shape, &y->shape) ? VN_EDGE_CAST : VN_EDGE_RESHAPE; /* to the same cells */
    return is_permutation(p, i) ? VN_EDGE_TRANSPOSE : -1;
}

/* One input that is not a constant, of a value: the node in front of which the network could begin or end. */
static int is_step(const struct scan *l, int instr, int t)
{
    const struct prog_instr *i = instr < 0 ? NULL : &l->p->instrs.v[instr];
    if (!i || !i->node || !i->n_in || l->writer[i->out] != instr || !*tensor(l->p, i->in[0])->name ||
        same_value(l->p, i->in[0], i->out) || !same_value(l->p, i->out, t) ||
        tensor(l->p, i->in[0])->place != BIN_ARENA)
        return 0;
    for (int k = 1; k < i->n_in; k++)
        if (tensor(l->p, i->in[k])->place != BIN_CONST)
            return 0;
    return 1;
}

/* ---- edges ---- */

static void add(const struct scan *l, struct edge_list *out, const struct vn_edge *x, int from, int to)
{
    struct vn_edge e = *x;
    e.from = tensor(l->p, from)->name;
    e.to = tensor(l->p, to)->name;
    VEC_PUSH(l->arena, &out->v, e);
}

static void add_conversion(const struct scan *l, struct edge_list *out, enum vn_edge_type type, int port,
                           int from, int quantized)
{
    const struct prog_tensor *q = tensor(l->p, quantized);
    const struct vn_edge x = { .name = vn_arena_fmt(l->arena, "%s_%sLinear", q->name, vn_edge_word(type)),
                               .type = type,
                               .at_input = type == VN_EDGE_QUANTIZE,
                               .port = port,
                               .dtype = q->dtype,
                               .scale = q->scale,
                               .zero = q->zero };
    add(l, out, &x, from, quantized);
}

/* The dequantization through which output t leaves; NULL: it leaves as it was computed. */
static const struct prog_instr *dequantization(const struct scan *l, int t)
{
    for (const struct prog_instr *i; (i = conversion_to(l, t)) != NULL; t = i->in[0]) {
        if (i->op == OPCODE_DEQUANTIZE)
            return i;
        if (tensor(l->p, t)->role == VN_ROLE_VALUE)
            return NULL;
    }
    return NULL;
}

/* The instruction of the node that computes the value of output t; NONE. */
static int last_step(const struct scan *l, int t)
{
    for (const struct prog_instr *i; (i = conversion_to(l, t)) != NULL;)
        t = i->in[0];
    return l->writer[t];
}

static void list_output(const struct scan *l, int port, struct edge_list *out)
{
    const int t = l->p->outputs.v[port].tensor;
    const struct prog_instr *dq = dequantization(l, t);
    if (dq) {
        add_conversion(l, out, VN_EDGE_DEQUANTIZE, port, t, dq->in[0]);
        return;
    }
    const int step = last_step(l, t);
    if (!is_step(l, step, t) || sole_reader(l, t) != NONE || outputs_with(l->p, t) != 1)
        return;
    const struct prog_instr *i = &l->p->instrs.v[step];
    const int type = type_of(l->p, i), x = i->in[0];
    if (type < 0 || outputs_with(l->p, x) || ports_with(l->p, l->p->inputs.v, l->p->inputs.n, x))
        return;
    add(l, out, &(struct vn_edge){ .name = i->node, .type = (enum vn_edge_type)type, .port = port }, t, x);
}

/* The only reader of tensor t itself; NONE, SEVERAL. */
static int reader_of(const struct scan *l, int t)
{
    int found = NONE;
    for (int i = 0; i < l->p->instrs.n; i++)
        for (int k = 0; k < l->p->instrs.v[i].n_in; k++)
            if (l->p->instrs.v[i].in[k] == t)
                found = found == NONE ? i : SEVERAL;
    return found;
}

/* The QUANTIZE that alone reads t, or t in another layout; NONE. */
static int quantize_of(const struct scan *l, int t)
{
    int at = reader_of(l, t);
    while (at >= 0 && l->p->instrs.v[at].op == OPCODE_COPY && same_value(l->p, l->p->instrs.v[at].out, t))
        at = reader_of(l, l->p->instrs.v[at].out);
    return at >= 0 && l->p->instrs.v[at].op == OPCODE_QUANTIZE ? at : NONE;
}

/* Is x made from input t without a quantization? */
static int is_given(const struct scan *l, int x, int t)
{
    for (const struct prog_instr *i; x != t; x = i->in[0]) {
        i = conversion_to(l, x);
        if (!i || (i->op != OPCODE_COPY && i->op != OPCODE_PORTABLE))
            return 0;
    }
    return 1;
}

/* What can be given in place of what the node computes: the value, or real numbers to be quantized. */
static int can_be_given(const struct prog *p, int t)
{
    const struct prog_tensor *x = tensor(p, t);
    return (x->role == VN_ROLE_VALUE || (x->role == VN_ROLE_RAW && x->dtype == VN_F32)) &&
           !outputs_with(p, t);
}

static void list_input(const struct scan *l, int port, struct edge_list *out)
{
    const int t = l->p->inputs.v[port].tensor, quantize = quantize_of(l, t);
    if (l->p->inputs.v[port].type != VN_IN_FEATUREMAP || outputs_with(l->p, t) || reader_of(l, t) == NONE)
        return;
    if (quantize >= 0) {
        const int y = l->p->instrs.v[quantize].out;
        if (same_value(l->p, y, t))
            add_conversion(l, out, VN_EDGE_QUANTIZE, port, t, y);
        return;
    }
    const int step = sole_reader(l, t);
    const struct prog_instr *i = step < 0 ? NULL : &l->p->instrs.v[step];
    if (!i || !is_step(l, step, i->out) || !is_given(l, i->in[0], t) || !can_be_given(l->p, i->out))
        return;
    const int type = type_of(l->p, i);
    if (type >= 0 && type != VN_EDGE_SOFTMAX)
        add(l, out,
            &(struct vn_edge){
                .name = i->node, .type = (enum vn_edge_type)type, .at_input = 1, .port = port },
            t, i->out);
}

static void list(void *net, struct vn_arena *a, struct edge_list *out)
{
    struct prog *p = net;
    const struct scan l = new_scan(a, p);
    for (int i = 0; i < p->inputs.n; i++)
        list_input(&l, i, out);
    for (int i = 0; i < p->outputs.n; i++)
        list_output(&l, i, out);
}

/* ---- changes ---- */

/* Tensor `like` in plain order and another role. */
static int new_plain(struct prog *p, int like, enum vn_role role)
{
    struct lowering low = { .prog = p, .arena = p->arena };
    const int id = vn_low_like(&low, like, role, PLAIN);
    tensor(p, id)->place = BIN_ARENA;
    tensor(p, id)->data = NULL;
    return id;
}

static int append_copy(struct prog *p, int from, int to, struct vn_err *e)
{
    struct lowering low = { .prog = p, .arena = p->arena };
    int64_t src[VN_MAX_RANK], dst[VN_MAX_RANK];
    const struct vn_shape s = tensor(p, to)->shape;
    vn_low_axis_strides(tensor(p, from), src);
    vn_low_axis_strides(tensor(p, to), dst);
    return vn_low_copy(&low, from, to, s.rank, s.d, 0, src, 0, dst, e);
}

/* Let x leave by an output, in plain order and memory of its own. */
static int put_output(struct prog *p, int port, int x, struct vn_err *e)
{
    if (is_turned(p, x) || tensor(p, x)->place != BIN_ARENA || is_input(p, x) || is_output(p, x)) {
        const int copy = new_plain(p, x, VN_ROLE_COPY);
        TRY(append_copy(p, x, copy, e));
        x = copy;
    }
    p->outputs.v[port] = (struct prog_io){ x, 0, 0 };
    return VN_OK;
}

/* Let t, which instruction `at` makes, come in by an input instead. */
static int put_input(struct prog *p, int port, int at, struct vn_err *e)
{
    const int t = p->instrs.v[at].out, raw = tensor(p, t)->role == VN_ROLE_RAW;
    int given = t;
    if (is_turned(p, t)) { /* it is copied to where it was computed */
        given = new_plain(p, t, raw ? VN_ROLE_BYTES : VN_ROLE_VALUE);
        tensor(p, t)->role = raw ? VN_ROLE_RAW : VN_ROLE_COPY;
        const int before = p->instrs.n;
        TRY(append_copy(p, given, t, e));
        if (p->instrs.n > before)
            p->instrs.v[at] = p->instrs.v[--p->instrs.n];
    } else {
        p->instrs.n--;
        memmove(p->instrs.v + at, p->instrs.v + at + 1, (size_t)(p->instrs.n - at) * sizeof *p->instrs.v);
        if (raw)
            tensor(p, t)->role = VN_ROLE_BYTES;
    }
    tensor(p, given)->node = NULL;
    p->inputs.v[port] = (struct prog_io){ given, VN_IN_FEATUREMAP, 0 };
    return VN_OK;
}

/* Instructions that lead to no output go. */
static void drop_unneeded(struct prog *p)
{
    char *needed = vn_arena_alloc(p->arena, (size_t)p->tensors.n);
    int first = p->instrs.n;
    for (int i = 0; i < p->outputs.n; i++)
        needed[p->outputs.v[i].tensor] = 1;
    for (int i = p->instrs.n - 1; i >= 0; i--) {
        const struct prog_instr in = p->instrs.v[i];
        if (!needed[in.out])
            continue;
        for (int k = 0; k < in.n_in; k++)
            needed[in.in[k]] = 1;
        p->instrs.v[--first] = in;
    }
    p->instrs.n -= first;
    memmove(p->instrs.v, p->instrs.v + first, (size_t)p->instrs.n * sizeof *p->instrs.v);
}

static int remove_edge(void *net, const struct vn_edge *x, struct vn_err *e)
{
    struct prog *p = net;
    struct vn_arena *a = vn_arena_new();
    const struct scan l = new_scan(a, p);
    const int t = (x->at_input ? p->inputs.v : p->outputs.v)[x->port].tensor;
    int status;
    if (x->at_input)
        status =
            put_input(p, x->port, x->type == VN_EDGE_QUANTIZE ? quantize_of(&l, t) : sole_reader(&l, t), e);
    else if (x->type == VN_EDGE_DEQUANTIZE)
        status = put_output(p, x->port, dequantization(&l, t)->in[0], e);
    else
        status = put_output(p, x->port, p->instrs.v[last_step(&l, t)].in[0], e);
    vn_arena_free(&a);
    drop_unneeded(p);
    return status;
}

/* ---- other outputs ---- */

static int find_tensor(const struct prog *p, const char *name, int by_node, enum vn_role role)
{
    for (int t = 0; t < p->tensors.n; t++) {
        const struct prog_tensor *x = tensor(p, t);
        const char *own = by_node ? x->node : x->name;
        if (own && x->role == role && x->place != BIN_CONST && !strcmp(own, name))
            return t;
    }
    return NONE;
}

static int find_value(int *t, const struct prog *p, const char *name, struct vn_err *e)
{
    *t = find_tensor(p, name, 0, VN_ROLE_VALUE);
    if (*t < 0)
        *t = find_tensor(p, name, 1, VN_ROLE_VALUE);
    if (*t < 0)
        return vn_fail(e, VN_E_USAGE, "the program has no value and no node '%s'", name);
    return tensor(p, *t)->place == BIN_ARENA ? VN_OK
                                             : vn_fail(e, VN_E_UNSUPPORTED,
                                                       "output '%s': the program computes it in registers; "
                                                       "set output_nodes when it is converted",
                                                       name);
}

/* The value of t as it leaves: real numbers. */
static int real_tensor(struct prog *p, int t)
{
    struct lowering low = { .prog = p, .arena = p->arena };
    if (!(tensor(p, t)->scale > 0))
        return t;
    const int there = find_tensor(p, tensor(p, t)->name, 0, VN_ROLE_FLOAT);
    if (there >= 0)
        return there;
    const int y = vn_low_like(&low, t, VN_ROLE_FLOAT, tensor(p, t)->layout);
    struct prog_tensor *f = tensor(p, y);
    f->dtype = VN_F32;
    f->scale = 0;
    f->zero = 0;
    f->bytes = (size_t)vn_shape_count(&f->shape) * sizeof(float);
    vn_low_emit(&low, OPCODE_DEQUANTIZE, 1, &t, y);
    return y;
}

static int set_outputs(void *net, int n, const char *const *names, struct vn_err *e)
{
    struct prog *p = net;
    const struct prog_io *old = vn_arena_copy(p->arena, p->outputs.v, (size_t)p->outputs.n * sizeof *old);
    const int had = p->outputs.n;
    p->outputs.n = 0;
    for (int i = 0; i < n; i++) {
        int t, kept = NONE;
        TRY(find_value(&t, p, names[i], e));
        for (int k = 0; k < had; k++)
            kept = same_value(p, old[k].tensor, t) ? old[k].tensor : kept;
        const struct prog_io io = { kept, 0, 0 };
        VEC_PUSH(p->arena, &p->outputs, io);
        if (kept < 0)
            TRY(put_output(p, i, real_tensor(p, t), e));
    }
    drop_unneeded(p);
    return VN_OK;
}

static void note(void *net, const char *key, const char *text)
{
    struct prog *p = net;
    const struct meta m = { vn_arena_str(p->arena, key), vn_arena_str(p->arena, text) };
    for (int i = 0; i < p->meta.n; i++)
        if (!strcmp(p->meta.v[i].key, key)) {
            p->meta.v[i] = m;
            return;
        }
    VEC_PUSH(p->arena, &p->meta, m);
}

const struct edit_form vn_edit_program = { list, remove_edge, set_outputs, note };
