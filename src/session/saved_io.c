/* VERNIER_SAVE_IO=DIR: what goes in and out of every run, as a trace: the stages have the names of the
 * tensors, which a training program can give, too; images are the device's bytes in their shape. */
#include <stdlib.h>

#include "base/file.h"
#include "session/network.h"
#include "tensor/npy.h"

struct saved_files {
    struct vn_arena *a;
    struct vn_map *taken;
    const char *dir, *order; /* lines of order.txt so far */
};

static const char *path_for(struct saved_files *s, const char *name)
{
    const char *stage = vn_file_name(
        s->a, s->taken, vn_map_get(s->taken, name) ? vn_arena_fmt(s->a, "%s_output", name) : name);
    s->order = vn_arena_fmt(s->a, "%s%s\n", s->order, stage);
    return vn_path_join(s->a, s->dir, vn_arena_fmt(s->a, "%s.npy", stage));
}

static int write_line(const char *path, const char *text, struct vn_arena *a, struct vn_err *e)
{
    const char *line = vn_arena_fmt(a, "%s\n", text);
    return vn_file_write(path, line, strlen(line), e);
}

/* The folder belongs to the first model that is saved there; another one gets DIR.MODEL. */
static int model_folder(const char **dir, const struct vn_session *s, struct vn_arena *a, struct vn_err *e)
{
    char **lines;
    int n;
    TRY(vn_dir_make(*dir, e));
    const char *owner = vn_path_join(a, *dir, "model.txt");
    if (!vn_file_exists(owner))
        return write_line(owner, s->net->path, a, e);
    TRY(vn_file_lines(a, owner, &lines, &n, e));
    if (n && strcmp(lines[0], s->net->path) != 0)
        *dir = vn_arena_fmt(a, "%s.%s", *dir, vn_path_stem(a, s->net->path));
    return vn_dir_make(*dir, e);
}

/* The image's folder, as `align` reads it. */
static int sample_folder(const char **dir, const struct vn_session *s, struct vn_arena *a, struct vn_err *e)
{
    char *path = realpath(s->sample, NULL);
    const char *source = vn_arena_str(a, path ? path : s->sample);
    free(path);
    *dir = vn_path_join(a, *dir, vn_path_stem(a, s->sample));
    TRY(vn_dir_make(*dir, e));
    return write_line(vn_path_join(a, *dir, "source.txt"), source, a, e);
}

static int save_input(struct saved_files *to, const struct vn_session *s, int i, struct vn_err *e)
{
    const struct fed_input *f = &s->in[i];
    struct vn_tensor pixels = { .dtype = VN_U8, .data = f->pixels };
    if (f->pixels)
        pixels.shape = vn_session_pixel_shape(s, i);
    return vn_npy_write(path_for(to, s->net->in[i].name), f->pixels ? &pixels : &f->t, e);
}

static int save_output(struct saved_files *to, const struct vn_session *s, int i, struct vn_err *e)
{
    struct vn_view v;
    TRY(vn_session_output(s, i, &v, e));
    return vn_view_write(&v, path_for(to, s->net->out[i].name), VN_FORMAT_NPY, 0, e);
}

static int save_all(const struct vn_session *s, const char *dir, struct vn_arena *a, struct vn_err *e)
{
    TRY(model_folder(&dir, s, a, e));
    if (s->sample)
        TRY(sample_folder(&dir, s, a, e));
    struct saved_files to = { a, vn_map_new(a), dir, "" };
    for (int i = 0; i < s->net->n_in; i++)
        TRY(save_input(&to, s, i, e));
    for (int i = 0; i < s->net->n_out; i++)
        TRY(save_output(&to, s, i, e));
    return vn_file_write(vn_path_join(a, dir, "order.txt"), to.order, strlen(to.order), e);
}

int vn_session_save_io(const struct vn_session *s, struct vn_err *e)
{
    const char *dir = getenv("VERNIER_SAVE_IO");
    if (!dir || !*dir)
        return VN_OK;
    struct vn_arena *a = vn_arena_new();
    const int status = save_all(s, dir, a, e);
    vn_arena_free(&a);
    return status;
}
