/* A configuration that cannot be used as it is written: what its misspelt words mean. */
#include <string.h>

#include "base/file.h"
#include "base/words.h"
#include "flow/diagnosis.h"

/* What lies in its folder and is nearest; NULL: it is there, or nothing is near. */
static const char *nearest_path(struct vn_arena *a, const struct config *c, const char *path, int folder)
{
    const char *whole = vn_path_join(a, c->folder, path), *last = strrchr(path, '/'), **names;
    struct vn_err why;
    int n;
    if (vn_file_exists(path) || vn_dir_exists(path) || vn_file_exists(whole) || vn_dir_exists(whole) ||
        (folder ? vn_dir_folders : vn_dir_list)(a, vn_path_folder(a, whole), &names, &n, &why) < 0)
        return NULL;
    const char *name = last ? last + 1 : path, *near = vn_nearest(name, names, n);
    return near ? vn_arena_fmt(a, "%.*s%s", (int)(name - path), path, near) : NULL;
}

static const struct {
    const char *key;
    int folder;
} paths[] = { { "onnx_model", 0 }, { "caffe_model", 0 }, { "prototxt", 0 }, { "cal_data_dir", 1 } };

static const char *nearest_march(struct vn_arena *a, const char *march)
{
    const char **names;
    const int n = vn_target_list(a, &names);
    for (int i = 0; i < n; i++)
        if (!strcmp(names[i], march))
            return NULL;
    return vn_nearest(march, names, n);
}

static void mean(const char **set, int *n, struct vn_arena *a, const char *key, const char *value)
{
    if (value && *n < MOST_SETS)
        set[(*n)++] = vn_arena_fmt(a, "%s=%s", key, value);
}

int vn_flow_meant(const char **set, const struct flow_job *j)
{
    const struct config *c = j->config;
    int n = 0;
    for (; n < c->meant.n && n < MOST_SETS; n++)
        set[n] = c->meant.v[n];
    if (c->march)
        mean(set, &n, j->arena, "march", nearest_march(j->arena, c->march));
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const struct setting *s = vn_config_used(c, paths[i].key);
        if (s && s->text)
            mean(set, &n, j->arena, paths[i].key, nearest_path(j->arena, c, s->text, paths[i].folder));
    }
    return n;
}
