/* What an edit removes, in order; files in and out. */
#include "edit/edit.h"

#include "base/file.h"
#include "base/guard.h"
#include "front/onnx/onnx.h"
#include "passes/pass.h"
#include "session/session.h"

struct vn_edited {
    struct vn_arena *arena;
    struct edge_list removed, removable;
    const char *text;
};

/* ---- one edit ---- */

struct edit {
    const struct edit_form *form;
    void *net;
    struct vn_arena *arena;
    struct edge_list *removed;
};

static const char *names_of(struct vn_arena *a, const struct edge_list *l)
{
    const char *text = "";
    for (int i = 0; i < l->v.n; i++)
        text = vn_arena_fmt(a, "%s%s'%s' (%s)", text, i ? ", " : "", l->v.v[i].name,
                            vn_edge_word(l->v.v[i].type));
    return l->v.n ? text : "none";
}

static struct edge_list list(const struct edit *d)
{
    struct edge_list now = { 0 };
    d->form->list(d->net, d->arena, &now);
    return now;
}

static const char *place_of(struct vn_arena *a, const struct vn_edge *x)
{
    return vn_arena_fmt(a, "%s %s", x->at_input ? "input" : "output", x->from);
}

static const char *parameters(struct vn_arena *a, const struct vn_edge *x)
{
    return vn_arena_fmt(a, "%s, scale %.9g, zero point %d", x->dtype == VN_I8 ? "int8" : "int16", x->scale,
                        x->zero);
}

static int remove_one(struct edit *d, const struct vn_edge *x, struct vn_err *e)
{
    struct vn_edge kept = *x;
    kept.name = vn_arena_str(d->arena, x->name);
    kept.from = vn_arena_str(d->arena, x->from);
    kept.to = vn_arena_str(d->arena, x->to);
    TRY(d->form->remove(d->net, x, e));
    VEC_PUSH(d->arena, &d->removed->v, kept);
    d->form->note(d->net, vn_arena_fmt(d->arena, "deleted.%s", kept.name),
                  vn_arena_fmt(d->arena, "%s at %s: %s", vn_edge_word(kept.type), place_of(d->arena, &kept),
                               kept.dtype ? parameters(d->arena, &kept) : kept.to));
    return VN_OK;
}

/* All of a type (-1: any), also those that come to the edge. Returns how many. */
static int remove_type(struct edit *d, int type, struct vn_err *e)
{
    for (int n = 0;; n++) {
        const struct edge_list now = list(d);
        int i = 0;
        while (i < now.v.n && type >= 0 && (int)now.v.v[i].type != type)
            i++;
        if (i == now.v.n)
            return n;
        TRY(remove_one(d, &now.v.v[i], e));
    }
}

static int remove_name(struct edit *d, const char *name, const struct vn_edit_options *o, struct vn_err *e)
{
    const struct edge_list now = list(d);
    for (int i = 0; i < now.v.n; i++)
        if (!strcmp(now.v.v[i].name, name))
            return remove_one(d, &now.v.v[i], e);
    if (o->lenient)
        vn_say(&o->listener, VN_LOG_WARNING, "node '%s' cannot be removed; nodes that can: %s", name,
               names_of(d->arena, &now));
    return o->lenient ? VN_OK
                      : vn_fail(e, VN_E_USAGE, "node '%s' cannot be removed; nodes that can: %s", name,
                                names_of(d->arena, &now));
}

static int remove_types(struct edit *d, const struct vn_edit_options *o, struct vn_err *e)
{
    for (int i = 0; i < o->n_types; i++) {
        const int type = vn_edge_find(o->types[i]);
        if (type < 0) {
            const struct edge_list now = list(d);
            return vn_fail(
                e, VN_E_USAGE,
                "type '%s' cannot be removed; expected Quantize, Dequantize, Transpose, Cast, Reshape or "
                "Softmax; nodes that can: %s",
                o->types[i], names_of(d->arena, &now));
        }
        const int n = remove_type(d, type, e);
        TRY(n);
        if (!n) {
            const struct edge_list now = list(d);
            vn_say(&o->listener, VN_LOG_WARNING, "no %s can be removed; nodes that can: %s",
                   vn_edge_word(type), names_of(d->arena, &now));
        }
    }
    return VN_OK;
}

static int replace_outputs(struct edit *d, const struct vn_edit_options *o, struct vn_err *e)
{
    const char *text = "";
    for (int i = 0; i < o->n_outputs; i++)
        text = vn_arena_fmt(d->arena, "%s%s%s", text, i ? ";" : "", o->outputs[i]);
    TRY(d->form->set_outputs(d->net, o->n_outputs, o->outputs, e));
    d->form->note(d->net, "output_nodes", text);
    return VN_OK;
}

int vn_edit_apply(const struct edit_form *f, void *net, struct vn_arena *a, const struct vn_edit_options *o,
                  struct edge_list *removed, struct vn_err *e)
{
    struct edit d = { f, net, a, removed };
    if (o->n_outputs)
        TRY(replace_outputs(&d, o, e));
    TRY(remove_types(&d, o, e));
    for (int i = 0; i < o->n_nodes; i++)
        TRY(remove_name(&d, o->nodes[i], o, e));
    if (o->all)
        TRY(remove_type(&d, -1, e));
    return VN_OK;
}

const char *vn_edit_text(struct vn_arena *a, const struct edge_list *removed)
{
    const char *text = "";
    for (int i = 0; i < removed->v.n; i++) {
        const struct vn_edge *x = &removed->v.v[i];
        text = vn_arena_fmt(a, "%sdeleted nodes: %s\n  type: %s\n  place: %s\n  replaced by: %s\n", text,
                            x->name, vn_edge_word(x->type), place_of(a, x), x->to);
        if (x->dtype)
            text = vn_arena_fmt(a, "%s  data type: %s\n  scale: %.9g\n  zero_point: %d\n", text,
                                x->dtype == VN_I8 ? "int8" : "int16", x->scale, x->zero);
    }
    return text;
}

/* ---- a .bin ---- */

/* What is written loads and can run. */
static int check_image(const struct vn_image *image, struct vn_err *e)
{
    struct vn_session *s;
    TRY(vn_session_open_memory(&s, image->data, image->bytes, NULL, e));
    vn_session_close(&s);
    return VN_OK;
}

int vn_edit_image(struct vn_image *image, struct vn_arena *a, const struct vn_edit_options *o,
                  struct edge_list *removed, struct vn_err *e)
{
    struct compile_options c;
    struct prog *p = vn_compile_read(a, &c, image->data);
    TRY(vn_edit_apply(&vn_edit_program, p, a, o, removed, e));
    TRY(vn_compile_write(image, a, p, &c, e));
    return check_image(image, e);
}

static int edit_bin(struct vn_edited *d, struct vn_arena *a, const char *path,
                    const struct vn_edit_options *o, struct vn_err *e)
{
    const uint8_t *data;
    struct vn_image image = { 0 };
    struct vn_session *s;
    TRY(vn_file_map(a, path, &data, &image.bytes, e));
    image.data = (void *)(uintptr_t)data;
    if (vn_model_pack_names(NULL, 0, data, image.bytes) > 0)
        return vn_fail(e, VN_E_UNSUPPORTED, "%s: is a pack; edit its models before packing them", path);
    TRY(vn_session_open(&s, path, NULL, e));
    vn_session_close(&s);
    if (vn_edit_image(&image, a, o, &d->removed, e) < 0)
        return vn_fail_at(e, "%s", path);
    struct compile_options c;
    vn_edit_program.list(vn_compile_read(d->arena, &c, vn_arena_copy(d->arena, image.data, image.bytes)),
                         d->arena, &d->removable);
    return o->output ? vn_file_write(o->output, image.data, image.bytes, e) : VN_OK;
}

/* ---- an ONNX file ---- */

static int edit_onnx(struct vn_edited *d, struct vn_arena *a, const char *path,
                     const struct vn_edit_options *o, struct vn_err *e)
{
    const struct vn_onnx_options read = { .listener = &o->listener };
    const struct vn_onnx_write_options write = { .producer_version = VN_VERSION };
    struct graph *g;
    TRY(vn_onnx_read(&g, a, path, &read, e));
    if (vn_passes_prepare(g, e) < 0)
        return vn_fail_at(e, "%s", path);
    vn_graph_imply(g);
    if (vn_edit_apply(&vn_edit_graph, g, a, o, &d->removed, e) < 0)
        return vn_fail_at(e, "%s", path);
    vn_edit_graph.list(g, a, &d->removable);
    return o->output ? vn_onnx_write(g, o->output, &write, e) : VN_OK;
}

/* ---- the job ---- */

static void keep_names(struct vn_arena *a, struct edge_list *l)
{
    struct edge_list kept = { 0 };
    for (int i = 0; i < l->v.n; i++) {
        struct vn_edge x = l->v.v[i];
        x.name = vn_arena_str(a, x.name);
        x.from = vn_arena_str(a, x.from);
        x.to = vn_arena_str(a, x.to);
        VEC_PUSH(a, &kept.v, x);
    }
    *l = kept;
}

static int is_onnx(const char *path) { return vn_path_has_suffix(path, ".onnx"); }

static int edit(struct vn_edited *d, struct vn_arena *work, const char *path, const struct vn_edit_options *o,
                struct vn_err *e)
{
    if (vn_path_has_suffix(path, ".caffemodel") || vn_path_has_suffix(path, ".prototxt"))
        return vn_fail(e, VN_E_UNSUPPORTED,
                       "%s: expected an .onnx file or a .bin; of a Caffe network, edit the converted files",
                       path);
    if (o->output && is_onnx(path) != is_onnx(o->output))
        return vn_fail(e, VN_E_USAGE, "%s: expected a name that ends in %s, as %s does", o->output,
                       is_onnx(path) ? ".onnx" : ".bin", path);
    TRY((is_onnx(path) ? edit_onnx : edit_bin)(d, work, path, o, e));
    d->text = vn_edit_text(d->arena, &d->removed);
    keep_names(d->arena, &d->removed);
    keep_names(d->arena, &d->removable);
    return VN_OK;
}

static int new_edit(struct vn_edited **out, const char *path, const struct vn_edit_options *o,
                    struct vn_err *e)
{
    struct vn_arena *kept = vn_arena_new(), *work = vn_arena_new();
    struct vn_edited *d = NEW(kept, struct vn_edited);
    d->arena = kept;
    const int status = edit(d, work, path, o, e);
    vn_arena_free(&work);
    if (status < 0)
        vn_edited_free(&d);
    else
        *out = d;
    return status;
}

void vn_edit_options_default(struct vn_edit_options *o) { *o = (struct vn_edit_options){ 0 }; }

int vn_edit(struct vn_edited **out, const char *path, const struct vn_edit_options *o, struct vn_err *e)
{
    int status;
    *out = NULL;
    VN_GUARDED(status, e, new_edit(out, path, o, e));
    return status;
}

const struct vn_edge *vn_edited_removed(const struct vn_edited *d, int *n)
{
    *n = d->removed.v.n;
    return d->removed.v.v;
}

const struct vn_edge *vn_edited_removable(const struct vn_edited *d, int *n)
{
    *n = d->removable.v.n;
    return d->removable.v.v;
}

const char *vn_edited_text(const struct vn_edited *d) { return d->text; }

void vn_edited_free(struct vn_edited **d)
{
    struct vn_arena *a = d && *d ? (*d)->arena : NULL;
    vn_arena_free(&a);
    if (d)
        *d = NULL;
}
