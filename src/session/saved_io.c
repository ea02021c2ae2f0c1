/* VERNIER_SAVE_IO=DIR: what goes in and out of every run, as .npy; pixels as the device's bytes. */
#include <stdlib.h>

#include "base/file.h"
#include "session/network.h"
#include "tensor/npy.h"

struct saved_files {
    struct vn_arena *a;
    struct vn_map *taken;
    const char *dir, *model;
};

static const char *path_for(const struct saved_files *s, const char *way, const char *name)
{
    const char *text = vn_arena_fmt(s->a, "%s.%s.%s", vn_path_stem(s->a, s->model), way, name);
    return vn_path_join(s->a, s->dir, vn_arena_fmt(s->a, "%s.npy", vn_file_name(s->a, s->taken, text)));
}

/* The image's folder, as `align` reads it. */
static int sample_folder(const char **dir, const struct vn_session *s, struct vn_arena *a, struct vn_err *e)
{
    char *path = realpath(s->sample, NULL);
    const char *line = vn_arena_fmt(a, "%s\n", path ? path : s->sample);
    free(path);
    *dir = vn_path_join(a, *dir, vn_path_stem(a, s->sample));
    TRY(vn_dir_make(*dir, e));
    return vn_file_write(vn_path_join(a, *dir, "source.txt"), line, strlen(line), e);
}

static int save_input(const struct saved_files *to, const struct vn_session *s, int i, struct vn_err *e)
{
    const struct fed_input *f = &s->in[i];
    const struct vn_shape flat = vn_shape_of(1, (int64_t[]){ (int64_t)s->net->in[i].bytes });
    const struct vn_tensor pixels = { VN_U8, flat, f->pixels };
    return vn_npy_write(path_for(to, "input", s->net->in[i].name),
                        f->pixels && f->given == f->pixels ? &pixels : &f->t, e);
}

static int save_output(const struct saved_files *to, const struct vn_session *s, int i, struct vn_err *e)
{
    struct vn_view v;
    TRY(vn_session_output(s, i, &v, e));
    return vn_view_write(&v, path_for(to, "output", s->net->out[i].name), VN_FORMAT_NPY, 0, e);
}

static int save_all(const struct vn_session *s, const char *dir, struct vn_arena *a, struct vn_err *e)
{
    TRY(vn_dir_make(dir, e));
    if (s->sample)
        TRY(sample_folder(&dir, s, a, e));
    const struct saved_files to = { a, vn_map_new(a), dir, s->net->path };
    for (int i = 0; i < s->net->n_in; i++)
        TRY(save_input(&to, s, i, e));
    for (int i = 0; i < s->net->n_out; i++)
        TRY(save_output(&to, s, i, e));
    return VN_OK;
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
