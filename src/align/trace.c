/* Traces: folders of arrays, and .npz files. */
#include "align/align.h"

#include <stdlib.h>
#include <zip.h>

#include "base/file.h"
#include "eval/metrics_boxes.h"
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
    if (t->samples == t->capacity)
        t->sample = vn_vec_grow(a, t->sample, t->samples, &t->capacity, sizeof *t->sample);
    t->sample[t->samples++] =
        (struct trace_sample){ .name = name, .t = NEW_ARRAY(a, struct vn_tensor *, t->n + 1) };
}

/* The lines of a file of the folder; 0 where there is none. */
static int read_lines(const char ***names, int *n, struct vn_arena *a, const char *folder, const char *file,
                      struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    const char *path = vn_path_join(a, folder, file);
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

/* The stage's array in a file; *x NULL: a raw dump without a given form. */
static int read_array(struct vn_tensor **x, struct vn_arena *a, const char *path, const char *stage,
                      const struct raw_forms *raw, struct vn_err *e)
{
    return vn_raw_is_name(path) ? vn_raw_read(x, a, raw, stage, path, e) : vn_npy_read(x, a, path, e);
}

/* Of order.txt: NAME.npy, or a raw dump in its place. */
static const char *file_of(struct vn_arena *a, const char *folder, const char *const *files, int n,
                           const char *stage)
{
    const char *npy = vn_path_join(a, folder, vn_arena_fmt(a, "%s.npy", stage));
    for (int i = 0; i < n && !vn_file_exists(npy); i++)
        if (vn_raw_is_name(files[i]) && !strcmp(vn_path_stem(a, files[i]), stage))
            return vn_path_join(a, folder, files[i]);
    return npy;
}

static int read_folder(struct trace *t, struct vn_arena *a, const char *folder, const char *name,
                       const struct raw_forms *raw, struct vn_err *e)
{
    const char **files, **names, **source;
    int n, lines = 0, sources = 0;
    vn_trace_begin(t, a, name);
    TRY(vn_dir_list(a, folder, &files, &n, e));
    const int ordered = read_lines(&names, &lines, a, folder, "order.txt", e);
    TRY(ordered);
    TRY(read_lines(&source, &sources, a, folder, "source.txt", e));
    if (sources && vn_file_exists(source[0]))
        t->sample[t->samples - 1].source = source[0];
    for (int i = 0; i < (ordered ? lines : n); i++) {
        struct vn_tensor *x;
        if (!ordered && !vn_path_has_suffix(files[i], ".npy") && !vn_raw_is_name(files[i]))
            continue;
        const char *stage = ordered ? names[i] : vn_path_stem(a, files[i]);
        if (strchr(stage, '/') || *stage == '.')
            return vn_fail(e, VN_E_INPUT, "%s/order.txt: '%s' is not a valid stage name", folder, stage);
        const char *path = ordered ? file_of(a, folder, files, n, stage) : vn_path_join(a, folder, files[i]);
        TRY(read_array(&x, a, path, stage, raw, e));
        if (x)
            vn_trace_add(t, a, stage, x);
    }
    return VN_OK;
}

/* ---- .npz: a zip of .npy ---- */

#define MOST_ARRAY ((zip_uint64_t)1 << 30) /* bytes */

static int zip_failed(const char *where, const char *what, zip_error_t *why, struct vn_err *e)
{
    const int memory = zip_error_code_zip(why) == ZIP_ER_MEMORY;
    return vn_fail(e, memory ? VN_E_NOMEM : VN_E_INPUT, memory ? "%s: %s: out of memory: %s" : "%s: %s: %s",
                   where, what, zip_error_strerror(why));
}

static void discard(void *z) { zip_discard(z); }

static int read_member(struct trace *t, struct vn_arena *a, zip_t *z, zip_int64_t i, struct vn_err *e)
{
    zip_stat_t info;
    struct vn_tensor *x;
    if (zip_stat_index(z, (zip_uint64_t)i, 0, &info) < 0 || !(info.valid & ZIP_STAT_NAME) ||
        !(info.valid & ZIP_STAT_SIZE))
        return zip_failed(t->path, vn_arena_fmt(a, "damaged .npz: entry %lld", (long long)i),
                          zip_get_error(z), e);
    const char *where = vn_arena_fmt(a, "%s: %s", t->path, info.name);
    if (info.size > MOST_ARRAY)
        return vn_fail(e, VN_E_INPUT, "%s: declares %llu bytes, expected at most %llu", where,
                       (unsigned long long)info.size, (unsigned long long)MOST_ARRAY);
    struct vn_arena *work = vn_arena_new();
    zip_file_t *f = zip_fopen_index(z, (zip_uint64_t)i, 0);
    /* what an entry says of its size is not to be believed: memory follows what there is */
    VEC(uint8_t) data = { 0 };
    zip_int64_t got = 0;
    uint8_t piece[1 << 14];
    while (f && (got = zip_fread(f, piece, sizeof piece)) > 0 && (zip_uint64_t)data.n < info.size)
        for (zip_int64_t k = 0; k < got; k++)
            VEC_PUSH(work, &data, piece[k]);
    int status = !f || got < 0
                     ? zip_failed(where, "damaged .npz", f ? zip_file_get_error(f) : zip_get_error(z), e)
                     : VN_OK;
    if (f)
        zip_fclose(f);
    if (status == VN_OK)
        status = vn_npy_parse(&x, a, data.v, (size_t)data.n, where, e);
    if (status == VN_OK)
        vn_trace_add(t, a, vn_path_stem(a, info.name), x);
    vn_arena_free(&work);
    return status;
}

static int read_npz(struct trace *t, struct vn_arena *a, const uint8_t *d, size_t bytes, const char *path,
                    struct vn_err *e)
{
    zip_error_t why;
    *t = (struct trace){ .path = path };
    zip_error_init(&why);
    zip_source_t *from = zip_source_buffer_create(d, bytes, 0, &why);
    zip_t *z = from ? zip_open_from_source(from, ZIP_RDONLY | ZIP_CHECKCONS, &why) : NULL;
    if (!z) {
        const int status = zip_failed(path, "not an .npz", &why, e);
        zip_source_free(from);
        zip_error_fini(&why);
        return status;
    }
    vn_arena_defer(a, discard, z);
    vn_trace_begin(t, a, "");
    for (zip_int64_t i = 0, n = zip_get_num_entries(z, 0); i < n; i++)
        TRY(read_member(t, a, z, i, e));
    return t->n ? VN_OK : vn_fail(e, VN_E_INPUT, "%s: no stages; expected arrays by numpy.savez", path);
}

#define NEEDED ((size_t)1 << 20) /* more than an arena has at hand */

int vn_trace_npz(struct trace *t, struct vn_arena *a, const uint8_t *d, size_t bytes, const char *path,
                 struct vn_err *e)
{
    const int status = read_npz(t, a, d, bytes, path, e);
    if (status != VN_E_INPUT)
        return status;
    vn_arena_alloc(a, NEEDED); /* libzip calls a file damaged where an allocation has failed: is there memory?
                                  Then look again */
    return read_npz(t, a, d, bytes, path, e);
}

/* ---- pictures of both ---- */

int vn_trace_common(struct trace *left, struct trace *right, struct vn_arena *a, int left_out[2],
                    struct vn_err *e)
{
    struct vn_map *by_name = vn_map_new(a);
    struct trace_sample *l = NEW_ARRAY(a, struct trace_sample, left->samples + 1),
                        *r = NEW_ARRAY(a, struct trace_sample, left->samples + 1);
    int n = 0;
    for (int i = 0; i < right->samples; i++)
        vn_map_set(by_name, right->sample[i].name, &right->sample[i]);
    for (int i = 0; i < left->samples; i++) {
        const struct trace_sample *other = vn_map_get(by_name, left->sample[i].name);
        if (!other)
            continue;
        l[n] = left->sample[i];
        r[n++] = *other;
    }
    if (!n)
        return vn_fail(e, VN_E_INPUT, "%s and %s have no common image; the first has '%s', the second '%s'",
                       left->path, right->path, left->sample[0].name, right->sample[0].name);
    left_out[0] = left->samples - n;
    left_out[1] = right->samples - n;
    left->sample = l;
    right->sample = r;
    left->samples = left->capacity = right->samples = right->capacity = n;
    return VN_OK;
}

/* ---- results of COCO: one stage of rows x, y, w, h, score, category; the images are the pictures ---- */

/* By image, in the file's order. */
static int by_image(const void *a, const void *b)
{
    const struct coco_detection *x = *(struct coco_detection *const *)a,
                                *y = *(struct coco_detection *const *)b;
    return x->image != y->image ? (x->image < y->image ? -1 : 1) : x < y ? -1 : x > y;
}

struct results {
    struct coco_detection **d;
    int n, at;
};

static int read_results(struct results *r, struct vn_arena *a, const char *path, struct vn_err *e)
{
    struct coco_detection *d;
    TRY(vn_coco_detections(&d, &r->n, a, path, e));
    r->d = NEW_ARRAY(a, struct coco_detection *, r->n + 1);
    for (int i = 0; i < r->n; i++)
        r->d[i] = &d[i];
    qsort(r->d, (size_t)r->n, sizeof *r->d, by_image);
    return VN_OK;
}

/* What the file has next, if that is of this image. */
static void add_image(struct trace *t, struct vn_arena *a, struct results *r, int64_t image)
{
    const int from = r->at;
    while (r->at < r->n && r->d[r->at]->image == image)
        r->at++;
    const struct vn_shape s = vn_shape_of(2, (const int64_t[]){ r->at - from, 6 });
    struct vn_tensor *x = vn_tensor_new(a, VN_F64, &s);
    double *to = x->data;
    for (int i = from; i < r->at; i++, to += 6) {
        memcpy(to, &r->d[i]->v[DET_X], 4 * sizeof *to);
        to[4] = r->d[i]->v[DET_SCORE];
        to[5] = r->d[i]->v[DET_CATEGORY];
    }
    vn_trace_begin(t, a, vn_arena_fmt(a, "%lld", (long long)image));
    vn_trace_add(t, a, "detections", x);
}

int vn_trace_of_results(struct trace *left, struct trace *right, struct vn_arena *a, const char *left_path,
                        const char *right_path, struct vn_err *e)
{
    struct results l = { .at = 0 }, r = { .at = 0 };
    *left = (struct trace){ .path = left_path };
    *right = (struct trace){ .path = right_path };
    TRY(read_results(&l, a, left_path, e));
    TRY(read_results(&r, a, right_path, e));
    while (l.at < l.n || r.at < r.n) {
        const int from_left = r.at == r.n || (l.at < l.n && l.d[l.at]->image < r.d[r.at]->image);
        const int64_t image = from_left ? l.d[l.at]->image : r.d[r.at]->image;
        add_image(left, a, &l, image);
        add_image(right, a, &r, image);
    }
    return left->samples ? VN_OK : vn_fail(e, VN_E_INPUT, "%s and %s: no detections", left_path, right_path);
}

/* One array is a trace of one stage. */
static int read_file(struct trace *t, struct vn_arena *a, const char *path, const struct raw_forms *raw,
                     struct vn_err *e)
{
    const char *stage = vn_path_stem(a, path);
    struct vn_tensor *x;
    vn_trace_begin(t, a, "");
    TRY(read_array(&x, a, path, stage, raw, e));
    if (!x)
        return vn_fail(e, VN_E_USAGE,
                       "%s: a raw dump: set its shape and type, such as --raw %s=1x3x224x224:float32", path,
                       stage);
    vn_trace_add(t, a, stage, x);
    return VN_OK;
}

int vn_trace_read(struct trace *t, struct vn_arena *a, const char *path, const struct raw_forms *raw,
                  struct vn_err *e)
{
    const char **folders;
    int n;
    *t = (struct trace){ .path = vn_arena_str(a, path) };
    if (vn_path_has_suffix(path, ".npz")) {
        const uint8_t *d;
        size_t bytes;
        TRY(vn_file_map(a, path, &d, &bytes, e));
        return vn_trace_npz(t, a, d, bytes, t->path, e);
    }
    if (vn_file_exists(path) && (vn_raw_is_name(path) || vn_path_has_suffix(path, ".npy")))
        return read_file(t, a, path, raw, e);
    if (!vn_dir_exists(path))
        return vn_fail(e, VN_E_INPUT,
                       "%s: %s; expected a folder of STAGE.npy files, an .npz, or one array (.npy, .bin, "
                       ".dat, .bmrt)",
                       path, vn_file_exists(path) ? "not a trace" : "no such file or folder");
    TRY(vn_dir_folders(a, path, &folders, &n, e));
    for (int i = 0; i < n; i++)
        TRY(read_folder(t, a, vn_path_join(a, path, folders[i]), folders[i], raw, e));
    if (!n)
        TRY(read_folder(t, a, path, "", raw, e));
    return t->n ? VN_OK
                : vn_fail(e, VN_E_INPUT,
                          "%s: no stages; expected STAGE.npy files, or raw dumps and their shapes (--raw "
                          "STAGE=SHAPE:DTYPE)",
                          path);
}
