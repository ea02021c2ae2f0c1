/* Outputs and tensors as files. */
#include "base/file.h"
#include "session/network.h"

static int write_outputs(const struct vn_session *s, const char *folder, enum vn_view_format format,
                         struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    struct vn_map *taken = vn_map_new(a);
    int status = vn_dir_make(folder, e);
    for (int i = 0; i < s->net->n_out && status == VN_OK; i++) {
        struct vn_view v;
        status = vn_session_output(s, i, &v, e);
        if (status == VN_OK)
            status = vn_view_write(&v, vn_view_path(a, folder, taken, v.name, format), format, 0, e);
    }
    vn_arena_free(&a);
    return status;
}

int vn_session_write_outputs(const struct vn_session *s, const char *folder, enum vn_view_format format,
                             struct vn_err *e)
{
    int status;
    VN_GUARDED(status, e, write_outputs(s, folder, format, e));
    return status;
}

const char *vn_view_path(struct vn_arena *a, const char *folder, struct vn_map *taken, const char *name,
                         enum vn_view_format format)
{
    return vn_path_join(a, folder,
                        vn_arena_fmt(a, "%s.%s", vn_file_name(a, taken, name), vn_view_format_word(format)));
}

/* ---- every tensor ---- */

struct dump {
    struct vn_arena *arena;
    const struct vn_session *s;
    const char *folder;
    struct vn_map *taken;
    unsigned char *written; /* by value id: a tensor that stands for it */
    int dequantize, status;
    struct vn_err *e;
};

/* Does it stand for its value in a file of its name? The first one does: the value itself, an input as it is
 * given, the copy by which a constant leaves. Other copies come after what they copy. */
static int stands_for_value(const struct vn_view *v)
{
    return v->role == VN_ROLE_VALUE || v->role == VN_ROLE_BYTES || v->role == VN_ROLE_COPY;
}

/* What stands for the value has its name; everything else says what it is. NULL: written already. */
static const char *dump_name(struct dump *d, const struct vn_view *v)
{
    const int value = vn_session_value_of(d->s, v->tensor);
    if (!stands_for_value(v))
        return vn_arena_fmt(d->arena, "%s.%s", v->name, vn_role_word(v->role));
    if (value >= 0 && d->written[value]++)
        return NULL;
    return v->name;
}

static void dump_tensor(void *user, const struct vn_view *v)
{
    struct dump *d = user;
    const int is_pixels = v->role == VN_ROLE_BYTES && v->dtype == VN_U8; /* "pixel - 128" follows */
    const char *name = d->status < 0 || is_pixels ? NULL : dump_name(d, v);
    if (name)
        d->status = vn_view_write(v, vn_view_path(d->arena, d->folder, d->taken, name, VN_FORMAT_NPY),
                                  VN_FORMAT_NPY, d->dequantize, d->e);
}

static int dump(struct vn_session *s, struct dump *d)
{
    TRY(vn_dir_make(d->folder, d->e));
    vn_model_watch(s->model, &(struct vn_watch){ .after = dump_tensor, .user = d });
    const int status = vn_session_run(s, d->e);
    vn_session_watch_model(s);
    return status < 0 ? status : d->status;
}

static int dump_guarded(struct vn_session *s, const char *folder, int dequantize, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    struct dump d = {
        .arena = a, .s = s, .folder = folder, .taken = vn_map_new(a), .dequantize = dequantize, .e = e
    };
    d.written = NEW_ARRAY(a, unsigned char, s->net->n_values);
    const int status = dump(s, &d);
    vn_arena_free(&a);
    return status;
}

int vn_session_dump(struct vn_session *s, const char *folder, int dequantize, struct vn_err *e)
{
    int status;
    if (!s->model)
        return vn_fail(e, VN_E_UNSUPPORTED,
                       "%s: writing every tensor is unsupported on the reference executor", s->net->path);
    VN_GUARDED(status, e, dump_guarded(s, folder, dequantize, e));
    return status;
}
