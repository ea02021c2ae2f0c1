#include "flow/compare_side.h"

#include <stdlib.h>

#include "base/file.h"
#include "format/bin.h"
#include "inspect/verify_inputs.h"
#include "ops/op.h"

int vn_compare_is_artefact(const char *path)
{
    struct vn_arena *a = vn_arena_new();
    const uint8_t *data = NULL;
    size_t bytes = 0;
    const int named = vn_path_has_suffix(path, ".onnx") || vn_path_has_suffix(path, ".caffemodel"),
              program = !named && vn_file_exists(path) &&
                        vn_file_map(a, path, &data, &bytes, NULL) == VN_OK && bytes >= sizeof BIN_MAGIC - 1 &&
                        (!memcmp(data, BIN_MAGIC, sizeof BIN_MAGIC - 1) ||
                         vn_model_pack_names(NULL, 0, data, bytes));
    vn_arena_free(&a);
    return named || program;
}

/* ---- an artefact ---- */

static void note_clamped(struct compare_side *side)
{
    const struct graph *g = vn_session_graph(side->s);
    for (int i = 0; g && i < g->values.n; i++) {
        const struct node *user = vn_graph_sole_user(g->values.v[i]);
        if (user && user->op->is_clamp)
            vn_map_set(side->clamped, g->values.v[i]->name, side);
    }
}

/* A layer's dump is named after the node. */
static void note_results(struct compare_side *side)
{
    const struct graph *g = vn_session_graph(side->s);
    struct vn_map *taken = vn_map_new(side->kept);
    for (int i = 0; g && i < g->nodes.n; i++) {
        const struct node *n = g->nodes.v[i];
        if (n->name && n->out[0])
            vn_map_set(side->results, vn_file_name(side->kept, taken, n->name), (void *)n->out[0]->name);
    }
}

void vn_compare_side_take(struct compare_side *side, struct vn_arena *a, const char *path,
                          struct vn_session *s)
{
    struct vn_map *taken = vn_map_new(a);
    *side = (struct compare_side){ .path = path,
                                   .s = s,
                                   .values = vn_map_new(a),
                                   .results = vn_map_new(a),
                                   .clamped = vn_map_new(a),
                                   .exact = vn_map_new(a),
                                   .stored = vn_map_new(a),
                                   .kept = a };
    for (int i = 0; i < vn_session_values(s); i++) {
        const char *name = vn_session_value_name(s, i);
        vn_map_set(side->values, vn_file_name(a, taken, name), (void *)name);
    }
    note_clamped(side);
    note_results(side);
    if (vn_session_graph(s))
        side->judges = vn_graph_judges(a, vn_session_graph(s));
}

int vn_compare_side_open(struct compare_side *side, struct vn_arena *a, const char *path,
                         const struct vn_compare_options *o, unsigned char *marks, struct vn_err *e)
{
    struct vn_session **s = vn_session_slot(a);
    TRY(vn_verify_open(s, path, 0, &o->with, marks, e));
    vn_compare_side_take(side, a, path, *s);
    return VN_OK;
}

static int is_wanted(const struct compare_side *side, int value)
{
    return !side->outputs_only || (side->judges && side->judges[value]) ||
           vn_session_output_find(side->s, vn_session_value_name(side->s, value)) >= 0;
}

static void note_stored(struct compare_side *side, const char *name, const struct vn_view *v)
{
    if (vn_dtype_is_float(v->dtype) || !v->n_scale || vn_map_get(side->stored, name))
        return;
    struct vn_view *view = NEW(side->kept, struct vn_view);
    *view = *v;
    vn_map_set(side->stored, name, view);
}

static void keep(void *user, int value, const struct vn_view *v)
{
    struct compare_side *side = user;
    if (value < 0 || !is_wanted(side, value))
        return;
    note_stored(side, vn_session_value_name(side->s, value), v);
    if (vn_trace_find(&side->t, vn_session_value_name(side->s, value)) >= 0)
        return;
    const struct vn_shape shape = vn_shape_of(v->rank, v->shape);
    struct vn_tensor *t = vn_tensor_new(side->arena, VN_F32, &shape);
    vn_view_real(t->data, v);
    if (!vn_dtype_is_float(v->dtype) && !v->n_scale)
        vn_map_set(side->exact, vn_session_value_name(side->s, value), side);
    vn_trace_add(&side->t, side->arena, vn_session_value_name(side->s, value), t);
}

/* What the caller gets: an input that leaves again is not what integer nodes read of it. */
static int take_outputs(struct compare_side *side, struct vn_err *e)
{
    int n;
    vn_session_outputs(side->s, &n);
    for (int i = 0; i < n; i++) {
        struct vn_view v;
        TRY(vn_session_output(side->s, i, &v, e));
        const int at = vn_trace_find(&side->t, v.name);
        const struct vn_shape shape = vn_shape_of(v.rank, v.shape);
        if (at < 0)
            continue;
        struct vn_tensor *t = vn_tensor_new(side->arena, VN_F32, &shape);
        vn_view_real(t->data, &v);
        side->t.sample[0].t[at] = t;
    }
    return VN_OK;
}

int vn_compare_side_run(struct compare_side *side, struct vn_arena *a, struct vn_err *e)
{
    side->arena = a;
    side->t = (struct trace){ .path = side->path };
    vn_trace_begin(&side->t, a, "");
    vn_session_observe(side->s, &(struct vn_observer){ .after = keep, .user = side });
    const int status = vn_session_run(side->s, e);
    vn_session_observe(side->s, NULL);
    return status < 0 ? status : take_outputs(side, e);
}

static const struct vn_port *find_port(const struct compare_side *artefact, const char *name)
{
    int n;
    for (int k = 0; artefact && k < 2; k++) {
        const struct vn_port *p =
            k ? vn_session_outputs(artefact->s, &n) : vn_session_inputs(artefact->s, &n);
        for (int i = 0; i < n; i++)
            if (!strcmp(p[i].name, name))
                return &p[i];
    }
    return NULL;
}

static int is_flat_of(const struct vn_tensor *t, const struct vn_port *p)
{
    const struct vn_shape want = vn_shape_of(p->rank, p->shape);
    return vn_shape_count(&t->shape) == vn_shape_count(&want);
}

/* The array of an input in a sample; NULL: it has none. */
static const struct vn_tensor *array_of(const struct compare_side *artefact, struct vn_arena *a,
                                        const struct compare_side *arrays, int sample, const char *input)
{
    for (int i = 0; i < arrays->t.n; i++) {
        const char *value = vn_compare_value(artefact, a, arrays->t.stage[i]);
        if (value && !strcmp(value, input) && arrays->t.sample[sample].t[i])
            return arrays->t.sample[sample].t[i];
    }
    return NULL;
}

int vn_compare_side_feed(struct compare_side *artefact, struct vn_arena *a, const struct compare_side *arrays,
                         int sample, struct vn_err *e)
{
    int n;
    const struct vn_port *in = vn_session_inputs(artefact->s, &n);
    for (int i = 0; i < n; i++) {
        const struct vn_tensor *t = array_of(artefact, a, arrays, sample, in[i].name);
        if (!t)
            return vn_fail(e, VN_E_USAGE,
                           "%s: input %s of %s is not among the arrays: expected %s.npy there, or --input or "
                           "--images",
                           arrays->path, in[i].name, artefact->path, in[i].name);
        const int flat = t->shape.rank != in[i].rank && is_flat_of(t, &in[i]);
        TRY(vn_session_feed_array(artefact->s, i, t->dtype, flat ? in[i].rank : t->shape.rank,
                                  flat ? in[i].shape : t->shape.d, NULL, t->data, e));
    }
    return VN_OK;
}

/* ---- names of files ---- */

/* "model_infer_output_3": the device's name of output 3; NULL: another name. */
static const char *numbered(const struct compare_side *artefact, const char *file)
{
    static const char *const kinds[] = { "model_infer_input_", "model_infer_output_" };
    for (int k = 0; k < 2; k++) {
        const size_t length = strlen(kinds[k]);
        int n;
        const struct vn_port *p =
            k ? vn_session_outputs(artefact->s, &n) : vn_session_inputs(artefact->s, &n);
        if (strncmp(file, kinds[k], length) != 0)
            continue;
        char *end;
        const long i = strtol(file + length, &end, 10);
        if (end != file + length && !*end && i >= 0 && i < n)
            return p[i].name;
    }
    return NULL;
}

const char *vn_compare_value(const struct compare_side *artefact, struct vn_arena *a, const char *file)
{
    static const char dequantized[] = "_float"; /* hrt_bin_dump: LAYER_float.bin */
    const size_t n = strlen(file), suffix = sizeof dequantized - 1;
    const char *value = artefact ? vn_map_get(artefact->values, file) : file;
    if (!value)
        value = numbered(artefact, file);
    if (value || n <= suffix || strcmp(file + n - suffix, dequantized) != 0)
        return value;
    const char *layer = vn_arena_strn(a, file, n - suffix);
    value = vn_map_get(artefact->values, layer);
    return value ? value : vn_map_get(artefact->results, layer);
}

/* ---- arrays ---- */

struct forms {
    VEC(const char *) v;
};

/* Elements are float32, but for inputs and outputs of the size of stored integers. */
static void add_form(struct forms *f, struct vn_arena *a, const char *stem, size_t bytes,
                     const struct vn_port *p)
{
    static const struct {
        size_t size;
        const char *name;
    } types[] = { { 4, "float32" }, { 2, "int16" }, { 1, "int8" } };
    const struct vn_shape shape = p ? vn_shape_of(p->rank, p->shape) : vn_shape_of(0, NULL);
    const size_t n = p ? (size_t)vn_shape_count(&shape) : bytes / 4;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (bytes && bytes == n * types[i].size) {
            VEC_PUSH(a, &f->v, vn_arena_fmt(a, "%s=%zu:%s", stem, n, types[i].name));
            return;
        }
}

static int add_forms(struct forms *f, struct vn_arena *a, const char *folder,
                     const struct compare_side *other, struct vn_err *e)
{
    const char **files;
    int n;
    TRY(vn_dir_list(a, folder, &files, &n, e));
    for (int i = 0; i < n; i++) {
        const char *stem = vn_path_stem(a, files[i]), *value = NULL;
        const uint8_t *data;
        size_t bytes;
        if (vn_raw_is_name(files[i]))
            value = vn_compare_value(other, a, stem);
        if (!value)
            continue;
        TRY(vn_file_map(a, vn_path_join(a, folder, files[i]), &data, &bytes, e));
        add_form(f, a, stem, bytes, find_port(other, value));
    }
    return VN_OK;
}

int vn_compare_side_read(struct compare_side *side, struct vn_arena *a, const char *path,
                         const struct compare_side *other, const struct vn_compare_options *o,
                         struct vn_err *e)
{
    struct forms f = { 0 };
    const char **folders;
    int n = 0;
    *side = (struct compare_side){ .path = path };
    for (int i = 0; i < o->n_raw; i++)
        VEC_PUSH(a, &f.v, o->raw[i]);
    if (other && vn_dir_exists(path)) {
        TRY(vn_dir_folders(a, path, &folders, &n, e));
        TRY(add_forms(&f, a, n ? vn_path_join(a, path, folders[0]) : path, other, e));
    }
    return vn_trace_read(&side->t, a, path, &(struct raw_forms){ f.v.v, f.v.n }, e);
}

/* The array in place of the data of a view. */
static const float *dequantized(struct vn_arena *a, const struct vn_view *v, const struct vn_tensor *t)
{
    struct vn_view of = *v;
    float *x = NEW_ARRAY(a, float, vn_shape_count(&t->shape));
    int64_t stride = 1;
    for (int i = of.rank - 1; i >= 0; stride *= of.shape[i--])
        of.stride[i] = stride;
    of.data = t->data;
    vn_view_real(x, &of);
    return x;
}

const float *vn_compare_reals(const struct compare_side *artefact, struct vn_arena *a, const char *name,
                              const struct vn_tensor *t, int exact)
{
    const int64_t n = vn_shape_count(&t->shape);
    const int is_stored = t->dtype == VN_I8 || t->dtype == VN_I16;
    const struct vn_port *p = is_stored ? find_port(artefact, name) : NULL;
    const struct vn_view *v = is_stored && artefact ? vn_map_get(artefact->stored, name) : NULL;
    if (t->dtype == VN_F32)
        return t->data;
    if (v && v->dtype == t->dtype && vn_view_count(v) == n)
        return dequantized(a, v, t);
    if (is_stored && !p && !exact)
        return NULL;
    float *x = NEW_ARRAY(a, float, n);
    vn_tensor_to_f32(x, t);
    for (int64_t i = 0; p && p->scale > 0 && i < n; i++)
        x[i] = (x[i] - (float)p->zero) * p->scale;
    return x;
}
