#include "inspect/static_checks.h"

#include "compile/compile.h"
#include "ops/op.h"

static const char *const words[] = { [VN_FAULT_STALE] = "stale",
                                     [VN_FAULT_CONSTANT] = "constant",
                                     [VN_FAULT_PARAMETERS] = "parameters",
                                     [VN_FAULT_OUTPUT] = "output",
                                     [VN_FAULT_UNVERIFIED] = "unverified" };

const char *vn_fault_word(enum vn_fault_kind k) { return words[k]; }

struct vn_fault vn_fault_of(struct vn_arena *a, const struct program *p, enum vn_fault_kind kind, int tensor)
{
    const struct part *t = &p->parts[tensor];
    return (struct vn_fault){ .kind = kind,
                              .name = vn_arena_str(a, t->view.name),
                              .role = t->view.role,
                              .tensor = tensor,
                              .instruction = t->writer,
                              .node = vn_arena_str(a, t->view.node ? t->view.node : ""),
                              .writer = -1,
                              .writer_node = "",
                              .first = -1 };
}

/* ---- parameters ---- */

struct wanted_params {
    enum vn_dtype dtype;
    float scale; /* 0: none */
    int32_t zero;
};

static struct wanted_params of(const struct qparam *q)
{
    return (struct wanted_params){ q->dtype, q->scale[0], q->zero[0] };
}
static struct wanted_params plain(enum vn_dtype t) { return (struct wanted_params){ t, 0, 0 }; }

static const struct node *node_named(const struct program *p, const char *name)
{
    for (int i = 0; name && i < p->graph->nodes.n; i++)
        if (!strcmp(p->graph->nodes.v[i]->name, name))
            return p->graph->nodes.v[i];
    return NULL;
}

/* A raw result is float32; of an integer node it has the parameters of input 0 (moves), or is int16 on the
 * way to int8. */
static struct wanted_params raw_params(const struct part *t)
{
    const struct node *n = t->value->producer;
    const struct qparam *q = t->value->q;
    if (!n || !q || !vn_node_is_integer(n) || vn_node_kind(n) == Q_FLOAT || t->view.dtype == VN_F32)
        return plain(VN_F32);
    if (q->dtype == VN_I8 && vn_node_is_wide(n))
        return (struct wanted_params){ VN_I16, q->scale[0], q->zero[0] };
    return of(n->in[0]->q);
}

static int want_params(struct wanted_params *w, const struct program *p, const struct part *t)
{
    const struct value *v = t->value;
    const struct qparam *q = v->q;
    const struct node *reader;
    const int one = q && q->n == 1;
    switch (t->view.role) {
    case VN_ROLE_VALUE:
        *w = one ? of(q) : plain(vn_dtype_is_float(v->dtype) ? VN_F32 : VN_I64);
        return !q || one;
    case VN_ROLE_COPY:
        *w = one && t->view.dtype != VN_F32 ? of(q) : plain(vn_dtype_is_float(v->dtype) ? VN_F32 : VN_I64);
        return !q || one;
    case VN_ROLE_FLOAT: *w = plain(VN_F32); return 1;
    case VN_ROLE_RAW: *w = raw_params(t); return 1;
    case VN_ROLE_WIDE:
        *w = one ? (struct wanted_params){ VN_I16, q->scale[0], 0 } : plain(VN_I16);
        return one;
    case VN_ROLE_CELLS: *w = plain(v->dtype); return 1;
    case VN_ROLE_RESCALED:
        reader = node_named(p, t->view.node);
        if (!reader || !reader->out[0]->q || reader->out[0]->q->n != 1)
            return 0;
        *w = of(reader->out[0]->q);
        return 1;
    default: return 0; /* scratch memory and constants are judged by their results */
    }
}

static void check_parameters(struct judgement *j, struct vn_arena *a, const struct program *p, int tensor)
{
    const struct part *t = &p->parts[tensor];
    struct wanted_params w;
    if (!t->value || t->origin == ORIGIN_UNUSED || t->view.role == VN_ROLE_BYTES || !want_params(&w, p, t))
        return;
    const float scale = t->view.n_scale ? *t->view.scale : 0;
    const int32_t zero = t->view.n_scale ? *t->view.zero : 0;
    if (t->view.dtype == w.dtype && scale == w.scale && (scale == 0 || zero == w.zero))
        return;
    struct vn_fault f = vn_fault_of(a, p, VN_FAULT_PARAMETERS, tensor);
    f.got = scale;
    f.expected = w.scale;
    f.why =
        vn_arena_fmt(a, "%s with scale %.9g and zero point %d; expected %s with scale %.9g and zero point %d",
                     vn_dtype_name(t->view.dtype), scale, zero, vn_dtype_name(w.dtype), w.scale, w.zero);
    VEC_PUSH(a, &j->faults, f);
}

/* What a fusion hides lies in memory as its instruction's output does. */
static void check_order(struct judgement *j, struct vn_arena *a, const struct program *p, int tensor)
{
    const struct vn_view *t = &p->parts[tensor].view;
    if (!p->parts[tensor].fused || p->parts[tensor].writer < 0)
        return;
    const struct vn_view *out = &p->parts[p->instructions[p->parts[tensor].writer].out].view;
    const size_t bytes = (size_t)t->rank * sizeof *t->stride;
    if (t->rank != out->rank || memcmp(t->shape, out->shape, bytes) || !memcmp(t->stride, out->stride, bytes))
        return;
    struct vn_fault f = vn_fault_of(a, p, VN_FAULT_PARAMETERS, tensor);
    f.why = "another memory order than the output of its instruction";
    VEC_PUSH(a, &j->faults, f);
}

void vn_check_parameters(struct judgement *j, struct vn_arena *a, const struct program *p)
{
    for (int t = 0; t < p->n_parts; t++) {
        check_parameters(j, a, p, t);
        check_order(j, a, p, t);
    }
}

/* ---- outputs ---- */

/* May this tensor leave the program as v? An input leaves as it was given. */
static int is_result(const struct value *v, const struct vn_view *t)
{
    const enum vn_role r = t->role;
    if (r == VN_ROLE_BYTES && !v->producer && !v->data)
        return vn_view_is_plain(t);
    if (v->producer && (t->n_scale > 0) != v->raw_output)
        return 0;
    return (r == VN_ROLE_VALUE || r == VN_ROLE_FLOAT || r == VN_ROLE_COPY || r == VN_ROLE_CELLS) &&
           vn_view_is_plain(t);
}

static void report_output(struct judgement *j, struct vn_arena *a, const struct value *v,
                          const struct vn_view *t, int i)
{
    const struct vn_fault f = { .kind = VN_FAULT_OUTPUT,
                                .name = vn_arena_str(a, v->name),
                                .tensor = -1,
                                .instruction = -1,
                                .writer = -1,
                                .first = -1,
                                .node = v->producer ? vn_arena_str(a, v->producer->name) : "",
                                .writer_node = "",
                                .why = vn_arena_fmt(
                                    a, "output %d of the program is %s (%s, %s%s); expected %s as %s", i,
                                    t->name, vn_role_word(t->role), vn_dtype_name(t->dtype),
                                    vn_view_is_plain(t) ? "" : ", channels last", v->name,
                                    vn_dtype_name(v->raw_output ? v->q->dtype : v->dtype)) };
    VEC_PUSH(a, &j->faults, f);
}

void vn_check_outputs(struct judgement *j, struct vn_arena *a, const struct program *p)
{
    int n;
    const struct vn_io *out = vn_model_outputs(p->model, &n);
    for (int i = 0; i < n && i < p->graph->outputs.n; i++) {
        const struct value *v = p->graph->outputs.v[i];
        const struct vn_view *t = &p->parts[out[i].tensor].view;
        if (strcmp(out[i].name, v->name) || !is_result(v, t))
            report_output(j, a, v, t, i);
    }
}

/* ---- constants ---- */

struct constant {
    const void *data;
    size_t bytes;
    enum vn_dtype dtype;
    int instruction, tensor;
};

/* Of one node, in the order in which its instructions read them; or readings of one constant of the model,
 * which a fusion may take to another node. */
struct constants {
    VEC(struct constant) list;
};

static const char *key_of(struct vn_arena *a, enum vn_role role, const char *value, const char *node)
{
    return role == VN_ROLE_CONST ? vn_arena_fmt(a, "node %s", node ? node : "")
                                 : vn_arena_fmt(a, "value %s", value);
}

static struct constants *found(struct vn_map *m, struct vn_arena *a, const char *key)
{
    struct constants *c = vn_map_get(m, key);
    if (!c)
        vn_map_set(m, key, c = NEW(a, struct constants));
    return c;
}

static struct vn_map *constants_of_program(struct vn_arena *a, const struct program *p)
{
    struct vn_map *m = vn_map_new(a);
    for (int i = 0; i < p->n_instructions; i++)
        for (int k = 0; k < p->instructions[i].n_in; k++) {
            struct vn_view v;
            const int t = p->instructions[i].in[k];
            if (!p->parts[t].view.constant || vn_model_tensor(p->model, t, &v) < 0)
                continue;
            const struct constant c = { v.data, v.bytes, v.dtype, i, t };
            struct constants *to = found(m, a, key_of(a, v.role, v.name, p->instructions[i].node));
            VEC_PUSH(a, &to->list, c);
        }
    return m;
}

static struct vn_map *constants_of_prog(struct vn_arena *a, const struct prog *p)
{
    struct vn_map *m = vn_map_new(a);
    for (int i = 0; i < p->instrs.n; i++)
        for (int k = 0; k < p->instrs.v[i].n_in; k++) {
            const struct prog_tensor *t = &p->tensors.v[p->instrs.v[i].in[k]];
            if (t->place != BIN_CONST)
                continue;
            const struct constant c = { t->data, t->bytes, t->dtype, i, p->instrs.v[i].in[k] };
            struct constants *to = found(m, a, key_of(a, t->role, t->name, p->instrs.v[i].node));
            VEC_PUSH(a, &to->list, c);
        }
    return m;
}

static void compare_constant(struct judgement *j, struct vn_arena *a, const struct program *p,
                             const struct constant *got, const struct constant *want)
{
    const size_t size = vn_dtype_size(got->dtype);
    const struct vn_tensor x = { .dtype = got->dtype, .data = (void *)(uintptr_t)got->data },
                           y = { .dtype = want->dtype, .data = (void *)(uintptr_t)want->data };
    j->constants++;
    if (got->dtype == want->dtype && got->bytes == want->bytes && !memcmp(got->data, want->data, got->bytes))
        return;
    struct vn_fault f = vn_fault_of(a, p, VN_FAULT_CONSTANT, got->tensor);
    f.instruction = got->instruction;
    f.node = vn_arena_str(a, p->instructions[got->instruction].node);
    if (got->dtype != want->dtype || got->bytes != want->bytes)
        f.why = vn_arena_fmt(a, "%s, %zu bytes; expected %s, %zu bytes", vn_dtype_name(got->dtype),
                             got->bytes, vn_dtype_name(want->dtype), want->bytes);
    for (size_t i = 0; !f.why && i < got->bytes / size; i++) {
        if (!memcmp((const char *)got->data + i * size, (const char *)want->data + i * size, size))
            continue;
        if (!f.different++) {
            f.first = (int64_t)i;
            f.got = vn_tensor_f64(&x, f.first);
            f.expected = vn_tensor_f64(&y, f.first);
        }
    }
    VEC_PUSH(a, &j->faults, f);
}

static void compare_key(struct judgement *j, struct vn_arena *a, const struct program *p,
                        const struct constants *got, const struct constants *want)
{
    const int expected = want ? want->list.n : 0;
    for (int i = 0; i < got->list.n && i < expected; i++)
        compare_constant(j, a, p, &got->list.v[i], &want->list.v[i]);
    if (got->list.n == expected)
        return;
    struct vn_fault f = vn_fault_of(a, p, VN_FAULT_UNVERIFIED, got->list.v[0].tensor);
    f.instruction = got->list.v[0].instruction;
    f.node = vn_arena_str(a, p->instructions[f.instruction].node);
    f.why = vn_arena_fmt(a, "%d constants are read here, expected %d", got->list.n, expected);
    VEC_PUSH(a, &j->faults, f);
}

static int compare_all(struct judgement *j, struct vn_arena *a, struct vn_arena *work,
                       const struct program *p, struct vn_err *e)
{
    struct compile_options o;
    struct prog *prog;
    vn_compile_defaults(&o);
    TRY(vn_compile_lower(&prog, work, p->graph, &o, e));
    struct vn_map *got = constants_of_program(work, p), *want = constants_of_prog(work, prog);
    for (int i = 0; i < p->n_instructions; i++)
        for (int k = 0; k < p->instructions[i].n_in; k++) {
            const struct vn_view *v = &p->parts[p->instructions[i].in[k]].view;
            const char *key = key_of(work, v->role, v->name, p->instructions[i].node);
            struct constants *c = v->constant ? vn_map_get(got, key) : NULL;
            if (!c || !c->list.n)
                continue;
            compare_key(j, a, p, c, vn_map_get(want, key));
            c->list.n = 0;
        }
    return VN_OK;
}

int vn_check_constants(struct judgement *j, struct vn_arena *a, const struct program *p, struct vn_err *e)
{
    struct vn_arena *work = vn_arena_new();
    const int status = compare_all(j, a, work, p, e);
    vn_arena_free(&work);
    return status;
}
