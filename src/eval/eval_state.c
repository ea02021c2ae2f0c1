/* The file of results that --resume names: a line for each sample, written whole. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hash.h"
#include "eval/eval_run.h"

static uint64_t mix(uint64_t h, const void *data, size_t n)
{
    const uint64_t both[2] = { h, vn_hash(data, n, SIZE_MAX) };
    return vn_hash(both, sizeof both, SIZE_MAX);
}

static int mix_file(uint64_t *h, const char *path, struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    struct vn_arena *a = vn_arena_new();
    const int status = vn_file_map(a, path, &data, &bytes, e);
    if (status == VN_OK)
        *h = mix(*h, data, bytes);
    vn_arena_free(&a);
    return status;
}

/* Pictures are too many to be read for this. */
static int64_t file_bytes(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

/* What a setting names: a file of labels, or a folder of label images; a word is neither. */
static int mix_path(uint64_t *h, struct vn_arena *a, const char *path, struct vn_err *e)
{
    const char **names;
    int n;
    if (!path || !vn_dir_exists(path))
        return path && vn_file_exists(path) ? mix_file(h, path, e) : VN_OK;
    TRY(vn_dir_list(a, path, &names, &n, e));
    for (int i = 0; i < n; i++) {
        const int64_t size = file_bytes(vn_path_join(a, path, names[i]));
        *h = mix(mix(*h, &size, sizeof size), names[i], strlen(names[i]));
    }
    return VN_OK;
}

static int mix_paths(uint64_t *h, const struct run *w, struct vn_err *e)
{
#define PATH_OF_TEXT(f) NULL
#define PATH_OF_LIST(f) NULL
#define PATH_OF_PATH(f) f
#define PATH_OF_INT(f) NULL
#define PATH_OF_REAL(f) NULL
    const char *const paths[] = {
#define EVAL_KEY(kind, field, option, value, lo, hi, preset, help) PATH_OF_##kind(w->eval->task->field),
#include <vernier/eval_keys.def>
#undef EVAL_KEY
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        TRY(mix_path(h, w->eval->arena, paths[i], e));
    return VN_OK;
}

static void mix_settings(uint64_t *h, const struct vn_input_settings *in)
{
    for (int i = 0; i < in->n_shapes; i++) {
        *h = mix(*h, in->shape_names[i], strlen(in->shape_names[i]));
        *h = mix(*h, in->shapes[i], strlen(in->shapes[i]));
    }
    for (int i = 0; i < in->n_values; i++)
        *h = mix(*h, in->values[i], strlen(in->values[i]));
}

/* Of all that results depend on: task, models, labels, samples' names. Their sizes stand in their lines. */
static int fingerprint(uint64_t *h, const struct run *w, struct vn_err *e)
{
    const struct eval_task *t = w->eval->task;
    const char *text = VN_VERSION;
#define TEXT_OF_TEXT(f) f ? f : ""
#define TEXT_OF_LIST(f) f ? f : ""
#define TEXT_OF_PATH(f) f ? f : ""
#define TEXT_OF_INT(f) vn_arena_fmt(w->eval->arena, "%d", f)
#define TEXT_OF_REAL(f) vn_arena_fmt(w->eval->arena, "%.17g", f)
    const struct {
        const char *key, *text;
    } all[] = {
#define EVAL_KEY(kind, field, option, value, lo, hi, preset, help) { #field, TEXT_OF_##kind(t->field) },
#include <vernier/eval_keys.def>
#undef EVAL_KEY
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].key, "bootstrap") &&
            strcmp(all[i].key, "seed")) /* they change no sample's results */
            text = vn_arena_fmt(w->eval->arena, "%s|%s", text, all[i].text);
    if (w->pipeline) /* its steps: the task may only name a file */
        text = vn_arena_fmt(w->eval->arena, "%s|%s", text, vn_pipeline_line(w->pipeline, w->eval->arena));
    *h = mix(0, text, strlen(text));
    mix_settings(h, &w->o->inputs);
    for (int m = 0; m < w->n_models; m++)
        TRY(mix_file(h, w->o->models[m], e));
    if (w->o->prototxt)
        TRY(mix_file(h, w->o->prototxt, e));
    for (int i = 0; i < w->eval->n_samples; i++)
        *h = mix(*h, w->eval->samples[i].name, strlen(w->eval->samples[i].name));
    for (int k = 0; k < w->eval->n_beside; k++)
        for (int i = 0; i < w->eval->n_samples; i++) {
            const struct sample *s = &w->eval->beside[k].samples[i];
            const int64_t size = file_bytes(s->path);
            *h = mix(mix(*h, &size, sizeof size), s->name, strlen(s->name));
        }
    return mix_paths(h, w, e);
}

static int read_record(struct record *r, struct vn_arena *a, const char **p)
{
    char *end;
    const long n = strtol(*p, &end, 10);
    if (end == *p || n < 0 || n > (long)strlen(end))
        return 0;
    double *v = NEW_ARRAY(a, double, n);
    *r = (struct record){ (int)n, v };
    for (long i = 0; i < n; i++) {
        *p = end;
        v[i] = strtod(*p, &end);
        if (end == *p)
            return 0;
    }
    *p = end;
    return 1;
}

static int read_line(struct run *w, const char *line)
{
    const char *p = line;
    char *end;
    const long i = strtol(p, &end, 10);
    if (end == p || i < 0 || i >= w->eval->n_samples)
        return 0;
    const int valid = strtoll(end, &end, 10) ==
                      file_bytes(w->eval->samples[i].path); /* else it is another picture by now */
    p = end;
    for (int m = 0; m < w->n_models; m++) {
        struct kept k;
        if (!read_record(&k.main, w->eval->arena, &p) || !read_record(&k.like, w->eval->arena, &p) ||
            !w->eval->metric->valid(&k.main, w->eval, (int)i) ||
            k.like.n != (m ? w->n_outputs * LIKE_FIELDS : 0))
            return 0;
        if (valid && !w->done[i])
            w->kept[i * w->n_models + m] = k;
    }
    if (*p || (valid && w->done[i]))
        return 0;
    w->done[i] = valid ? FROM_FILE : w->done[i];
    w->resumed += valid;
    return 1;
}

static void close_state(void *f) { fclose(f); }

/* Lines of an earlier run; one that was not written to its end is dropped. */
static int read_state(struct run *w, const char *head, struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    const char *path = w->o->state;
    TRY(vn_file_map(w->eval->arena, path, &data, &bytes, e));
    size_t whole = bytes;
    while (whole && data[whole - 1] != '\n')
        whole--;
    const char *text = vn_arena_strn(w->eval->arena, (const char *)data, whole);
    if (strlen(text) != whole || strncmp(text, EVAL_STATE, strlen(EVAL_STATE)))
        return vn_fail(e, VN_E_INPUT, "%s: not a file of evaluation results; --resume would overwrite it",
                       path);
    if (strncmp(text, head, strlen(head)))
        return vn_fail(e, VN_E_INPUT,
                       "%s: contains results of other models, images, labels or settings; remove the file or "
                       "choose another",
                       path);
    int number = 1;
    for (const char *p = strchr(text, '\n') + 1; *p; number++) {
        const size_t n = strcspn(p, "\n");
        if (!read_line(w, vn_arena_strn(w->eval->arena, p, n)))
            return vn_fail(e, VN_E_INPUT, "%s:%d: damaged: not a sample's result", path, number + 1);
        p += n + 1;
    }
    return whole < bytes ? vn_file_write(path, text, whole, e) : VN_OK;
}

int vn_eval_state_open(struct run *w, struct vn_err *e)
{
    uint64_t h;
    if (!w->o->state)
        return VN_OK;
    TRY(fingerprint(&h, w, e));
    const char *head = vn_arena_fmt(w->eval->arena, EVAL_STATE "%016llx\n", (unsigned long long)h);
    if (vn_file_exists(w->o->state))
        TRY(read_state(w, head, e));
    else
        TRY(vn_file_write(w->o->state, head, strlen(head), e));
    if (!(w->state = fopen(w->o->state, "a")))
        return vn_fail(e, errno == ENOMEM ? VN_E_NOMEM : VN_E_IO, "%s: %s", w->o->state, strerror(errno));
    vn_arena_defer(w->eval->arena, close_state, w->state);
    return VN_OK;
}

static void print_record(FILE *f, const struct record *r)
{
    fprintf(f, " %d", r->n);
    for (int k = 0; k < r->n; k++)
        fprintf(f, " %.17g", r->v[k]);
}

int vn_eval_state_append(struct run *w, int i, struct vn_err *e)
{
    if (!w->state)
        return VN_OK;
    fprintf(w->state, "%d %lld", i, (long long)file_bytes(w->eval->samples[i].path));
    for (int m = 0; m < w->n_models; m++) {
        print_record(w->state, &w->kept[i * w->n_models + m].main);
        print_record(w->state, &w->kept[i * w->n_models + m].like);
    }
    fputc('\n', w->state);
    if (!fflush(w->state) && !ferror(w->state))
        return VN_OK;
    w->state = NULL; /* nothing may follow half a line */
    return vn_fail(e, VN_E_IO, "%s: cannot write: %s", w->o->state, strerror(errno));
}
