/* A folder of image files to calibration files: each by itself on any thread, with a manifest by which a
 * run resumes. */
#include <vernier/prep.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "base/file.h"
#include "base/guard.h"
#include "base/hash.h"
#include "base/listen.h"
#include "base/share.h"
#include "data/manifest.h"
#include "data/samples.h"
#include "image/image.h"
#include "kernels/image/image_kernels.h"
#include "tensor/npy.h"

#define ROUND 64 /* images between two manifests */

static const char *const suffixes[VN_PREP_FORMATS] = { [VN_PREP_NPY] = "npy", [VN_PREP_BIN] = "bin" };

struct vn_prepared {
    struct vn_arena *arena;
    const struct vn_prep_options *o; /* while it runs */
    struct vn_pipeline *steps;
    const char *pipeline, *manifest; /* text; path */
    json_t *before; /* the manifest of an earlier run with the same pipeline; NULL: none */
    struct vn_prep_file *file;
    struct vn_made *made; /* by file */
    unsigned char *done; /* by file */
    int n;
    int from; /* file of the round's first part */
};

/* ---- one image ---- */

static const char *hash_text(char buf[20], uint64_t h)
{
    snprintf(buf, 20, "%016llx", (unsigned long long)h);
    return buf;
}

static int hash_file(uint64_t *h, struct vn_arena *a, const char *path, struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    TRY(vn_file_map(a, path, &data, &bytes, e));
    *h = vn_hash(data, bytes, SIZE_MAX);
    return VN_OK;
}

/* Does the manifest say that this file was made from the same bytes, and is it whole? */
static int is_made(const struct vn_prepared *p, struct vn_prep_file *f, struct vn_made *made,
                   struct vn_arena *a)
{
    const json_t *old = json_object_get(json_object_get(p->before, "files"), f->name);
    const char *source = json_string_value(json_object_get(old, "source_hash"));
    const char *hash = json_string_value(json_object_get(old, "hash"));
    const char *path = vn_path_join(a, p->o->output_dir, f->name);
    char text[20];
    if (!source || !hash || strcmp(source, hash_text(text, f->source_hash)) || !vn_file_exists(path) ||
        !vn_manifest_file(made, p->before, f->name))
        return 0;
    return hash_file(&f->hash, a, path, NULL) == VN_OK && !strcmp(hash, hash_text(text, f->hash));
}

static int make_file(const struct vn_prepared *p, struct vn_prep_file *f, struct vn_made *made,
                     struct vn_arena *a, struct vn_err *e)
{
    struct vn_frame frame;
    TRY(hash_file(&f->source_hash, a, f->source, e));
    if ((f->kept = is_made(p, f, made, a)))
        return VN_OK;
    TRY(vn_pipeline_file(&frame, a, p->steps, f->source, NULL, NULL, e));
    const struct vn_tensor *t = vn_frame_tensor(&frame, a);
    const uint8_t *data = t->data;
    size_t bytes = vn_tensor_bytes(t);
    *made = (struct vn_made){ t->shape, t->dtype, vn_colours_word(frame.colours) };
    if (p->o->format == VN_PREP_NPY)
        TRY(vn_npy_bytes(&data, &bytes, a, t, e));
    f->hash = vn_hash(data, bytes, SIZE_MAX);
    return vn_file_write_soon(vn_path_join(a, p->o->output_dir, f->name), data, bytes, e);
}

static int make_part(void *ctx, int worker, int part, struct vn_err *e)
{
    struct vn_prepared *p = ctx;
    const int i = p->from + part;
    struct vn_arena *a = vn_arena_new();
    (void)worker;
    const int status = make_file(p, &p->file[i], &p->made[i], a, e);
    p->done[i] = status == VN_OK;
    vn_arena_free(&a);
    return status;
}

/* ---- the manifest ---- */

static json_t *manifest_entry(const struct vn_prep_file *f, const struct vn_made *made)
{
    char source[20], hash[20];
    json_t *entry = vn_made_json(made);
    json_t *hashes = json_pack("{s:s, s:s, s:s}", "source", vn_path_base(f->source), "source_hash",
                               hash_text(source, f->source_hash), "hash", hash_text(hash, f->hash));
    const int bad = json_object_update(entry, hashes);
    json_decref(hashes);
    if (!bad)
        return entry;
    json_decref(entry);
    return NULL;
}

/* Of the first n files. NULL: out of memory. */
static json_t *manifest(const struct vn_prepared *p, int n)
{
    json_t *files = json_object();
    int bad = 0;
    for (int i = 0; i < n; i++)
        bad |= json_object_set_new(files, p->file[i].name, manifest_entry(&p->file[i], &p->made[i]));
    if (!bad)
        return json_pack("{s:s, s:s, s:o}", "vernier", VN_VERSION, "pipeline", p->pipeline, "files", files);
    json_decref(files);
    return NULL;
}

static int write_manifest(const struct vn_prepared *p, int n, struct vn_err *e)
{
    json_t *m = manifest(p, n);
    char *text = json_dumps(m, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    json_decref(m);
    if (!text)
        return vn_fail(e, VN_E_NOMEM, "%s: out of memory", p->manifest);
    const int status = vn_file_write(p->manifest, text, strlen(text), e);
    free(text);
    return status;
}

/* An earlier manifest, where its pipeline was the same. */
static json_t *read_manifest(const struct vn_prepared *p)
{
    json_t *m = vn_manifest_read(p->arena, p->o->output_dir);
    return m && !strcmp(vn_manifest_pipeline(m), p->pipeline) ? m : NULL;
}

/* ---- the folder ---- */

/* The manifest will hold it. */
static int check_name(const char *folder, const char *name, struct vn_err *e)
{
    json_error_t why = { 0 };
    json_t *text = json_pack_ex(&why, 0, "s", name);
    json_decref(text);
    if (text)
        return VN_OK;
    if (json_error_code(&why) == json_error_invalid_utf8)
        return vn_fail(e, VN_E_INPUT, "%s/%s: the name is not UTF-8; manifest.json requires UTF-8", folder,
                       name);
    return vn_fail(e, VN_E_NOMEM, "%s/%s: out of memory", folder, name);
}

struct names {
    VEC(const char *) of;
};

/* Those of the images that a file names, in its order, each once: lists of boxes name an image often. */
static int choose_images(struct names *images, const char *path, const char *folder, struct vn_arena *a,
                         struct vn_err *e)
{
    const uint8_t *text;
    size_t bytes;
    struct vn_map *there = vn_map_new(a), *taken = vn_map_new(a);
    TRY(vn_file_map(a, path, &text, &bytes, e));
    for (int i = 0; i < images->of.n; i++)
        vn_map_set(there, images->of.v[i], (void *)(uintptr_t)images->of.v[i]);
    images->of.n = 0;
    for (const char *p = vn_arena_strn(a, (const char *)text, bytes); *p;) {
        const char *name = vn_arena_strn(a, p, strcspn(p, " \t\r\n"));
        if (*name && !vn_map_get(there, name))
            return vn_fail(e, VN_E_INPUT, "%s: names %s, which is not an image of %s", path, name, folder);
        if (*name && !vn_map_get(taken, name)) {
            vn_map_set(taken, name, (void *)(uintptr_t)name);
            VEC_PUSH(a, &images->of, vn_map_get(there, name));
        }
        p += strcspn(p, "\n");
        p += *p == '\n';
    }
    return images->of.n ? VN_OK : vn_fail(e, VN_E_INPUT, "%s: names no image", path);
}

static int find_images(struct names *images, const char *folder, struct vn_arena *a, struct vn_err *e)
{
    const char **names;
    int n;
    TRY(vn_samples_files(&names, &n, a, folder, e));
    for (int i = 0; i < n; i++)
        if (vn_picture_is_image_name(names[i]))
            VEC_PUSH(a, &images->of, names[i]);
    return images->of.n ? VN_OK : vn_fail(e, VN_E_INPUT, "%s: no image files", folder);
}

/* "CLASS_" of an image in a folder of its class. */
static const char *result_prefix(struct vn_arena *a, const char *image)
{
    const char *slash = strchr(image, '/');
    return slash ? vn_arena_fmt(a, "%.*s_", (int)(slash - image), image) : "";
}

static int collect(struct vn_prepared *p, struct vn_err *e)
{
    const char *folder = p->o->folder, *suffix = suffixes[p->o->format];
    struct vn_arena *a = p->arena;
    struct names images = { 0 };
    struct vn_map *used = vn_map_new(a);
    TRY(find_images(&images, folder, a, e));
    if (p->o->names)
        TRY(choose_images(&images, p->o->names, folder, a, e));
    p->n = p->o->limit && p->o->limit < images.of.n ? p->o->limit : images.of.n;
    p->file = NEW_ARRAY(a, struct vn_prep_file, p->n);
    p->made = NEW_ARRAY(a, struct vn_made, p->n);
    p->done = NEW_ARRAY(a, unsigned char, p->n);
    for (int i = 0; i < p->n; i++) {
        const char *image = images.of.v[(int64_t)i * images.of.n / p->n];
        const char *class = result_prefix(a, image);
        const char *name = vn_arena_fmt(a, "%s%s.%s", class, vn_path_stem(a, image), suffix);
        TRY(check_name(folder, image, e));
        if (vn_map_get(used, name)) /* x.jpg beside x.png */
            name = vn_arena_fmt(a, "%s%s.%s", class, vn_path_base(image), suffix);
        vn_map_set(used, name, p);
        p->file[i] = (struct vn_prep_file){ .source = vn_path_join(a, folder, image), .name = name };
    }
    return VN_OK;
}

/* ---- all of it ---- */

static int thread_count(const struct vn_options *run)
{
    const long cpus = run->threads ? run->threads : sysconf(_SC_NPROCESSORS_ONLN);
    return cpus < 1 ? 1 : cpus > VN_SHARE_MAX ? VN_SHARE_MAX : (int)cpus;
}

static int make_all(struct vn_prepared *p, struct vn_err *e)
{
    for (; p->from < p->n; p->from += ROUND) {
        const int parts = p->n - p->from < ROUND ? p->n - p->from : ROUND;
        const int status = vn_share(parts, thread_count(&p->o->run), make_part, p, e);
        int end = p->from;
        while (end < p->from + parts && p->done[end])
            end++;
        if (status < 0) {
            write_manifest(p, end, NULL);
            return status;
        }
        TRY(write_manifest(p, end, e));
        vn_progress(&p->o->listener, "pictures", end, p->n);
    }
    return VN_OK;
}

static int prepare(struct vn_prepared *p, struct vn_err *e)
{
    const struct vn_prep_options *o = p->o;
    TRY(vn_pipeline_parse(&p->steps, p->arena, o->pipeline ? o->pipeline : "", e));
    p->pipeline = vn_pipeline_text(p->steps, p->arena);
    if (!o->folder)
        return VN_OK;
    if (!o->output_dir)
        return vn_fail(e, VN_E_USAGE, "%s: an output folder is required", o->folder);
    vn_image_cpu(o->run.cpumask);
    TRY(collect(p, e));
    TRY(vn_dir_make(o->output_dir, e));
    p->manifest = vn_path_join(p->arena, o->output_dir, VN_MANIFEST);
    p->before = read_manifest(p);
    return make_all(p, e);
}

static int new_prepared(struct vn_prepared **out, const struct vn_prep_options *o, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    struct vn_prepared *p = NEW(a, struct vn_prepared);
    *p = (struct vn_prepared){ .arena = a, .o = o };
    const int status = prepare(p, e);
    if (status < 0)
        vn_arena_free(&a);
    else
        *out = p;
    return status;
}

int vn_prep(struct vn_prepared **out, const struct vn_prep_options *o, struct vn_err *e)
{
    int status;
    *out = NULL;
    VN_GUARDED(status, e, new_prepared(out, o, e));
    return status;
}

void vn_prep_free(struct vn_prepared **p)
{
    if (!p || !*p)
        return;
    struct vn_arena *a = (*p)->arena;
    vn_arena_free(&a);
    *p = NULL;
}

void vn_prep_options_default(struct vn_prep_options *o)
{
    *o = (struct vn_prep_options){ 0 };
    vn_options_default(&o->run);
}

const char *vn_prep_pipeline(const struct vn_prepared *p) { return p->pipeline; }

const struct vn_prep_file *vn_prep_files(const struct vn_prepared *p, int *n)
{
    *n = p->n;
    return p->file;
}
