/* The right class is among the k largest outputs. A sample's record: how many classes come before the right
 * one. */
#include <math.h>
#include <stdlib.h>

#include "eval/evaluate.h"

#define MAX_K 8

struct truth {
    int *label; /* of each sample */
    int n_k;
    double k[MAX_K];
};

/* The class of each line. */
static int read_classes(struct label_file *f, int **out, struct eval_set *ev, struct vn_err *e)
{
    const char *path = ev->task->labels;
    TRY(vn_eval_labels(f, ev->arena, path, "its class number", e));
    int *class = *out = NEW_ARRAY(ev->arena, int, f->n);
    for (int i = 0; i < f->n; i++) {
        char *end;
        const char *text = f->lines[i].label;
        const long v = strtol(text, &end, 10);
        if (end == text || *end || v < 0 || v > 1 << 30)
            return vn_eval_label_wrong(&f->lines[i], path, "its class number", e);
        class[i] = (int)v;
    }
    ev->n_labelled = f->n;
    return VN_OK;
}

static int prepare(struct eval_set *ev, struct vn_err *e)
{
    struct truth *t = ev->truth = NEW(ev->arena, struct truth);
    const char *path = ev->task->labels;
    struct label_file f = { 0 };
    int *class = NULL;
    if (!path)
        return vn_fail(e, VN_E_USAGE,
                       "top_k requires --labels: a file of lines 'IMAGE CLASS', or the word folders");
    if (strcmp(path, "folders"))
        TRY(read_classes(&f, &class, ev, e));
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
        const struct label_line *line = class ? vn_map_get(f.of, s->name) : NULL;
        if (s->label < 0 && !line)
            return vn_fail(e, VN_E_INPUT, "%s: no class for %s", path, s->name);
        t->label[i] = s->label < 0 ? class[line - f.lines] : s->label;
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

static double change(const char **text, struct vn_arena *a, const struct eval_set *ev, int i,
                     const struct record *x, const struct record *y)
{
    const struct truth *t = ev->truth;
    const int was = x->v[0] < t->k[0], is = y->v[0] < t->k[0];
    if (was == is)
        return 0;
    *text = vn_arena_fmt(a, "class %d: rank %.0f -> %.0f", t->label[i], x->v[0] + 1, y->v[0] + 1);
    return was - is;
}

const struct metric vn_metric_top_k = {
    "top_k", "%", prepare, keep, valid, score, .change = change,
};
