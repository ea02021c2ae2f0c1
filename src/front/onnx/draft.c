/* From the messages of a file to a draft: versions, names, inputs, constants. */
#include "front/onnx/draft.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/file.h"

/* Between 21 and 26 operators gained element types and attributes only; attributes that we do not know are
 * refused by name. */
enum { OLDEST_IR = 3, NEWEST_IR = 14, OLDEST_OPSET = 7, NEWEST_OPSET = 28 };

/* A taken name remembers the number to try next behind it, so that a thousand equal names cost a thousand
 * steps. */
static int *take(struct vn_arena *a, struct vn_map *taken, const char *name)
{
    int *next = NEW(a, int);
    vn_map_set(taken, name, next);
    return next;
}

const char *vn_onnx_new_name(struct vn_arena *a, struct vn_map *taken, const char *base)
{
    int *next = vn_map_get(taken, base);
    const char *name = base;
    while (next && vn_map_get(taken, name))
        name = vn_arena_fmt(a, "%s_%d", base, ++*next);
    take(a, taken, name);
    return name;
}

const struct vn_tensor *vn_onnx_constant(const struct draft *d, const char *name)
{
    return vn_map_get(d->constants, name);
}

const char *vn_onnx_add_constant(struct draft *d, const char *base, const struct vn_tensor *t)
{
    const char *name = vn_onnx_new_name(d->arena, d->names, base);
    vn_map_set(d->constants, name, (void *)(uintptr_t)t);
    return name;
}

const char *vn_onnx_add_constant_i64(struct draft *d, const char *base, int n, const int64_t *x)
{
    struct vn_tensor *t = vn_tensor_new(d->arena, VN_I64, &(struct vn_shape){ 1, { n } });
    if (n)
        memcpy(t->data, x, (size_t)n * sizeof *x);
    return vn_onnx_add_constant(d, base, t);
}

int vn_onnx_node_fail(const struct draft *d, const struct draft_node *n, struct vn_err *e, int code,
                      const char *fmt, ...)
{
    char text[768];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return vn_fail(e, code, "%s: node %s (%s): %s", d->path, n->name, n->raw.op_type, text);
}

/* ---- versions ---- */

static int is_default_domain(const char *domain) { return !domain || !*domain || !strcmp(domain, "ai.onnx"); }

static int wrong_version(const struct draft *d, const char *what, int64_t version, int oldest, int newest,
                         struct vn_err *e)
{
    const int old = version < oldest;
    return vn_because(e, old ? REASON_too_old : REASON_too_new,
                      vn_fail(e, version > 0 ? VN_E_UNSUPPORTED : VN_E_INPUT,
                              "%s: %s %lld (too %s), expected %d to %d", d->path, what, (long long)version,
                              old ? "old" : "new", oldest, newest));
}

static int check_versions(struct draft *d, const struct onnx_model *m, struct vn_err *e)
{
    const struct onnx_opset *opsets = m->opsets.v;
    if (!m->ir_version)
        return vn_fail(e, VN_E_INPUT, "%s: not an ONNX model, or damaged: it has no IR version", d->path);
    if (m->ir_version < OLDEST_IR || m->ir_version > NEWEST_IR)
        return wrong_version(d, "ONNX IR version", m->ir_version, OLDEST_IR, NEWEST_IR, e);
    for (int i = 0; i < m->opsets.n; i++) {
        if (!is_default_domain(opsets[i].domain))
            continue;
        if (opsets[i].version < OLDEST_OPSET || opsets[i].version > NEWEST_OPSET)
            return wrong_version(d, "ONNX operator set", opsets[i].version, OLDEST_OPSET, NEWEST_OPSET, e);
        d->opset = (int)opsets[i].version;
    }
    if (!d->opset)
        return vn_because(e, REASON_no_opset,
                          vn_fail(e, VN_E_INPUT, "%s: no ONNX operator set is declared", d->path));
    return VN_OK;
}

/* ---- names ---- */

/* A tensor that is made here; nobody else may make it. */
static int define(struct draft *d, const char *name, const char *what, struct vn_err *e)
{
    if (vn_map_get(d->names, name))
        return vn_fail(e, VN_E_INPUT, "%s: %s defines tensor '%s', which is defined already", d->path, what,
                       name);
    take(d->arena, d->names, name);
    return VN_OK;
}

static int check_inputs_defined(const struct draft *d, struct vn_err *e)
{
    for (int i = 0; i < d->nodes.n; i++) {
        const struct draft_node *n = d->nodes.v[i];
        for (int j = 0; j < n->raw.in.n; j++) {
            const char *name = vn_onnx_in(&n->raw, j);
            if (*name && !vn_map_get(d->names, name))
                return vn_onnx_node_fail(d, n, e, VN_E_INPUT,
                                         "input %d: no node, input or initializer defines tensor '%s'", j,
                                         name);
        }
    }
    return VN_OK;
}

/* ---- constants ---- */

static int add_initializers(struct draft *d, const struct onnx_graph *g, struct external_files *x,
                            struct vn_err *e)
{
    const struct onnx_tensor *t = g->initializers.v;
    if (g->sparse_initializers)
        return vn_fail(e, VN_E_UNSUPPORTED, "%s: has %lld sparse initializers", d->path,
                       (long long)g->sparse_initializers);
    for (int i = 0; i < g->initializers.n; i++) {
        const struct vn_tensor *data = NULL;
        if (!t[i].name || !*t[i].name)
            return vn_fail(e, VN_E_INPUT, "%s: initializer %d has no name", d->path, i);
        const char *what = vn_arena_fmt(d->arena, "%s: initializer '%s'", d->path, t[i].name);
        TRY(vn_onnx_tensor_read(&data, &t[i], x, what, e));
        TRY(define(d, t[i].name, "an initializer", e));
        vn_map_set(d->constants, t[i].name, (void *)(uintptr_t)data);
    }
    return VN_OK;
}

static const struct vn_tensor *list_tensor(struct draft *d, enum vn_dtype t, int rank, int n, const void *x)
{
    struct vn_tensor *out = vn_tensor_new(d->arena, t, &(struct vn_shape){ rank, { n } });
    if (n)
        memcpy(out->data, x, (size_t)n * vn_dtype_size(t));
    return out;
}

/* The contents of a Constant node: one attribute, in one of five forms. */
static int constant_contents(const struct vn_tensor **out, struct draft *d, const struct draft_node *n,
                             struct external_files *x, struct vn_err *e)
{
    const struct onnx_attr *a = n->raw.attrs.v;
    if (n->raw.attrs.n != 1 || !a->name)
        return vn_onnx_node_fail(d, n, e, VN_E_INPUT, "expected one attribute, got %d", n->raw.attrs.n);
    if (!strcmp(a->name, "value") && a->type == ONNX_TENSOR && a->t)
        return vn_onnx_tensor_read(out, a->t, x,
                                   vn_arena_fmt(d->arena, "%s: node %s (Constant)", d->path, n->name), e);
    if (!strcmp(a->name, "value_float") && a->type == ONNX_FLOAT)
        *out = list_tensor(d, VN_F32, 0, 1, &a->f);
    else if (!strcmp(a->name, "value_int") && a->type == ONNX_INT)
        *out = list_tensor(d, VN_I64, 0, 1, &a->i);
    else if (!strcmp(a->name, "value_floats") && a->type == ONNX_FLOATS)
        *out = list_tensor(d, VN_F32, 1, a->floats.n, a->floats.v);
    else if (!strcmp(a->name, "value_ints") && a->type == ONNX_INTS)
        *out = list_tensor(d, VN_I64, 1, a->ints.n, a->ints.v);
    else
        return vn_because(e, REASON_unsupported,
                          vn_onnx_node_fail(d, n, e, VN_E_UNSUPPORTED,
                                            "attribute %.100s (%s) is not supported", a->name,
                                            vn_onnx_attr_type_name(a->type)));
    return VN_OK;
}

/* ---- nodes ---- */

static void trim(struct wire_list *names)
{
    const char *const *v = names->v;
    while (names->n && !*v[names->n - 1])
        names->n--;
}

static int add_node(struct draft *d, const struct onnx_node *raw, int index, struct external_files *x,
                    struct vn_err *e)
{
    struct draft_node *n = NEW(d->arena, struct draft_node);
    n->raw = *raw;
    if (!raw->op_type || !*raw->op_type)
        return vn_fail(e, VN_E_INPUT, "%s: node %d has no operator type", d->path, index);
    const int named = raw->name && *raw->name;
    n->name = vn_onnx_new_name(d->arena, d->node_names,
                               named ? raw->name : vn_arena_fmt(d->arena, "%s_%d", raw->op_type, index));
    trim(&n->raw.in);
    trim(&n->raw.out);
    if (n->raw.out.n && !*vn_onnx_out(&n->raw, 0)) /* left out; later stages count on the first output */
        ((const char **)n->raw.out.v)[0] = vn_arena_fmt(d->arena, "%s_first_output", n->name);
    for (int i = 0; i < n->raw.out.n; i++)
        if (*vn_onnx_out(&n->raw, i))
            TRY(define(d, vn_onnx_out(&n->raw, i), vn_arena_fmt(d->arena, "node %s", n->name), e));
    if (strcmp(raw->op_type, "Constant") || !is_default_domain(raw->domain)) {
        VEC_PUSH(d->arena, &d->nodes, n);
        return VN_OK;
    }
    const struct vn_tensor *t = NULL;
    if (n->raw.out.n != 1)
        return vn_onnx_node_fail(d, n, e, VN_E_INPUT, "expected 1 output, got %d", n->raw.out.n);
    TRY(constant_contents(&t, d, n, x, e));
    vn_map_set(d->constants, vn_onnx_out(&n->raw, 0), (void *)(uintptr_t)t);
    return VN_OK;
}

/* ---- inputs and outputs ---- */

static int type_of(struct draft_input *in, const struct draft *d, const struct onnx_value_info *v,
                   struct vn_err *e)
{
    const char *what = vn_arena_fmt(d->arena, "%s: input '%s'", d->path, v->name);
    if (!v->type || !v->type->tensor)
        return vn_fail(e, VN_E_UNSUPPORTED, "%s: not a tensor", what);
    TRY(vn_onnx_dtype(&in->dtype, v->type->tensor->elem_type, what, e));
    in->shape = vn_shape_unknown();
    const struct onnx_shape *s = v->type->tensor->shape;
    if (!s)
        return VN_OK;
    if (s->dims.n > VN_MAX_RANK)
        return vn_fail(e, VN_E_UNSUPPORTED, "%s: has %d dimensions, expected at most %d", what, s->dims.n,
                       VN_MAX_RANK);
    in->shape.rank = s->dims.n;
    const struct onnx_dim *dims = s->dims.v;
    for (int i = 0; i < s->dims.n; i++) {
        in->shape.d[i] = dims[i].value.present && dims[i].value.value >= 0 ? dims[i].value.value : -1;
    }
    return VN_OK;
}

/* Does an array of this shape fit what the file says? */
static int fits(const struct vn_shape *open, const struct vn_shape *s)
{
    for (int i = 0; i < open->rank && open->rank == s->rank; i++)
        if (open->d[i] >= 0 && open->d[i] != s->d[i])
            return 0;
    return open->rank < 0 || open->rank == s->rank;
}

static int is_of(const struct vn_onnx_input_shape *x, const struct draft *d, const struct draft_input *in)
{
    return x->name ? !strcmp(x->name, in->name) : x->place == d->inputs.n;
}

static int override_shape(struct draft_input *in, const struct draft *d, const struct vn_onnx_options *o,
                          struct vn_err *e)
{
    char have[VN_SHAPE_TEXT], want[VN_SHAPE_TEXT];
    for (int i = 0; o && i < o->n_shapes; i++) {
        const struct vn_shape *s = &o->shapes[i].shape;
        if (!is_of(&o->shapes[i], d, in) || (o->shapes[i].where_open && !fits(&in->shape, s)))
            continue;
        if (in->shape.rank >= 0 && s->rank != in->shape.rank)
            return vn_fail(e, VN_E_INPUT,
                           "%s: input '%s': input_shape %s has %d dimensions, the model has %d", d->path,
                           in->name, vn_shape_text(s, want), s->rank, in->shape.rank);
        for (int k = 0; k < in->shape.rank; k++)
            if (in->shape.d[k] >= 0 && in->shape.d[k] != s->d[k]) {
                vn_say(o->listener, VN_LOG_WARNING, "input '%s': input_shape %s replaces the model's %s",
                       in->name, vn_shape_text(s, want), vn_shape_text(&in->shape, have));
                break;
            }
        in->shape = *s;
    }
    return VN_OK;
}

int vn_onnx_problem(const struct draft *d, int status, struct vn_err *e)
{
    if ((status != VN_E_INPUT && status != VN_E_UNSUPPORTED) || !d->options || !d->options->survey)
        return status;
    vn_problem(d->options->listener, e);
    return VN_OK;
}

/* The shape with numbers in place of what is dynamic. */
static const char *example_shape(const struct draft_input *in, struct vn_arena *a)
{
    struct vn_shape s = in->shape;
    for (int i = 0; i < s.rank; i++)
        if (s.d[i] < 0)
            s.d[i] = i == 0 ? 1 : i == 1 && s.rank == 4 ? 3 : 224;
    return vn_shape_text(&s, vn_arena_alloc(a, VN_SHAPE_TEXT));
}

static int settle_dynamic(struct draft_input *in, const struct draft *d, const struct onnx_value_info *v,
                          const struct vn_onnx_options *o, struct vn_err *e)
{
    if (in->shape.rank < 0)
        return vn_because(
            e, REASON_no_shape,
            vn_fail(e, VN_E_INPUT, "%s: input '%s' has no shape: set input_shape", d->path, in->name));
    const struct onnx_shape *s = v->type->tensor->shape;
    for (int i = 0; i < in->shape.rank; i++) {
        const char *param = s && i < s->dims.n ? ((const struct onnx_dim *)s->dims.v)[i].param : NULL;
        if (in->shape.d[i] >= 0)
            continue;
        if (i > 0 || in->shape.rank == 1)
            return vn_because(
                e, REASON_dynamic_dimension,
                vn_fail(e, VN_E_INPUT,
                        "%s: input '%s' has a dynamic dimension '%s' (axis %d): set input_shape, for example "
                        "%s %s",
                        d->path, in->name, param ? param : "?", i, in->name, example_shape(in, d->arena)));
        in->shape.d[i] = 1;
        vn_say(o ? o->listener : NULL, VN_LOG_WARNING,
               "input '%s': the batch dimension '%s' is dynamic; set to 1", in->name, param ? param : "?");
    }
    return VN_OK;
}

static int add_inputs(struct draft *d, const struct onnx_graph *g, const struct vn_onnx_options *o,
                      struct vn_err *e)
{
    const struct onnx_value_info *v = g->inputs.v;
    for (int i = 0; i < g->inputs.n; i++) {
        if (!v[i].name || !*v[i].name)
            return vn_fail(e, VN_E_INPUT, "%s: input %d has no name", d->path, i);
        if (vn_onnx_constant(d, v[i].name)) /* the initializer is its default: taken as fixed */
            continue;
        struct draft_input in = { .name = v[i].name };
        int pinned;
        TRY(define(d, in.name, "a graph input", e));
        TRY(type_of(&in, d, &v[i], e));
        TRY(override_shape(&in, d, o, e));
        TRY(vn_onnx_pin(&pinned, d, &in, o, e));
        if (pinned)
            continue;
        const int status = settle_dynamic(&in, d, &v[i], o, e);
        if (status < 0) { /* known to be unknown */
            TRY(vn_onnx_problem(d, status, e));
            in.shape = vn_shape_unknown();
        }
        VEC_PUSH(d->arena, &d->inputs, in);
    }
    return VN_OK;
}

static int check_overrides(const struct draft *d, const struct onnx_graph *g, const struct vn_onnx_options *o,
                           struct vn_err *e)
{
    const struct onnx_value_info *v = g->inputs.v;
    const char *first = NULL;
    for (int i = 0; o && i < o->n_shapes; i++) {
        int found = o->shapes[i].where_open;
        for (int j = 0; j < g->inputs.n; j++) {
            if (!v[j].name || vn_onnx_constant(d, v[j].name))
                continue;
            found = found || !strcmp(v[j].name, o->shapes[i].name);
            first = first ? first : v[j].name;
        }
        if (o->shape_marks && !o->shapes[i].where_open)
            o->shape_marks[i] |= found;
        else if (!found)
            return vn_because(e, REASON_no_such_input,
                              vn_fail(e, VN_E_INPUT,
                                      "%s: input_shape is set for '%s', which is not an input; the first "
                                      "input is '%s'",
                                      d->path, o->shapes[i].name, first ? first : ""));
    }
    return VN_OK;
}

static int add_outputs(struct draft *d, const struct onnx_graph *g, struct vn_err *e)
{
    const struct onnx_value_info *v = g->outputs.v;
    if (!g->outputs.n)
        return vn_fail(e, VN_E_INPUT, "%s: has no outputs", d->path);
    for (int i = 0; i < g->outputs.n; i++) {
        const char *name = v[i].name ? v[i].name : "";
        if (!vn_map_get(d->names, name))
            return vn_fail(e, VN_E_INPUT, "%s: no node computes output '%s'", d->path, name);
        VEC_PUSH(d->arena, &d->outputs, name);
    }
    return VN_OK;
}

int vn_onnx_draft(struct draft *d, const struct onnx_model *m, const struct vn_onnx_options *o, int external,
                  struct vn_err *e)
{
    struct vn_arena *a = d->arena;
    struct external_files x = { a, external ? vn_path_folder(a, d->path) : NULL, vn_map_new(a) };
    const struct onnx_graph *g = m->graph;
    d->constants = vn_map_new(a);
    d->q = vn_map_new(a);
    d->raw = vn_map_new(a);
    d->names = vn_map_new(a);
    d->node_names = vn_map_new(a);
    TRY(check_versions(d, m, e));
    if (!g)
        return vn_fail(e, VN_E_INPUT, "%s: the model has no graph", d->path);
    TRY(add_initializers(d, g, &x, e));
    TRY(check_overrides(d, g, o, e));
    TRY(vn_onnx_check_values(d, g, o, e));
    TRY(add_inputs(d, g, o, e));
    for (int i = 0; i < g->nodes.n; i++)
        TRY(add_node(d, (const struct onnx_node *)g->nodes.v + i, i, &x, e));
    TRY(check_inputs_defined(d, e));
    return add_outputs(d, g, e);
}
