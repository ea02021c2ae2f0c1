/* Reads what a session runs, and says which inputs, outputs and values it has. */
#include "session/network.h"

#include "base/file.h"
#include "data/samples.h"
#include "format/bin.h"
#include "front/front.h"
#include "ops/op.h"
#include "passes/pass.h"
#include "runtime/model.h"
#include "session/input_text.h"
#include "tensor/npy.h"

/* ---- the account ---- */

int vn_network_take(struct network *n, size_t bytes, const char *what, struct vn_err *e)
{
    const size_t before = atomic_fetch_add(&n->taken, bytes);
    if (!n->limit || (before <= n->limit && bytes <= n->limit - before))
        return VN_OK;
    atomic_fetch_sub(&n->taken, bytes);
    return vn_fail(e, VN_E_NOMEM, "%s: %s requires %zu bytes in addition to %zu: the limit is %zu", n->path,
                   what, bytes, before, n->limit);
}

int vn_session_take(struct vn_session *s, size_t bytes, const char *what, struct vn_err *e)
{
    TRY(vn_network_take(s->net, bytes, what, e));
    s->taken += bytes;
    return VN_OK;
}

void vn_network_leave(struct network *n)
{
    if (atomic_fetch_sub(&n->users, 1) != 1)
        return;
    struct vn_arena *a = n->arena;
    vn_arena_free(&a);
}

/* ---- reading ---- */

/* The shape of a .npy file; 0: it is none. */
static int npy_shape(struct vn_shape *s, const char *path)
{
    struct vn_arena *a = vn_arena_new();
    const uint8_t *data;
    size_t bytes;
    struct vn_tensor *t;
    const int good = vn_file_map(a, path, &data, &bytes, NULL) == VN_OK && vn_npy_is(data, bytes) &&
                     vn_npy_parse(&t, a, data, bytes, path, NULL) == VN_OK;
    if (good)
        *s = t->shape;
    vn_arena_free(&a);
    return good;
}

static void add_file_shapes(struct vn_onnx_options *read, struct vn_onnx_input_shape *shapes,
                            const struct network *n, const struct vn_session_options *o)
{
    for (int i = 0; i < o->n_files; i++) {
        struct vn_onnx_input_shape *x = &shapes[read->n_shapes];
        const char *eq = strchr(o->files[i], '=');
        x->name = eq ? vn_arena_strn(n->arena, o->files[i], (size_t)(eq - o->files[i])) : NULL;
        x->place = i;
        x->where_open = 1;
        read->n_shapes += npy_shape(&x->shape, eq ? eq + 1 : o->files[i]);
    }
}

static int read_onnx(struct graph **g, struct network *n, const struct session_source *from,
                     const struct vn_session_options *o, struct vn_err *e)
{
    struct vn_onnx_input_shape *shapes =
        NEW_ARRAY(n->arena, struct vn_onnx_input_shape, o->inputs.n_shapes + o->n_files);
    for (int i = 0; i < o->inputs.n_shapes; i++) {
        shapes[i].name = o->inputs.shape_names[i];
        if (vn_shape_parse(&shapes[i].shape, o->inputs.shapes[i], e) < 0)
            return vn_fail_at(e, "shape of input %s", o->inputs.shape_names[i]);
    }
    struct vn_onnx_options read = { .shapes = shapes,
                                    .n_shapes = o->inputs.n_shapes,
                                    .values = o->inputs.values,
                                    .n_values = o->inputs.n_values,
                                    .shape_marks = o->marks,
                                    .value_marks = o->marks ? o->marks + o->inputs.n_shapes : NULL,
                                    .listener = o->listener };
    if (n->kind == VN_ARTEFACT_ONNX)
        add_file_shapes(&read, shapes, n, o);
    return from->path ? vn_model_read(g, n->arena, n->path, o->prototxt, &read, e)
                      : vn_onnx_read_memory(g, n->arena, from->image, from->bytes, NULL, &read, e);
}

static int prepare_graph(struct network *n, const struct session_source *from,
                         const struct vn_session_options *o, struct vn_err *e)
{
    struct graph *g;
    TRY(read_onnx(&g, n, from, o, e));
    if (vn_passes_prepare(g, e) < 0)
        return vn_fail_at(e, "%s", n->path);
    vn_graph_imply(g);
    n->graph = g;
    return VN_OK;
}

/* The image outlives what compiling leaves behind. */
static int compile_graph(struct network *n, const struct session_source *from,
                         const struct vn_session_options *o, struct vn_err *e)
{
    struct compile_options c;
    struct vn_image image;
    vn_compile_defaults(&c);
    c.level = o->level;
    struct vn_arena *a = vn_arena_new();
    int status = vn_compile(&image, a, n->graph, from->compile ? from->compile : &c, e);
    if (status == VN_OK)
        status = vn_network_take(n, image.bytes, "the program", e);
    if (status == VN_OK) {
        n->image = vn_arena_copy(n->arena, image.data, image.bytes);
        n->image_bytes = image.bytes;
    }
    vn_arena_free(&a);
    return status;
}

static int map_image(struct network *n, const struct session_source *from, const char *model,
                     struct vn_err *e)
{
    const uint8_t *data = from->image;
    n->image_bytes = from->bytes;
    if (from->path)
        TRY(vn_file_map(n->arena, from->path, &data, &n->image_bytes, e));
    n->image = data;
    return rt_is_pack(n->image, n->image_bytes) ? rt_pack_find(&n->image, &n->image_bytes, model, e) : VN_OK;
}

static enum vn_artefact kind_of(const struct session_source *from, const struct vn_session_options *o)
{
    if (from->graph)
        return VN_ARTEFACT_GRAPH;
    if (!from->path)
        return from->bytes >= 8 &&
                       (!memcmp(from->image, BIN_MAGIC, 8) || rt_is_pack(from->image, from->bytes))
                   ? VN_ARTEFACT_BIN
                   : VN_ARTEFACT_ONNX;
    if (o->prototxt || vn_path_has_suffix(from->path, ".caffemodel"))
        return VN_ARTEFACT_CAFFE;
    return vn_path_has_suffix(from->path, ".onnx") ? VN_ARTEFACT_ONNX : VN_ARTEFACT_BIN;
}

int vn_network_read(struct network *n, const struct session_source *from, const struct vn_session_options *o,
                    struct vn_err *e)
{
    n->kind = kind_of(from, o);
    n->path = vn_arena_str(n->arena, from->path                           ? from->path
                                     : from->graph && from->graph->source ? from->graph->source
                                                                          : "memory");
    n->limit = o->memory_limit;
    n->listener = o->listener;
    n->graph = from->graph;
    if (o->pipeline)
        TRY(vn_pipeline_parse(&n->pipeline, n->arena, o->pipeline, e));
    if (n->kind == VN_ARTEFACT_BIN && o->reference)
        return vn_fail(e, VN_E_USAGE, "%s: expected an .onnx file; the reference executor cannot run a .bin",
                       n->path);
    if (n->kind == VN_ARTEFACT_BIN && (o->inputs.n_shapes || o->inputs.n_values) && !o->marks)
        return vn_fail(e, VN_E_USAGE,
                       "%s: shapes and values of inputs are fixed in a .bin: set them when it is "
                       "converted",
                       n->path);
    if (n->kind == VN_ARTEFACT_BIN)
        return map_image(n, from, o->run.model, e) < 0 ? vn_fail_at(e, "%s", n->path) : VN_OK;
    if (!n->graph)
        TRY(prepare_graph(n, from, o, e));
    return o->reference || o->inspect
               ? vn_network_take(n, vn_reference_bytes(n->graph), "the reference executor", e)
               : compile_graph(n, from, o, e);
}

/* ---- values and tensors ---- */

static void add_value(struct network *n, const char *name)
{
    n->value_name[n->n_values] = name;
    vn_map_set(n->by_name, name, &n->value_name[n->n_values++]);
}

/* Values of a graph have its ids; those of a .bin are its tensors' names in their order. */
static void list_values(struct network *n, const struct vn_model *m)
{
    struct vn_view t;
    n->n_tensors = m ? vn_model_tensors(m) : 0;
    n->by_name = vn_map_new(n->arena);
    n->value_name = NEW_ARRAY(n->arena, const char *, n->graph ? n->graph->values.n : n->n_tensors);
    for (int i = 0; n->graph && i < n->graph->values.n; i++)
        add_value(n, n->graph->values.v[i]->name);
    for (int i = 0; !n->graph && i < n->n_tensors; i++)
        if (vn_model_tensor(m, i, &t) == VN_OK && *t.name && !vn_map_get(n->by_name, t.name))
            add_value(n, vn_arena_str(n->arena, t.name));
}

static int value_named(const struct network *n, const char *name)
{
    const char **at = vn_map_get(n->by_name, name);
    return at ? (int)(at - n->value_name) : -1;
}

/* The tensor with the role of the value is the value itself, unless it is a constant: then the copy by which
 * it leaves is. */
static void list_tensors(struct network *n, const struct vn_model *m)
{
    struct vn_view t;
    unsigned char *has = NEW_ARRAY(n->arena, unsigned char, n->n_values);
    n->value_of = NEW_ARRAY(n->arena, int, n->n_tensors);
    n->itself = NEW_ARRAY(n->arena, unsigned char, n->n_tensors);
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < n->n_tensors && vn_model_tensor(m, i, &t) == VN_OK; i++) {
            const int v = n->value_of[i] = value_named(n, t.name);
            if (v < 0 || t.constant || has[v] || t.role != (pass ? VN_ROLE_COPY : VN_ROLE_VALUE))
                continue;
            n->itself[i] = has[v] = 1;
        }
}

/* ---- inputs ---- */

static const char *meta_of(const struct network *n, const struct vn_model *m, const char *key)
{
    return n->graph ? vn_graph_meta(n->graph, key) : vn_model_meta(m, key);
}

/* The network's input shape of an image of a .bin, whose own shape is that of its bytes. */
static int image_shape(struct vn_shape *s, const struct network *n, int i, const struct vn_io *io,
                       struct vn_err *e)
{
    const int nv12 = io->type == VN_IN_NV12, last = io->channels_last;
    if (io->rank != (nv12 ? 3 : 4) || n->config[i].type_rt == VN_IN_FEATUREMAP)
        return vn_fail(e, VN_E_INPUT, "%s: input %s is an image, but the file does not declare its type",
                       n->path, io->name);
    const int64_t *d = io->shape, c = nv12 ? 3 : d[last ? 3 : 1], h = nv12 ? d[1] / 3 * 2 : d[last ? 1 : 2],
                  w = nv12 ? d[2] : d[last ? 2 : 3];
    *s = n->config[i].layout_train == LAYOUT_NHWC ? vn_shape_of(4, (int64_t[]){ d[0], h, w, c })
                                                  : vn_shape_of(4, (int64_t[]){ d[0], c, h, w });
    return VN_OK;
}

static int is_image_of(const struct vn_pixel_format *f, const struct vn_shape *s)
{
    return f->w > 0 && f->h > 0 && s->d[f->channels_last_train ? 3 : 1] == vn_pixel_channels(f) &&
           (f->rt != VN_IN_NV12 || (f->w % 2 == 0 && f->h % 2 == 0));
}

/* The file is not trusted: an image must have the channels and bytes of its kind, since buffers are sized by
 * either. */
static int describe_image(struct network *n, int i, const struct vn_io *io, struct vn_err *e)
{
    struct vn_port *p = &n->in[i];
    const struct vn_shape s = vn_shape_of(p->rank, p->shape);
    struct vn_pixel_format f;
    char text[VN_SHAPE_TEXT];
    int good = s.rank == 4 && s.d[0] > 0 && vn_input_format(&f, &n->config[i], &s) && is_image_of(&f, &s);
    p->bytes = good ? (size_t)s.d[0] * vn_pixels_bytes(&f) : 0;
    if (io && io->type != VN_IN_FEATUREMAP)
        good &= io->bytes == p->bytes;
    else if (io && !n->graph)
        good &= io->dtype == VN_F32 || io->dtype == VN_I8;
    if (!good)
        return vn_fail(e, VN_E_INPUT, "%s: input %s of shape %s is not a %s image, as the file declares",
                       n->path, p->name, vn_shape_text(&s, text), vn_input_type_word(p->type));
    p->given = VN_U8;
    p->channels_last = f.channels_last_rt && f.rt != VN_IN_NV12;
    p->nhwc = f.channels_last_train;
    return VN_OK;
}

static void set_shape(struct vn_port *p, const struct vn_shape *s)
{
    p->rank = s->rank;
    memcpy(p->shape, s->d, sizeof p->shape);
}

static void describe_value(struct vn_port *p, const struct value *v)
{
    *p = (struct vn_port){ .name = v->name,
                           .dtype = v->dtype,
                           .scale = v->q ? v->q->scale[0] : 0,
                           .zero = v->q ? v->q->zero[0] : 0 };
    set_shape(p, &v->shape);
}

static void describe_io(struct vn_port *p, const struct network *n, const struct vn_io *io)
{
    const int image = io->type != VN_IN_FEATUREMAP;
    const struct vn_shape s = vn_shape_of(io->rank, io->shape);
    *p = (struct vn_port){ .name = vn_arena_str(n->arena, io->name),
                           .dtype = image || io->scale > 0 ? VN_F32 : io->dtype,
                           .scale = image ? 1 : io->scale,
                           .zero = io->zero };
    set_shape(p, &s);
}

/* "pixel - 128" is given as its integers. */
static int is_shifted_pixels(const struct vn_port *p) { return p->scale == 1 && p->zero == 0; }

static void list_steps(struct network *n, const struct vn_model *m)
{
    const char *own = meta_of(n, m, "pipeline");
    n->features = n->pipeline;
    if (!n->features && own && vn_pipeline_yaml(&n->features, n->arena, own, strlen(own), n->path, NULL) < 0)
        n->features = NULL;
}

static int describe_input(struct network *n, int i, const struct vn_model *m, const struct vn_io *io,
                          struct vn_err *e)
{
    struct vn_port *p = &n->in[i];
    struct vn_shape s;
    if (n->graph)
        describe_value(p, n->graph->inputs.v[i]);
    else
        describe_io(p, n, io);
    vn_input_parse(&n->config[i], n->arena, meta_of(n, m, vn_arena_fmt(n->arena, "input.%s", p->name)));
    n->config[i].name = p->name;
    p->value = value_named(n, p->name);
    p->type = n->config[i].type_rt;
    if (io && io->type != VN_IN_FEATUREMAP && !n->graph) {
        TRY(image_shape(&s, n, i, io, e));
        set_shape(p, &s);
    }
    if (p->type != VN_IN_FEATUREMAP) {
        p->dtype = VN_F32;
        return describe_image(n, i, io, e);
    }
    p->nhwc = p->rank == 4 && meta_of(n, m, vn_arena_fmt(n->arena, VN_TURNED_KEY "%s", p->name)) != NULL;
    s = vn_shape_of(p->rank, p->shape);
    const struct value *v = n->graph ? n->graph->inputs.v[i] : NULL;
    p->given = io ? io->dtype : v && v->raw_input ? v->q->dtype : is_shifted_pixels(p) ? VN_I8 : p->dtype;
    p->bytes = io ? io->bytes : (size_t)vn_shape_count(&s) * vn_dtype_size(p->given);
    return VN_OK;
}

static void describe_output(struct network *n, int i, const struct vn_io *io)
{
    if (n->graph)
        describe_value(&n->out[i], n->graph->outputs.v[i]);
    else
        describe_io(&n->out[i], n, io);
    if (n->graph && !n->graph->outputs.v[i]->raw_output)
        n->out[i].scale = 0; /* leaves as real numbers */
    n->out[i].value = value_named(n, n->out[i].name);
}

int vn_network_describe(struct network *n, const struct vn_model *m, struct vn_err *e)
{
    const struct vn_io *in = m ? vn_model_inputs(m, &n->n_in) : NULL,
                       *out = m ? vn_model_outputs(m, &n->n_out) : NULL;
    if (!m) {
        n->n_in = n->graph->inputs.n;
        n->n_out = n->graph->outputs.n;
    }
    n->in = NEW_ARRAY(n->arena, struct vn_port, n->n_in);
    n->out = NEW_ARRAY(n->arena, struct vn_port, n->n_out);
    n->config = NEW_ARRAY(n->arena, struct input_config, n->n_in);
    list_values(n, m);
    list_tensors(n, m);
    list_steps(n, m);
    for (int i = 0; i < n->n_in; i++)
        TRY(describe_input(n, i, m, in ? &in[i] : NULL, e));
    for (int i = 0; i < n->n_out; i++)
        describe_output(n, i, out ? &out[i] : NULL);
    return VN_OK;
}
