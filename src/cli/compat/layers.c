/* LAYER_float.bin: the result of each node as float32. */
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/file.h"
#include "cli/compat/compat.h"

struct layers {
    struct vn_arena *arena;
    const struct vn_session *s;
    struct vn_map *taken;
    const char *folder;
    int only_convolutions;
    const json_t *map; /* of those that are wanted; NULL: all */
    int written, status;
    struct vn_err *e;
};

static int is_wanted(const struct layers *l, const struct vn_view *v)
{
    struct vn_instruction x;
    const struct vn_model *m = vn_session_model(l->s);
    if (!*v->node || v->role != VN_ROLE_VALUE)
        return 0;
    if (l->map && !json_object_get(l->map, v->node))
        return 0;
    return !l->only_convolutions ||
           (vn_model_instruction(m, v->instruction, &x) == VN_OK && strstr(x.opcode, "CONV"));
}

static void write_layer(void *user, int value, const struct vn_view *v)
{
    struct layers *l = user;
    (void)value;
    if (l->status < 0 || !is_wanted(l, v))
        return;
    const int64_t n = vn_view_count(v);
    float *x = malloc((size_t)n * sizeof *x + 1);
    if (!x) {
        l->status =
            vn_fail(l->e, VN_E_NOMEM, "out of memory for %s", vn_shown(v->node, (char[VN_SHOWN]){ 0 }));
        return;
    }
    vn_view_real(x, v);
    const char *name = vn_arena_fmt(l->arena, "%s_float.bin", vn_file_name(l->arena, l->taken, v->node));
    l->status = vn_file_write(vn_path_join(l->arena, l->folder, name), x, (size_t)n * sizeof *x, l->e);
    l->written++;
    free(x);
}

static int write_layers(struct layers *l, struct vn_session *s)
{
    const struct vn_observer o = { .after = write_layer, .user = l };
    TRY(vn_dir_make(l->folder, l->e));
    vn_session_observe(s, &o);
    TRY(vn_session_run(s, l->e));
    return l->status;
}

int vn_compat_write_layers(struct vn_session *s, const char *folder, int *written, struct vn_arena *a,
                           struct vn_err *e)
{
    struct layers l = { .arena = a, .s = s, .taken = vn_map_new(a), .folder = folder, .e = e };
    const int status = write_layers(&l, s);
    *written = l.written;
    return status;
}

static int read_map(json_t **map, const char *path, struct vn_err *e)
{
    json_error_t why;
    *map = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
    if (json_is_object(*map))
        return VN_OK;
    const int parsed = *map != NULL;
    json_decref(*map);
    return vn_fail(e, VN_E_INPUT, "%s: expected a JSON object {NODE: TENSOR}%s%s", path, parsed ? "" : ": ",
                   parsed ? "" : why.text);
}

int vn_compat_write_convolutions(struct vn_session *s, const char *folder, const char *map, int *written,
                                 struct vn_arena *a, struct vn_err *e)
{
    struct layers l = { .arena = a, .s = s, .taken = vn_map_new(a), .folder = folder, .e = e };
    json_t *wanted = NULL;
    l.only_convolutions = 1;
    if (map)
        TRY(read_map(&wanted, map, e));
    l.map = wanted;
    const int status = write_layers(&l, s);
    json_decref(wanted);
    *written = l.written;
    return status;
}
