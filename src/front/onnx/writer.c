/* From a graph to the messages of a file. */
#include "base/file.h"
#include "base/guard.h"
#include "front/onnx/write.h"

#define LARGEST_FILE ((size_t)INT32_MAX) /* what protobuf libraries accept */

/* ---- tensors ---- */

/* Which values the file needs: constants that nothing reads are left out. */
static char *find_needed(const struct model_writer *w)
{
    const struct graph *g = w->g;
    char *needed = vn_arena_alloc(w->arena, (size_t)g->values.n);
    for (int i = 0; i < g->inputs.n; i++)
        needed[g->inputs.v[i]->id] = 1;
    for (int i = 0; i < g->outputs.n; i++)
        needed[g->outputs.v[i]->id] = 1;
    for (int i = 0; i < g->nodes.n; i++) {
        const struct node *n = g->nodes.v[i];
        for (int j = 0; j < n->n_in; j++)
            if (n->in[j])
                needed[n->in[j]->id] = 1;
        for (int j = 0; j < n->n_out; j++)
            if (n->out[j])
                needed[n->out[j]->id] = 1;
    }
    return needed;
}

/* Names of the graph first, so that made-up ones give way. */
static void reserve_names(struct model_writer *w, const char *needed)
{
    const struct graph *g = w->g;
    for (int i = 0; i < g->values.n; i++)
        if (needed[i])
            vn_onnx_new_name(w->arena, w->names, g->values.v[i]->name);
    for (int i = 0; i < g->nodes.n; i++)
        vn_onnx_new_name(w->arena, w->node_names, g->nodes.v[i]->name);
    for (int i = 0; i < g->values.n; i++)
        if (needed[i])
            vn_onnx_name_value(w, g->values.v[i]);
}

static void write_inputs(struct model_writer *w)
{
    for (int i = 0; i < w->g->inputs.n; i++) {
        const struct value *v = w->g->inputs.v[i];
        vn_onnx_put_value_info(w, &w->graph.inputs, v->name,
                               vn_onnx_is_integer_input(w, v) ? v->q->dtype : v->dtype, &v->shape);
        vn_onnx_put_qdq(w, v);
    }
}

static void write_constants(struct model_writer *w, const char *needed)
{
    for (int i = 0; i < w->g->values.n; i++) {
        const struct value *v = w->g->values.v[i];
        if (!v->data || !needed[i])
            continue;
        vn_onnx_put_initializer(w, w->written[i].made, v->data);
        vn_onnx_put_qdq(w, v);
    }
}

static void write_outputs(struct model_writer *w)
{
    for (int i = 0; i < w->g->outputs.n; i++) {
        const struct value *v = w->g->outputs.v[i];
        const enum vn_dtype t = vn_onnx_is_integer_output(v) ? v->q->dtype
                                : v->dtype == VN_NONE        ? VN_F32
                                                             : v->dtype;
        vn_onnx_put_value_info(w, &w->graph.outputs, v->name, t, &v->shape);
    }
}

static void write_result(struct model_writer *w, const struct value *v)
{
    const struct written *x = &w->written[v->id];
    if (v->dtype != VN_NONE && v->shape.rank >= 0) {
        if (!vn_graph_is_output(v))
            vn_onnx_put_value_info(w, &w->graph.value_infos, v->name, v->dtype, &v->shape);
        if (x->made != v->name)
            vn_onnx_put_value_info(w, &w->graph.value_infos, x->made, v->dtype, &v->shape);
    }
    vn_onnx_put_qdq(w, v);
}

/* ---- nodes ---- */

static void put_entry(struct vn_arena *a, struct onnx_node *n, const char *key, const char *value)
{
    struct onnx_entry *x = vn_wire_append(a, &n->metadata, sizeof *x);
    *x = (struct onnx_entry){ key, value };
}

static void write_reason(struct vn_arena *a, struct onnx_node *n, const struct vn_reason *why)
{
    put_entry(a, n, ONNX_FLOAT_KEY, vn_reason_string(a, why));
    put_entry(a, n, ONNX_REASON_KEY, vn_reason_id(why));
    for (int i = 0; i < why->n; i++)
        put_entry(a, n, vn_arena_fmt(a, ONNX_REASON_ARG_KEY "%d", i), why->args[i]);
}

/* ONNX knows our own operators as functions of standard ones. */
static const struct {
    const char *(*put)(struct model_writer *w, const struct node *n);
    const struct op_def *op;
} functions[] = {
    { vn_onnx_put_preprocess, &vn_op_preprocess },
    { vn_onnx_put_detection, &vn_op_detectionoutput },
};

static const char *op_type(struct model_writer *w, const struct node *n)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (functions[i].op == n->op) /* operator identity: function bodies are ONNX */
            return functions[i].put(w, n);
    return n->op->onnx;
}

static void write_node(struct model_writer *w, const struct node *n)
{
    struct vn_arena *a = w->arena;
    struct onnx_node *out = vn_onnx_put_node(a, &w->graph.nodes, n->name, op_type(w, n), n->op->domain);
    int n_in = n->n_in, n_out = n->n_out;
    while (n_in && !n->in[n_in - 1])
        n_in--;
    while (n_out && !n->out[n_out - 1])
        n_out--;
    for (int i = 0; i < n_in; i++)
        vn_onnx_put_in(a, out, n->in[i] ? vn_onnx_read_name(w, n, i) : "");
    for (int i = 0; i < n_out; i++)
        vn_onnx_put_out(a, out, n->out[i] ? w->written[n->out[i]->id].made : "");
    vn_onnx_attrs_write(out, n, a);
    if (vn_node_custom(n))
        vn_onnx_custom_write(out, n);
    if (n->why_float)
        write_reason(a, out, n->why_float);
    for (int i = 0; i < n_out; i++)
        if (n->out[i])
            write_result(w, n->out[i]);
}

/* ---- the model ---- */

static void write_head(struct model_writer *w)
{
    struct vn_arena *a = w->arena;
    struct onnx_model *m = &w->model;
    m->ir_version = vn_onnx_write_ir(w->opset);
    m->producer_name = "vernier";
    m->producer_version = w->o->producer_version;
    m->graph = &w->graph;
    w->graph.name = w->g->name;
    *(struct onnx_opset *)vn_wire_append(a, &m->opsets, sizeof(struct onnx_opset)) =
        (struct onnx_opset){ "", w->opset };
    if (m->functions.n)
        *(struct onnx_opset *)vn_wire_append(a, &m->opsets, sizeof(struct onnx_opset)) =
            (struct onnx_opset){ ONNX_OUR_DOMAIN, 1 };
    vn_onnx_custom_domains(w);
    for (int i = 0; i < w->g->meta.n; i++) {
        struct onnx_entry *x = vn_wire_append(a, &m->metadata, sizeof *x);
        *x = (struct onnx_entry){ w->g->meta.v[i].key, w->g->meta.v[i].text };
    }
}

static int check_writable(const struct graph *g, struct vn_err *e)
{
    for (int i = 0; i < g->values.n; i++)
        if (g->values.v[i]->id != i)
            return vn_fail(e, VN_E_INTERNAL, "%s: value %s is not indexed", g->source, g->values.v[i]->name);
    return VN_OK;
}

static int build(struct model_writer *w)
{
    TRY(check_writable(w->g, w->e));
    const char *needed = find_needed(w);
    w->written = NEW_ARRAY(w->arena, struct written, w->g->values.n);
    reserve_names(w, needed);
    write_inputs(w);
    write_constants(w, needed);
    for (int i = 0; i < w->g->nodes.n; i++)
        write_node(w, w->g->nodes.v[i]);
    write_outputs(w);
    write_head(w);
    return VN_OK;
}

static struct model_writer new_writer(struct vn_arena *a, const struct graph *g,
                                      const struct vn_onnx_write_options *o, struct vn_err *e)
{
    static const struct vn_onnx_write_options defaults = { 0 };
    return (struct model_writer){
        .arena = a,
        .g = g,
        .o = o ? o : &defaults,
        .names = vn_map_new(a),
        .node_names = vn_map_new(a),
        .opset = vn_onnx_write_opset(g),
        .e = e,
    };
}

static int serialize(struct wire_image *image, struct model_writer *w)
{
    *image = vn_wire_write(&w->model, &vn_onnx_model_message, w->arena);
    if (image->bytes > LARGEST_FILE)
        return vn_fail(w->e, VN_E_UNSUPPORTED, "%s: the ONNX file would have %zu bytes, expected at most %zu",
                       w->g->source, image->bytes, LARGEST_FILE);
    return VN_OK;
}

/* not used in src: vn_onnx_write_memory: fuzz targets read back what they write */
int vn_onnx_write_memory(const uint8_t **data, size_t *bytes, struct vn_arena *a, const struct graph *g,
                         const struct vn_onnx_write_options *o, struct vn_err *e)
{
    struct model_writer w = new_writer(a, g, o, e);
    struct wire_image pieces;
    TRY(build(&w));
    TRY(serialize(&pieces, &w));
    const struct wire_bytes image = vn_wire_join(&pieces, a);
    *data = image.p;
    *bytes = image.n;
    return VN_OK;
}

/* ---- weights beside the model, where they would make it too large ---- */

enum { SMALLEST_EXTERNAL = 1024, EXTERNAL_ALIGN = 4096 }; /* a page: readers map them */

static size_t constant_bytes(const struct model_writer *w)
{
    const struct onnx_tensor *t = w->graph.initializers.v;
    size_t sum = 0;
    for (int i = 0; i < w->graph.initializers.n; i++)
        sum += t[i].raw_data.n;
    return sum;
}

static void add_entry(struct vn_arena *a, struct wire_list *l, const char *key, const char *value)
{
    *(struct onnx_entry *)vn_wire_append(a, l, sizeof(struct onnx_entry)) = (struct onnx_entry){ key, value };
}

/* Move one constant behind `*at` bytes of the file. */
static int put_external(struct vn_file_out *f, struct onnx_tensor *t, const char *location, size_t *at,
                        struct vn_arena *a, struct vn_err *e)
{
    static const char zeros[EXTERNAL_ALIGN];
    const size_t gap = (EXTERNAL_ALIGN - *at % EXTERNAL_ALIGN) % EXTERNAL_ALIGN;
    TRY(vn_file_put(f, zeros, gap, e));
    TRY(vn_file_put(f, t->raw_data.p, t->raw_data.n, e));
    add_entry(a, &t->external_data, "location", location);
    add_entry(a, &t->external_data, "offset", vn_arena_fmt(a, "%zu", *at + gap));
    add_entry(a, &t->external_data, "length", vn_arena_fmt(a, "%zu", t->raw_data.n));
    t->data_location = 1;
    *at += gap + t->raw_data.n;
    t->raw_data = (struct wire_bytes){ NULL, 0 };
    return VN_OK;
}

static int write_external(struct model_writer *w, const char *path)
{
    const char *location = vn_arena_fmt(w->arena, "%s.data", vn_path_base(path));
    struct onnx_tensor *t = w->graph.initializers.v;
    struct vn_file_out *f;
    size_t at = 0;
    TRY(vn_file_create(&f, w->arena, vn_arena_fmt(w->arena, "%s.data", path), w->e));
    for (int i = 0; i < w->graph.initializers.n; i++)
        if (t[i].raw_data.n >= SMALLEST_EXTERNAL)
            TRY(put_external(f, &t[i], location, &at, w->arena, w->e));
    return vn_file_commit(f, w->e);
}

static int write_pieces(const char *path, const struct wire_image *image, struct vn_arena *a,
                        struct vn_err *e)
{
    struct vn_file_out *f;
    TRY(vn_file_create(&f, a, path, e));
    for (int i = 0; i < image->n; i++)
        TRY(vn_file_put(f, image->pieces[i].p, image->pieces[i].n, e));
    return vn_file_commit(f, e);
}

static int write_file(struct vn_arena *a, const struct graph *g, const char *path,
                      const struct vn_onnx_write_options *o, struct vn_err *e)
{
    struct model_writer w = new_writer(a, g, o, e);
    struct wire_image image;
    TRY(build(&w));
    const size_t most = w.o->external_above ? w.o->external_above
                                            : LARGEST_FILE - (1 << 26); /* the rest is for nodes and names */
    if (constant_bytes(&w) > most)
        TRY(write_external(&w, path));
    TRY(serialize(&image, &w));
    return write_pieces(path, &image, a, e);
}

int vn_onnx_write(const struct graph *g, const char *path, const struct vn_onnx_write_options *o,
                  struct vn_err *e)
{
    struct vn_arena *volatile arena = NULL;
    struct vn_oom guard;
    int status;
    if (VN_OOM_GUARD(&guard)) {
        arena = NULL; /* freed already */
        vn_guard_fail(&guard, e);
        status = vn_fail_at(e, "%s: writing", path);
    } else {
        arena = vn_arena_new();
        status = write_file(arena, g, path, o, e);
    }
    vn_oom_leave(&guard);
    struct vn_arena *a = arena;
    vn_arena_free(&a);
    return status;
}
