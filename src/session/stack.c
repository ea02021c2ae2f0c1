/* A network on many files: outputs stacked along their first axis where it is 1, else along a new one. */
#include "base/file.h"
#include "base/listen.h"
#include "session/network.h"

struct stack {
    struct vn_arena *arena;
    struct vn_session *s;
    const char *const *files;
    int n;
    struct vn_tensor **all; /* for each output */
    struct vn_shape *one; /* of a file's */
};

/* N x shape of one output, whose own leading 1 is dropped. */
static int make_stack(struct stack *st, int k, const struct vn_view *v, struct vn_err *e)
{
    struct vn_shape *one = &st->one[k], shape = { .rank = 1, .d = { st->n } };
    *one = vn_shape_of(v->rank, v->shape);
    const int from = one->rank && one->d[0] == 1;
    if (one->rank - from >= VN_MAX_RANK)
        return vn_fail(e, VN_E_UNSUPPORTED, "%s: output %s has %d axes: there is none left for the files",
                       st->s->net->path, v->name, one->rank);
    for (int i = from; i < one->rank; i++)
        shape.d[shape.rank++] = one->d[i];
    st->all[k] = vn_tensor_new(st->arena, v->dtype, &shape);
    return VN_OK;
}

static int stack_output(struct stack *st, int i, int k, struct vn_err *e)
{
    struct vn_view v;
    char got[VN_SHAPE_TEXT], first[VN_SHAPE_TEXT];
    TRY(vn_session_output(st->s, k, &v, e));
    if (!i)
        TRY(make_stack(st, k, &v, e));
    const struct vn_shape now = vn_shape_of(v.rank, v.shape);
    if (!vn_shape_equal(&now, &st->one[k]))
        return vn_fail(
            e, VN_E_INPUT,
            "%s: output %s: expected shape %s as for the first file, got %s: outputs cannot be stacked",
            st->files[i], v.name, vn_shape_text(&st->one[k], first), vn_shape_text(&now, got));
    vn_view_copy((char *)st->all[k]->data + (size_t)i * v.bytes, &v);
    return VN_OK;
}

static int run_file(struct stack *st, int i, struct vn_err *e)
{
    vn_session_name_sample(st->s, st->files[i]);
    TRY(vn_session_feed_file(st->s, 0, st->files[i], e));
    TRY(vn_session_run(st->s, e));
    for (int k = 0; k < st->s->net->n_out; k++)
        TRY(stack_output(st, i, k, e));
    return VN_OK;
}

static int write_names(const struct stack *st, const char *folder, struct vn_err *e)
{
    struct vn_file_out *f;
    TRY(vn_file_create(&f, st->arena, vn_path_join(st->arena, folder, "files.txt"), e));
    for (int i = 0; i < st->n; i++) {
        const char *line = vn_arena_fmt(st->arena, "%s\n", vn_path_base(st->files[i]));
        TRY(vn_file_put(f, line, strlen(line), e));
    }
    return vn_file_commit(f, e);
}

static int write_stack(const struct stack *st, const char *folder, enum vn_view_format format,
                       struct vn_err *e)
{
    struct vn_map *taken = vn_map_new(st->arena);
    for (int k = 0; k < st->s->net->n_out; k++) {
        const char *path = vn_view_path(st->arena, folder, taken, st->s->net->out[k].name, format);
        TRY(vn_tensor_write(st->all[k], path, format, st->arena, e));
    }
    return write_names(st, folder, e);
}

static int run_stack(struct stack *st, const char *folder, enum vn_view_format format, struct vn_err *e)
{
    st->all = NEW_ARRAY(st->arena, struct vn_tensor *, st->s->net->n_out);
    st->one = NEW_ARRAY(st->arena, struct vn_shape, st->s->net->n_out);
    if (folder)
        TRY(vn_dir_make(folder, e));
    for (int i = 0; i < st->n; i++) {
        TRY(run_file(st, i, e));
        vn_progress(st->s->net->listener, "pictures", i + 1, st->n);
    }
    return folder && st->n ? write_stack(st, folder, format, e) : VN_OK;
}

static int run_files(struct vn_session *s, const char *const *files, int n, const char *folder,
                     enum vn_view_format format, struct vn_err *e)
{
    if (s->net->n_in != 1)
        return vn_fail(e, VN_E_USAGE,
                       "%s has %d inputs: files can be run one by one where there is one; else give a file "
                       "for each input (--input NAME=FILE)",
                       s->net->path, s->net->n_in);
    struct stack st = { .arena = vn_arena_new(), .s = s, .files = files, .n = n };
    const int status = run_stack(&st, folder, format, e);
    vn_session_name_sample(s, NULL);
    vn_arena_free(&st.arena);
    return status;
}

int vn_session_run_files(struct vn_session *s, const char *const *files, int n, const char *folder,
                         enum vn_view_format format, struct vn_err *e)
{
    int status;
    VN_GUARDED(status, e, run_files(s, files, n, folder, format, e));
    return status;
}

static int list_files(const char ***paths, int *n, struct vn_arena *a, const char *dir, struct vn_err *e)
{
    const char **names;
    TRY(vn_dir_list(a, dir, &names, n, e));
    VEC(const char *) v = { 0 };
    for (int i = 0; i < *n; i++)
        if (vn_picture_is_image_name(names[i]) || vn_path_has_suffix(names[i], ".npy") ||
            vn_path_has_suffix(names[i], ".bin"))
            VEC_PUSH(a, &v, vn_path_join(a, dir, names[i]));
    *paths = v.v;
    *n = v.n;
    return v.n ? VN_OK : vn_fail(e, VN_E_INPUT, "%s: no images, .npy or .bin files", dir);
}

static int run_folder(struct vn_session *s, const char *images, int *n, const char *folder,
                      enum vn_view_format format, struct vn_err *e)
{
    const char **paths;
    struct vn_arena *a = vn_arena_new();
    int status = list_files(&paths, n, a, images, e);
    if (status == VN_OK)
        status = run_files(s, paths, *n, folder, format, e);
    vn_arena_free(&a);
    return status;
}

int vn_session_run_folder(struct vn_session *s, const char *images, int *n, const char *folder,
                          enum vn_view_format format, struct vn_err *e)
{
    int status;
    VN_GUARDED(status, e, run_folder(s, images, n, folder, format, e));
    return status;
}
