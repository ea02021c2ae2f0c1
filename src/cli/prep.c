/* vernier prep - a folder of pictures to calibration files, by a pipeline. */
#include <stdio.h>
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "base/file.h"
#include "base/hash.h"
#include "base/pool.h"
#include "cli/cli.h"
#include "config/json_text.h"
#include "image/image.h"
#include "tensor/npy.h"

static const struct option_def options[] = {
    { "--pipeline", 0, "STEPS", 0, 0, "YAML file, or steps such as 'short_side 256; center_crop 224' (default: decode only)" },
    { "--output-dir", 'o', "DIR", 0, 0, "where the files and manifest.json go" },
    { "--format", 0, "npy|bin", 0, 0, "bin: the array's bytes alone (default npy)" },
    { "--limit", 0, "N", 0, 0, "at most N pictures, spread over the folder" },
    { "--threads", 0, "N", 0, 0, "threads, 1 to 256 (default 1); results do not depend on it" },
    { "--show", 0, NULL, 0, 0, "print the pipeline with every parameter, and stop" },
    { "--steps", 0, NULL, 0, 0, "print the table of steps and parameters, and stop" },
    JSON_OPTION,
    { 0 },
};

/* ---- the table of steps, for docs ---- */

static void print_param(const struct vn_step_param *p)
{
    static const char *const kinds[] = { [VN_PARAM_INT] = "whole", [VN_PARAM_REAL] = "number", [VN_PARAM_TEXT] = "text", [VN_PARAM_BOOL] = "true, false" };
    char count[24] = "";
    if (p->most > 1)
        snprintf(count, sizeof count, p->least == p->most ? " x %d" : " x %d to %d", p->least, p->most);
    printf("    %s (%s%s; %s%s): %s\n", p->name, p->kind == VN_PARAM_WORD ? p->words : kinds[p->kind], count,
           !p->preset ? "must be given" : *p->preset ? "default " : "no default", p->preset ? p->preset : "", p->help);
}

static int print_steps(void)
{
    int n;
    const struct vn_step_kind *k = vn_step_kinds(&n);
    for (int i = 0; i < n; i++) {
        printf("%s: %s\n", k[i].name, k[i].help);
        for (const struct vn_step_param *p = k[i].params; p->name; p++)
            print_param(p);
    }
    return EXIT_DONE;
}

/* ---- work ---- */

struct item {
    const char *source, *file; /* path; name of the result */
    uint64_t source_hash, hash;
    int status, kept;
};

struct job {
    const struct vn_pipeline *p;
    const char *dir, *format;
    json_t *before; /* the manifest of an earlier run with the same pipeline; NULL: none */
    struct item *items;
    int from; /* item of the first part */
    struct vn_err *errors; /* one for each part */
};

static const char *hash_text(char buf[20], uint64_t h)
{
    snprintf(buf, 20, "%016llx", (unsigned long long)h);
    return buf;
}

/* Was this file made already, from the same bytes? */
static int is_done(const struct job *j, struct item *it, struct vn_arena *a)
{
    const json_t *old = j->before ? json_object_get(j->before, it->file) : NULL;
    const char *source = json_string_value(json_object_get(old, "source_hash")), *file = json_string_value(json_object_get(old, "hash"));
    const char *path = vn_path_join(a, j->dir, it->file);
    char text[20];
    const uint8_t *data;
    size_t bytes;
    if (!source || !file || strcmp(source, hash_text(text, it->source_hash)) || !vn_file_exists(path) || vn_file_map(a, path, &data, &bytes, NULL) < 0)
        return 0;
    it->hash = vn_hash(data, bytes, SIZE_MAX);
    return !strcmp(file, hash_text(text, it->hash));
}

static int hash_file(uint64_t *h, struct vn_arena *a, const char *path, struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    TRY(vn_file_map(a, path, &data, &bytes, e));
    *h = vn_hash(data, bytes, SIZE_MAX);
    return VN_OK;
}

static int make_file(const struct job *j, struct item *it, struct vn_arena *a, struct vn_err *e)
{
    struct vn_frame f;
    TRY(hash_file(&it->source_hash, a, it->source, e));
    if ((it->kept = is_done(j, it, a)))
        return VN_OK;
    TRY(vn_pipeline_file(&f, a, j->p, it->source, NULL, NULL, e));
    const struct vn_tensor *t = vn_frame_tensor(&f, a);
    const uint8_t *data = t->data;
    size_t bytes = vn_tensor_bytes(t);
    if (strcmp(j->format, "bin"))
        TRY(vn_npy_bytes(&data, &bytes, a, t, e));
    it->hash = vn_hash(data, bytes, SIZE_MAX);
    return vn_file_write_soon(vn_path_join(a, j->dir, it->file), data, bytes, e);
}

/* On a thread of the pool: its own arena, its own end of memory. */
static void make_part(void *ctx, int part)
{
    struct job *j = ctx;
    struct item *it = &j->items[j->from + part];
    struct vn_oom guard;
    if (VN_OOM_GUARD(&guard)) {
        vn_oom_leave(&guard);
        it->status = vn_fail(&j->errors[part], VN_E_NOMEM, "%s: out of memory", it->source);
        return;
    }
    struct vn_arena *a = vn_arena_new();
    it->status = make_file(j, it, a, &j->errors[part]);
    vn_arena_free(&a);
    vn_oom_leave(&guard);
}

/* ---- the manifest ---- */

/* NULL: memory has run out. */
static json_t *manifest(const struct job *j, const char *pipeline, int n)
{
    json_t *files = json_object();
    int bad = 0;
    for (int i = 0; i < n; i++) {
        char a[20], b[20];
        const struct item *it = &j->items[i];
        bad |= json_object_set_new(files, it->file, json_pack("{s:s, s:s, s:s}", "source", vn_path_base(it->source), "source_hash", hash_text(a, it->source_hash),
                                                       "hash", hash_text(b, it->hash)));
    }
    if (bad) {
        json_decref(files);
        return NULL;
    }
    return json_pack("{s:s, s:s, s:o}", "vernier", VN_VERSION, "pipeline", pipeline, "files", files);
}

static int write_manifest(const struct job *j, const char *path, const char *pipeline, int n, struct vn_err *e)
{
    json_t *m = manifest(j, pipeline, n);
    char *text = json_dumps(m, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    json_decref(m);
    if (!text)
        return vn_fail(e, VN_E_NOMEM, "%s: out of memory", path);
    const int status = vn_file_write(path, text, strlen(text), e);
    free(text);
    return status;
}

/* Files of an earlier manifest, where its pipeline was the same. */
static json_t *read_manifest(struct vn_arena *a, const char *path, const char *pipeline)
{
    struct vn_err e;
    json_t *m;
    if (!vn_file_exists(path) || vn_json_read(&m, a, path, &e) < 0)
        return NULL;
    const char *text = json_string_value(json_object_get(m, "pipeline"));
    return text && !strcmp(text, pipeline) ? json_object_get(m, "files") : NULL;
}

/* ---- the command ---- */

/* The manifest will hold it. */
static int check_name(const char *folder, const char *name, struct vn_err *e)
{
    json_error_t why = { 0 };
    json_t *text = json_pack_ex(&why, 0, "s", name);
    json_decref(text);
    if (text)
        return VN_OK;
    return json_error_code(&why) == json_error_invalid_utf8 ? vn_fail(e, VN_E_INPUT, "%s/%s: the name is not UTF-8; want one that manifest.json can hold", folder, name)
                                                            : vn_fail(e, VN_E_NOMEM, "%s/%s: out of memory", folder, name);
}

static int collect(struct job *j, int *n, const char *folder, struct vn_arena *a, struct vn_err *e)
{
    const char **names;
    int limit;
    VEC(const char *) pictures = { 0 };
    TRY(vn_dir_list(a, folder, &names, n, e));
    for (int i = 0; i < *n; i++)
        if (vn_picture_is_image_name(names[i]))
            VEC_PUSH(a, &pictures, names[i]);
    if (!pictures.n)
        return vn_fail(e, VN_E_INPUT, "%s: no pictures", folder);
    TRY(vn_opt_int("--limit", pictures.n, 1, 1 << 30, &limit, e));
    *n = limit < pictures.n ? limit : pictures.n;
    j->items = NEW_ARRAY(a, struct item, *n);
    struct vn_map *used = vn_map_new(a);
    for (int i = 0; i < *n; i++) {
        const char *name = pictures.v[(int64_t)i * pictures.n / *n], *stem = vn_path_stem(a, name);
        const char *file = vn_arena_fmt(a, "%s.%s", stem, j->format);
        TRY(check_name(folder, name, e));
        if (vn_map_get(used, file)) /* x.jpg beside x.png */
            file = vn_arena_fmt(a, "%s.%s", name, j->format);
        vn_map_set(used, file, j);
        j->items[i] = (struct item){ .source = vn_path_join(a, folder, name), .file = file };
    }
    return VN_OK;
}

static void stop_pool(void *p) { vn_pool_stop(p); }

#define ROUND 64 /* pictures between two manifests */

/* Every picture wants the memory that the one before gave back: keep it instead of asking the system again. */
static void keep_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif
}

static int run_all(struct job *j, int n, int threads, const char *pipeline, struct vn_arena *a, struct vn_err *e)
{
    struct logger log = { 0 };
    const struct vn_listener l = vn_logger_listener(&log);
    const char *path = vn_path_join(a, j->dir, "manifest.json");
    struct vn_pool_threads *pool = vn_pool_start(vn_arena_alloc(a, vn_pool_bytes(threads)), threads);
    vn_arena_defer(a, stop_pool, pool);
    j->errors = NEW_ARRAY(a, struct vn_err, ROUND);
    keep_memory();
    for (j->from = 0; j->from < n; j->from += ROUND) {
        const int parts = n - j->from < ROUND ? n - j->from : ROUND;
        vn_pool_run(pool, parts, make_part, j);
        for (int i = 0; i < parts; i++)
            if (j->items[j->from + i].status < 0) {
                write_manifest(j, path, pipeline, j->from + i, NULL);
                *e = j->errors[i];
                return j->items[j->from + i].status;
            }
        TRY(write_manifest(j, path, pipeline, j->from + parts, e));
        vn_progress(&l, "pictures", j->from + parts, n);
    }
    return VN_OK;
}

static int run(struct vn_arena *a, struct vn_err *e)
{
    const char **words;
    struct vn_pipeline *p;
    struct job j = { .dir = vn_opt("--output-dir"), .format = vn_opt("--format") ? vn_opt("--format") : "npy" };
    int threads, n, kept = 0;
    if (vn_opt("--steps"))
        return print_steps();
    TRY(vn_pipeline_parse(&p, a, vn_opt("--pipeline") ? vn_opt("--pipeline") : "", e));
    const char *pipeline = vn_pipeline_text(p, a);
    if (vn_opt("--show")) {
        fputs(pipeline, stdout);
        return EXIT_DONE;
    }
    if (vn_words(&words) != 1 || !j.dir)
        return vn_fail(e, VN_E_USAGE, "want a folder of pictures and --output-dir");
    if (strcmp(j.format, "npy") && strcmp(j.format, "bin"))
        return vn_fail(e, VN_E_USAGE, "--format: want npy or bin, got '%s'", j.format);
    TRY(vn_opt_int("--threads", 1, 1, 256, &threads, e));
    j.p = p;
    TRY(collect(&j, &n, words[0], a, e));
    TRY(vn_dir_make(j.dir, e));
    j.before = read_manifest(a, vn_path_join(a, j.dir, "manifest.json"), pipeline);
    TRY(run_all(&j, n, threads, pipeline, a, e));
    for (int i = 0; i < n; i++)
        kept += j.items[i].kept;
    if (vn_opt("--json"))
        return vn_print_json(json_pack("{s:s, s:i, s:i}", "output_dir", j.dir, "files", n, "kept", kept));
    printf("%d files in %s, %d of them there already\n", n, j.dir, kept);
    return EXIT_DONE;
}

const struct command vn_cmd_prep = { "prep", "FOLDER --pipeline STEPS --output-dir DIR [options]", "pictures to calibration files, by a pipeline", options, 0, 1, run };
