/* The right class is among the k largest outputs. A sample's record: how many classes come before the right one. */
#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "eval/evaluate.h"

#define MAX_K 8

struct truth {
    int *label; /* of each sample */
    int n_k;
    double k[MAX_K];
};

/* Lines "PICTURE CLASS". */
static int read_labels(struct vn_map *of, int *n_lines, struct vn_arena *a, const char *path,
                       struct vn_err *e)
{
    const uint8_t *data;
    size_t bytes;
    TRY(vn_file_map(a, path, &data, &bytes, e));
    char *text = vn_arena_strn(a, (const char *)data, bytes), *const stop = text + strlen(text);
    int number = 0;
    for (char *line = text, *next; line < stop; line = next) {
        const size_t n = strcspn(line, "\n");
        next = line + n + (line[n] != 0);
        line[n] = 0;
        number++;
        line[strcspn(line, "\r")] = 0;
        char *word = strrchr(line, ' '), *tab = strrchr(line, '\t'), *end;
        word = tab > word ? tab : word;
        if (!*line)
            continue;
        int *label = NEW(a, int);
        const long v = word ? strtol(word + 1, &end, 10) : -1;
        if (!word || end == word + 1 || *end || v < 0 || v > 1 << 30)
            return vn_fail(e, VN_E_INPUT,
                           "%s:%d: expected the name of an image and its class number, got '%.80s'", path,
                           number, line);
        *label = (int)v;
        *word = 0;
        if (vn_map_get(of, line))
            return vn_fail(e, VN_E_INPUT, "%s:%d: duplicate image %s", path, number, line);
        vn_map_set(of, line, label);
        ++*n_lines;
    }
    return VN_OK;
}

static int prepare(struct eval_set *ev, struct vn_err *e)
{
    struct truth *t = ev->truth = NEW(ev->arena, struct truth);
    const char *path = ev->task->labels;
    struct vn_map *of = vn_map_new(ev->arena);
    if (!path)
        return vn_fail(e, VN_E_USAGE,
                       "top_k requires --labels: a file of lines 'IMAGE CLASS', or the word folders");
    if (strcmp(path, "folders"))
        TRY(read_labels(of, &ev->n_labelled, ev->arena, path, e));
    TRY(vn_eval_numbers(t->k, MAX_K, &t->n_k, ev->task->k, "k", e));
    ev->n_scores = t->n_k;
    ev->score_name = NEW_ARRAY(ev->arena, const char *, t->n_k);
    for (int i = 0; i < t->n_k; i++) {
        if (!(t->k[i] >= 1 && t->k[i] <= 1e6 && t->k[i] == rint(t->k[i])))
            return vn_fail(e, VN_E_USAGE, "k: expected integers >= 1, got '%s'", ev->task->k);
        ev->score_name[i] = vn_arena_fmt(ev->arena, "top-%g", t->k[i]);
    }
    t->label = NEW_ARRAY(ev->arena, int, ev->n_samples);
    for (int i = 0; i < ev->n_samples; i++) {
        const struct sample *s = &ev->samples[i];
        const int *given = vn_map_get(of, s->name);
        if (s->label < 0 && !given)
            return vn_fail(e, VN_E_INPUT, "%s: no class for %s", path, s->name);
        t->label[i] = s->label < 0 ? *given : s->label;
    }
    return VN_OK;
}

static int keep(struct record *out, struct vn_arena *a, const struct eval_set *ev, int i,
                const struct vn_session *model, const struct vn_origin *from, struct vn_err *e)
{
    const struct truth *t = ev->truth;
    struct output_values x;
    (void)from;
    struct vn_arena *work = vn_arena_new();
    double *rank = NEW(a, double);
    const int status = vn_eval_output(&x, work, model, ev->task->output, e);
    const int64_t label = t->label[i];
    for (int64_t c = 0; status == VN_OK && label < x.n && c < x.n;
         c++) /* equal values: the lower class comes first */
        *rank += x.v[c] > x.v[label] || (x.v[c] == x.v[label] && c < label) || x.v[label] != x.v[label];
    const int64_t n = status == VN_OK ? x.n : 0;
    vn_arena_free(&work);
    TRY(status);
    *out = (struct record){ 1, rank };
    return label < n ? VN_OK
                     : vn_fail(e, VN_E_INPUT, "class %lld, but the output has %lld classes, 0 to %lld",
                               (long long)label, (long long)n, (long long)n - 1);
}

static int valid(const struct record *r, const struct eval_set *ev, int i)
{
    (void)ev, (void)i;
    return r->n == 1 && r->v[0] >= 0;
}

static void score(double *out, const struct eval_set *ev, const struct record *const *of, const int *times)
{
    const struct truth *t = ev->truth;
    for (int k = 0; k < t->n_k; k++) {
        int64_t hit = 0, all = 0;
        for (int i = 0; i < ev->n_samples; i++) {
            hit += of[i]->v[0] < t->k[k] ? times[i] : 0;
            all += times[i];
        }
        out[k] = 100.0 * (double)hit / (double)all;
    }
}

const struct metric vn_metric_top_k = { "top_k", "%", prepare, keep, valid, score };
