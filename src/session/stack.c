/* A network on many files: outputs stacked along their first axis where it is 1, else along a new one. */
#include "base/file.h"
#include "base/listen.h"
#include "data/samples.h"
#include "session/network.h"

struct stack {
    struct vn_arena *arena;
    struct vn_session *s;
    const char *const *files; /* by sample and input */
    int n; /* samples */
    struct vn_tensor **all; /* for each output */
    struct vn_shape *one; /* of a file's */
};

/* A sample is called as the file of its first input. */
static const char *name_of(const struct stack *st, int i) { return st->files[i * st->s->net->n_in]; }

/* N x shape of one output, whose own leading 1 is dropped. */
static int make_stack(struct stack *st, int k, const struct vn_view *v, struct vn_err *e)
{
    struct vn_shape *one = &st->one[k], shape = { .rank = 1, .d = { st->n } };
    *one = vn_shape_of(v->rank, v->shape);
    const int from = one->rank && one->d[0] == 1;
    if (one->rank - from >= VN_MAX_RANK)
        return vn_fail(
            e, VN_E_UNSUPPORTED,
            "%s: output %s has %d axes, the maximum: the results of several files cannot be stacked",
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
            name_of(st, i), v.name, vn_shape_text(&st->one[k], first), vn_shape_text(&now, got));
    vn_view_copy((char *)st->all[k]->data + (size_t)i * v.bytes, &v);
    return VN_OK;
}

static int run_file(struct stack *st, int i, struct vn_err *e)
{
    const int inputs = st->s->net->n_in;
    vn_session_name_sample(st->s, name_of(st, i));
    for (int k = 0; k < inputs; k++)
        TRY(vn_session_feed_file(st->s, k, st->files[i * inputs + k], e));
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
        const char *line = vn_arena_fmt(st->arena, "%s\n", vn_path_base(name_of(st, i)));
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

/* "NAME=DIR", or "DIR" for the only input. */
static int add_folder(const char ***of_input, int *n, const char *word, const struct vn_session *s,
                      struct vn_arena *a, struct vn_err *e)
{
    const char *folder;
    int count, input = s->net->n_in == 1 ? 0 : -1;
    TRY(vn_session_split_input(s, a, word, &input, &folder, e));
    if (input < 0)
        return vn_fail(e, VN_E_USAGE,
                       "%s has %d inputs: expected NAME=DIR with the name of one of them, got '%s'",
                       s->net->path, s->net->n_in, word);
    if (of_input[input])
        return vn_fail(e, VN_E_USAGE, "%s: two folders for input %s", word, s->net->in[input].name);
    TRY(vn_samples_paths(&of_input[input], &count, a, folder, e));
    if (*n >= 0 && count != *n)
        return vn_fail(e, VN_E_USAGE, "%s: %d files, expected %d as in the folder of the first input", folder,
                       count, *n);
    *n = count;
    return VN_OK;
}

static int run_folders(struct vn_session *s, const char *const *folders, int n_folders, int *n,
                       const char *folder, enum vn_view_format format, struct vn_arena *a, struct vn_err *e)
{
    const int inputs = s->net->n_in;
    const char ***of_input = NEW_ARRAY(a, const char **, inputs);
    *n = -1;
    for (int i = 0; i < n_folders; i++)
        TRY(add_folder(of_input, n, folders[i], s, a, e));
    for (int k = 0; k < inputs; k++)
        if (!of_input[k])
            return vn_fail(e, VN_E_USAGE,
                           "%s: input %s has no folder; each sample requires a file for every input",
                           s->net->path, s->net->in[k].name);
    const char **files = NEW_ARRAY(a, const char *, (size_t)*n *(size_t)inputs);
    for (int i = 0; i < *n * inputs; i++)
        files[i] = of_input[i % inputs][i / inputs];
    return run_files(s, files, *n, folder, format, e);
}

int vn_session_run_folders(struct vn_session *s, const char *const *folders, int n_folders, int *n,
                           const char *folder, enum vn_view_format format, struct vn_err *e)
{
    int status;
    struct vn_arena *a = vn_arena_new();
    VN_GUARDED(status, e, run_folders(s, folders, n_folders, n, folder, format, a, e));
    vn_arena_free(&a);
    return status;
}
