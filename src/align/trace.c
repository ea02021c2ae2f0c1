/* Traces: folders of arrays, and .npz files. */
#include "align/align.h"

#include <stdlib.h>

#include "base/file.h"
#include "tensor/npy.h"

int vn_trace_find(const struct trace *t, const char *stage)
{
    for (int i = 0; i < t->n; i++)
        if (!strcmp(t->stage[i], stage))
            return i;
    return -1;
}

void vn_trace_add(struct trace *t, struct vn_arena *a, const char *stage, struct vn_tensor *x)
{
    int i = vn_trace_find(t, stage);
    if (i < 0) {
        const char **names = NEW_ARRAY(a, const char *, t->n + 1);
        if (t->n)
            memcpy(names, t->stage, (size_t)t->n * sizeof *names);
        names[i = t->n++] = stage;
        t->stage = names;
        for (int k = 0; k < t->samples; k++) {
            struct vn_tensor **more = NEW_ARRAY(a, struct vn_tensor *, t->n);
            if (t->n > 1)
                memcpy(more, t->sample[k].t, (size_t)(t->n - 1) * sizeof *more);
            t->sample[k].t = more;
        }
    }
    t->sample[t->samples - 1].t[i] = x;
}

void vn_trace_begin(struct trace *t, struct vn_arena *a, const char *name)
{
    struct trace_sample *more = NEW_ARRAY(a, struct trace_sample, t->samples + 1);
    if (t->samples)
        memcpy(more, t->sample, (size_t)t->samples * sizeof *more);
    more[t->samples++] = (struct trace_sample){ name, NEW_ARRAY(a, struct vn_tensor *, t->n + 1) };
    t->sample = more;
}

/* The lines of order.txt; 0 where there is none. */
static int read_order(const char ***names, int *n, struct vn_arena *a, const char *folder, struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    const char *path = vn_path_join(a, folder, "order.txt");
    VEC(const char *) lines = { 0 };
    if (!vn_file_exists(path))
        return 0;
    TRY(vn_file_map(a, path, &data, &bytes, e));
    char *text = vn_arena_strn(a, (const char *)data, bytes), *rest = text;
    for (char *line; (line = strtok_r(NULL, "\r\n", &rest));)
        VEC_PUSH(a, &lines, line);
    *names = lines.v;
    *n = lines.n;
    return 1;
}

static int read_folder(struct trace *t, struct vn_arena *a, const char *folder, const char *name, struct vn_err *e)
{
    const char **files, **names;
    int n, lines = 0;
    vn_trace_begin(t, a, name);
    TRY(vn_dir_list(a, folder, &files, &n, e));
    const int ordered = read_order(&names, &lines, a, folder, e);
    TRY(ordered);
    for (int i = 0; i < (ordered ? lines : n); i++) {
        struct vn_tensor *x;
        if (!ordered && !vn_path_has_suffix(files[i], ".npy"))
            continue;
        const char *stage = ordered ? names[i] : vn_path_stem(a, files[i]);
        if (strchr(stage, '/') || *stage == '.')
            return vn_fail(e, VN_E_INPUT, "%s/order.txt: '%s' is no stage's name", folder, stage);
        TRY(vn_npy_read(&x, a, vn_path_join(a, folder, vn_arena_fmt(a, "%s.npy", stage)), e));
        vn_trace_add(t, a, stage, x);
    }
    return VN_OK;
}

/* ---- .npz: a zip whose members are stored as they are (numpy.savez) ---- */

static uint32_t le(const uint8_t *p, int n)
{
    uint32_t x = 0;
    for (int i = 0; i < n; i++)
        x |= (uint32_t)p[i] << 8 * i;
    return x;
}

enum { END_BYTES = 22, ENTRY_BYTES = 46, LOCAL_BYTES = 30 };

/* One entry of the zip's directory; how long it is. */
static int read_member(struct trace *t, struct vn_arena *a, const char *path, const uint8_t *d, size_t bytes, size_t at, size_t *next, struct vn_err *e)
{
    if (at > bytes || bytes - at < ENTRY_BYTES || le(d + at, 4) != 0x02014b50)
        return vn_fail(e, VN_E_INPUT, "%s: damaged .npz: no directory entry at %zu", path, at);
    const uint8_t *c = d + at;
    const size_t size = le(c + 24, 4), name = le(c + 28, 2), local = le(c + 42, 4);
    *next = at + ENTRY_BYTES + name + le(c + 30, 2) + le(c + 32, 2);
    if (*next > bytes || local > bytes || bytes - local < LOCAL_BYTES)
        return vn_fail(e, VN_E_INPUT, "%s: damaged .npz: an entry outside of the file", path);
    const size_t from = local + LOCAL_BYTES + le(d + local + 26, 2) + le(d + local + 28, 2);
    if (le(c + 10, 2) != 0)
        return vn_fail(e, VN_E_UNSUPPORTED, "%s: compressed; want what numpy.savez writes, not savez_compressed", path);
    if (from > bytes || size > bytes - from)
        return vn_fail(e, VN_E_INPUT, "%s: damaged .npz: an array outside of the file", path);
    struct vn_tensor *x;
    const char *file = vn_arena_strn(a, (const char *)c + ENTRY_BYTES, name);
    TRY(vn_npy_parse(&x, a, d + from, size, path, e));
    vn_trace_add(t, a, vn_path_stem(a, file), x);
    return VN_OK;
}

static int read_npz(struct trace *t, struct vn_arena *a, const char *path, struct vn_err *e)
{
    const uint8_t *d;
    size_t bytes, at;
    TRY(vn_file_map(a, path, &d, &bytes, e));
    size_t end = bytes < END_BYTES ? 0 : bytes - END_BYTES;
    while (end && le(d + end, 4) != 0x06054b50)
        end--;
    if (!end)
        return vn_fail(e, VN_E_INPUT, "%s: no .npz: a zip's directory is missing", path);
    vn_trace_begin(t, a, "");
    const int n = (int)le(d + end + 10, 2);
    at = le(d + end + 16, 4);
    for (int i = 0; i < n; i++)
        TRY(read_member(t, a, path, d, bytes, at, &at, e));
    return VN_OK;
}

int vn_trace_read(struct trace *t, struct vn_arena *a, const char *path, struct vn_err *e)
{
    const char **folders;
    int n;
    *t = (struct trace){ .path = vn_arena_str(a, path) };
    if (vn_path_has_suffix(path, ".npz"))
        return read_npz(t, a, path, e);
    if (!vn_dir_exists(path))
        return vn_fail(e, VN_E_INPUT, "%s: no folder; want a trace: a folder of STAGE.npy, or an .npz", path);
    TRY(vn_dir_folders(a, path, &folders, &n, e));
    for (int i = 0; i < n; i++)
        TRY(read_folder(t, a, vn_path_join(a, path, folders[i]), folders[i], e));
    if (!n)
        TRY(read_folder(t, a, path, "", e));
    return t->n ? VN_OK : vn_fail(e, VN_E_INPUT, "%s: no stages; want STAGE.npy files", path);
}
