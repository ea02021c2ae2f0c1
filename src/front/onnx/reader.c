/* The stages of reading, and the last one: from a draft to a graph. */
#include "base/file.h"
#include "front/onnx/draft.h"

/* ---- tensors ---- */

/* Constants that something reads become values, in the order of their first use. */
static struct value *tensor_value(struct graph *g, const struct draft *d, const char *name)
{
    struct value *v = vn_graph_find(g, name);
    if (v)
        return v;
    const struct vn_tensor *t = vn_onnx_constant(d, name);
    v = t ? vn_graph_const(g, name, t) : vn_graph_value(g, name, VN_NONE, NULL);
    v->q = vn_map_get(d->q, name);
    if (t && v->q)
        v->dtype = VN_F32; /* what the stored integers stand for */
    return v;
}

static void add_graph_inputs(struct graph *g, const struct draft *d)
{
    for (int i = 0; i < d->inputs.n; i++) {
        const struct draft_input *in = &d->inputs.v[i];
        struct value *v = vn_graph_value(g, in->name, in->dtype, &in->shape);
        v->q = vn_map_get(d->q, in->name);
        v->raw_input = vn_map_get(d->raw, in->name) != NULL;
        if (v->q)
            v->dtype = VN_F32;
        VEC_PUSH(g->arena, &g->inputs, v);
    }
}

/* The type that the file declares for an output, until inference replaces it. */
static void hint(struct value *v, const struct onnx_value_info *info)
{
    const struct onnx_tensor_type *t = info->type ? info->type->tensor : NULL;
    if (v->dtype != VN_NONE || !t || vn_onnx_dtype(&v->dtype, t->elem_type, "", NULL) < 0)
        return;
    if (!t->shape || t->shape->dims.n > VN_MAX_RANK)
        return;
    const struct onnx_dim *dims = t->shape->dims.v;
    v->shape.rank = t->shape->dims.n;
    for (int i = 0; i < v->shape.rank; i++)
        v->shape.d[i] = dims[i].value.present && dims[i].value.value > 0 ? dims[i].value.value : -1;
}

static void add_graph_outputs(struct graph *g, const struct draft *d, const struct onnx_graph *file,
                              int use_hints)
{
    for (int i = 0; i < d->outputs.n; i++) {
        struct value *v = tensor_value(g, d, d->outputs.v[i]);
        if (use_hints)
            hint(v, (const struct onnx_value_info *)file->outputs.v + i);
        v->raw_output = vn_map_get(d->raw, d->outputs.v[i]) != NULL;
        vn_graph_add_output(g, v);
    }
}

/* ---- nodes ---- */

static int check_count(const struct draft *d, const struct draft_node *n, const char *what, int have, int min,
                       int max, struct vn_err *e)
{
    if (have < min || (max >= 0 && have > max))
        return vn_onnx_node_fail(d, n, e, VN_E_INPUT, "has %d %s, expected %d%s", have, what,
                                 have < min ? min : max,
                                 min == max   ? ""
                                 : have < min ? " or more"
                                              : " or fewer");
    return VN_OK;
}

/* Outputs that are not computed are accepted as long as they are unused (Dropout's mask). */
static void drop_unread_outputs(struct draft_node *n, int max, struct vn_map *read)
{
    while (n->raw.out.n > max && !vn_map_get(read, vn_onnx_out(&n->raw, n->raw.out.n - 1)))
        n->raw.out.n--;
}

static int check_arity(const struct draft *d, struct draft_node *n, const struct op_def *op,
                       struct vn_map *read, struct vn_err *e)
{
    const int min_out = op->min_out ? op->min_out : 1;
    const int max_out = op->max_out ? op->max_out : min_out;
    if (max_out >= 0)
        drop_unread_outputs(n, max_out, read);
    TRY(check_count(d, n, "inputs", n->raw.in.n, op->min_in, op->max_in, e));
    TRY(check_count(d, n, "outputs", n->raw.out.n, min_out, max_out, e));
    for (int i = 0; i < op->min_in; i++)
        if (!*vn_onnx_in(&n->raw, i))
            return vn_onnx_node_fail(d, n, e, VN_E_INPUT, "input %d is missing", i);
    return VN_OK;
}

static const char *entry(const struct onnx_node *n, const char *key)
{
    const struct onnx_entry *x = n->metadata.v;
    for (int i = 0; i < n->metadata.n; i++)
        if (x[i].key && x[i].value && !strcmp(x[i].key, key))
            return x[i].value;
    return NULL;
}

#define MAX_REASON_ARGS 8

static const struct vn_reason *reason_for_float(struct graph *g, const struct onnx_node *n)
{
    const char *text = entry(n, ONNX_FLOAT_KEY), *args[MAX_REASON_ARGS];
    int count = 0;
    if (!text)
        return NULL;
    for (; count < MAX_REASON_ARGS; count++)
        if (!(args[count] = entry(n, vn_arena_fmt(g->arena, ONNX_REASON_ARG_KEY "%d", count))))
            break;
    return vn_reason_parse(g->arena, entry(n, ONNX_REASON_KEY), count, args, text);
}

static int add_graph_node(struct graph *g, const struct draft *d, struct draft_node *n, struct vn_map *read,
                          struct vn_err *e)
{
    const struct op_def *op = vn_onnx_op(&n->raw);
    if (!op)
        return vn_because(e, REASON_unsupported,
                          vn_onnx_node_fail(d, n, e, VN_E_UNSUPPORTED, "the operator is not supported"));
    TRY(check_arity(d, n, op, read, e));
    const int n_in = n->raw.in.n, n_out = n->raw.out.n;
    struct value **in = NEW_ARRAY(g->arena, struct value *, n_in),
                 **out = NEW_ARRAY(g->arena, struct value *, n_out);
    for (int i = 0; i < n_in; i++)
        in[i] = *vn_onnx_in(&n->raw, i) ? tensor_value(g, d, vn_onnx_in(&n->raw, i)) : NULL;
    for (int i = 0; i < n_out; i++)
        out[i] = *vn_onnx_out(&n->raw, i) ? tensor_value(g, d, vn_onnx_out(&n->raw, i)) : NULL;
    struct node *node = vn_graph_node(g, op, n->name, n_in, in, n_out, out);
    node->why_float = reason_for_float(g, &n->raw);
    return vn_onnx_attrs_read(node, d, n, e);
}

static struct vn_map *read_names(const struct draft *d)
{
    struct vn_map *read = vn_map_new(d->arena);
    for (int i = 0; i < d->nodes.n; i++)
        for (int j = 0; j < d->nodes.v[i]->raw.in.n; j++)
            vn_map_set(read, vn_onnx_in(&d->nodes.v[i]->raw, j), d->nodes.v[i]);
    for (int i = 0; i < d->outputs.n; i++)
        vn_map_set(read, d->outputs.v[i], (void *)(uintptr_t)d);
    return read;
}

static void copy_metadata(struct graph *g, const struct onnx_model *m)
{
    const struct onnx_entry *x = m->metadata.v;
    for (int i = 0; i < m->metadata.n; i++)
        if (x[i].key)
            vn_graph_meta_set(g, x[i].key, x[i].value ? x[i].value : "");
}

static int to_graph(struct graph **out, const struct draft *d, const struct onnx_model *m, int use_hints,
                    struct vn_err *e)
{
    struct graph *g = vn_graph_new(d->arena, m->graph->name && *m->graph->name ? m->graph->name : "graph");
    g->source = d->path;
    g->opset = d->opset;
    g->ir_version = (int)m->ir_version;
    copy_metadata(g, m);
    add_graph_inputs(g, d);
    struct vn_map *read = read_names(d);
    for (int i = 0; i < d->nodes.n; i++) {
        const int before = g->nodes.n, status = add_graph_node(g, d, d->nodes.v[i], read, e);
        if (status < 0) {
            TRY(vn_onnx_problem(d, status, e));
            g->nodes.n = before;
        }
    }
    add_graph_outputs(g, d, m->graph, use_hints);
    TRY(vn_graph_sort(g, e));
    vn_graph_imply(g);
    *out = g;
    return VN_OK;
}

int vn_onnx_read_model(struct graph **g, struct vn_arena *a, struct onnx_model *m, const char *path,
                       int external, const struct vn_onnx_options *o, struct vn_err *e)
{
    struct draft *d = NEW(a, struct draft); /* branches read it later */
    *d = (struct draft){
        .arena = a, .path = vn_arena_str(a, path), .model = m, .options = o, .external = external
    };
    TRY(vn_onnx_inline(m, a, d->path, e));
    TRY(vn_onnx_draft(d, m, o, external, e));
    TRY(vn_onnx_check_support(d, e));
    TRY(vn_onnx_upgrade(d, e));
    TRY(vn_onnx_absorb_qdq(d, e));
    return to_graph(g, d, m, !o || !o->n_shapes, e);
}

int vn_onnx_read_memory(struct graph **g, struct vn_arena *a, const void *data, size_t bytes,
                        const char *path, const struct vn_onnx_options *o, struct vn_err *e)
{
    const char *name = path ? path : "model";
    struct onnx_model *m = NEW(a, struct onnx_model);
    TRY(vn_wire_read(m, &vn_onnx_model_message, a, (struct wire_bytes){ data, bytes }, name, e));
    return vn_onnx_read_model(g, a, m, name, path != NULL, o, e);
}

int vn_onnx_read(struct graph **g, struct vn_arena *a, const char *path, const struct vn_onnx_options *o,
                 struct vn_err *e)
{
    struct wire_bytes image = { NULL, 0 };
    TRY(vn_file_map(a, path, &image.p, &image.n, e));
    const int status = vn_onnx_read_memory(g, a, image.p, image.n, path, o, e);
    vn_file_forget(image.p, image.n); /* most weights have been copied to where they are aligned */
    return status;
}
