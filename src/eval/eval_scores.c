/* What is said of the models when all samples are done: scores, intervals of differences, likeness of
 * outputs. */
#include <math.h>
#include <stdlib.h>

#include "base/random.h"
#include "base/share.h"
#include "eval/eval_run.h"

const struct record **vn_eval_records(const struct run *w, int m)
{
    const struct record **of = NEW_ARRAY(w->eval->arena, const struct record *, w->eval->n_samples);
    for (int i = 0; i < w->eval->n_samples; i++)
        of[i] = &w->kept[i * w->n_models + m].main;
    return of;
}

/* ---- paired resamples: each draws the same samples for every model ---- */

struct resamples {
    const struct eval_set *ev;
    int n_models;
    const struct record *const *const *of; /* records of each model */
    double **score; /* of each worker: n_models x n_scores */
    int **times; /* and how often it drew each sample */
    /* from the first model's: [model - 1][score][resample]; NaN where one of the two is not defined */
    double *difference;
};

static int resample(void *ctx, int worker, int i, struct vn_err *e)
{
    struct resamples *r = ctx;
    const struct eval_set *ev = r->ev;
    const int n = ev->n_scores, b = ev->task->bootstrap;
    double *score = r->score[worker];
    uint64_t seed = vn_random_after((uint64_t)ev->task->seed, (uint64_t)i * (uint64_t)ev->n_samples);
    (void)e;
    vn_resample(r->times[worker], ev->n_samples, &seed);
    for (int m = 0; m < r->n_models; m++, score += n) {
        ev->metric->score(score, ev, r->of[m], r->times[worker]);
        for (int k = 0; m && k < n; k++)
            r->difference[((size_t)(m - 1) * (size_t)n + (size_t)k) * (size_t)b + (size_t)i] =
                score[k] - r->score[worker][k];
    }
    return VN_OK;
}

static int ascending(const void *x, const void *y)
{
    const double a = *(const double *)x, b = *(const double *)y;
    return a < b ? -1 : a > b;
}

/* The percentile interval of Efron's bootstrap, over the resamples in which the difference is defined. */
static void interval(double *low, double *high, double *d, int n)
{
    int defined = 0;
    for (int i = 0; i < n; i++)
        if (isfinite(d[i]))
            d[defined++] = d[i];
    qsort(d, (size_t)defined, sizeof *d, ascending);
    *low = vn_percentile(d, defined, 2.5);
    *high = vn_percentile(d, defined, 97.5);
}

static int intervals(struct evaluation *out, const struct run *w, const struct record *const *const *of,
                     struct vn_err *e)
{
    const struct eval_set *ev = w->eval;
    struct vn_arena *a = ev->arena;
    const int n = ev->n_scores, b = ev->task->bootstrap, others = w->n_models - 1;
    const int threads = vn_eval_threads(w, b);
    struct resamples r = { ev,
                           w->n_models,
                           of,
                           NEW_ARRAY(a, double *, threads),
                           NEW_ARRAY(a, int *, threads),
                           vn_arena_array(a, (size_t)others * (size_t)n * (size_t)b, sizeof(double)) };
    for (int i = 0; i < threads; i++) {
        r.score[i] = NEW_ARRAY(a, double, w->n_models *n);
        r.times[i] = NEW_ARRAY(a, int, ev->n_samples);
    }
    TRY(vn_share(b, threads, resample, &r, e));
    for (int m = 1; m < w->n_models; m++) {
        struct evaluated *to = &out->models[m];
        to->low = NEW_ARRAY(a, double, n);
        to->high = NEW_ARRAY(a, double, n);
        for (int k = 0; k < n; k++)
            interval(&to->low[k], &to->high[k],
                     r.difference + ((size_t)(m - 1) * (size_t)n + (size_t)k) * (size_t)b, b);
    }
    return VN_OK;
}

/* ---- likeness ---- */

/* Integers and booleans are equal or not: they have no cosine. */
static int is_exact(const struct run *w, const char *output)
{
    int n;
    const int k = w->eval->judge ? vn_session_output_find(w->eval->judge, output) : -1;
    const struct vn_port *p = k < 0 ? NULL : &vn_session_outputs(w->eval->judge, &n)[k];
    return p && !vn_dtype_is_float(p->dtype);
}

static void sum_likeness(const struct run *w, struct evaluated *to, int m)
{
    to->outputs = NEW_ARRAY(w->eval->arena, struct output_likeness, w->n_outputs);
    for (int o = 0; o < w->n_outputs; o++) {
        struct output_likeness *l = &to->outputs[o];
        double signal = 0, noise = 0;
        int n = 0;
        *l = (struct output_likeness){ .name = w->output[o], .cosine_min = INFINITY };
        for (int i = 0; i < w->eval->n_samples; i++) {
            const double *v = w->kept[i * w->n_models + m].like.v + o * LIKE_FIELDS;
            if (v[LIKE_COSINE] == NOT_COMPARABLE)
                continue;
            n++;
            l->cosine_mean += v[LIKE_COSINE];
            l->cosine_min = v[LIKE_COSINE] < l->cosine_min ? v[LIKE_COSINE] : l->cosine_min;
            l->max = v[LIKE_MAX] > l->max || v[LIKE_MAX] != v[LIKE_MAX] ? v[LIKE_MAX] : l->max;
            l->equal += v[LIKE_EQUAL];
            signal += v[LIKE_SIGNAL];
            noise += v[LIKE_NOISE];
        }
        l->equal = n ? l->equal / n : NAN;
        n = is_exact(w, l->name) ? 0 : n;
        l->cosine_mean = n ? l->cosine_mean / n : NAN;
        l->cosine_min = n ? l->cosine_min : NAN;
        l->sqnr = !n ? NAN : noise == 0 ? INFINITY : 10 * log10(signal / noise);
    }
}

/* ---- samples whose results differ ---- */

/* Worst first, in the order of samples where they are equal. */
static int by_amount(const void *x, const void *y)
{
    const struct sample_change *a = x, *b = y;
    return a->amount != b->amount ? (a->amount < b->amount ? 1 : -1) : a->sample - b->sample;
}

static void list_changes(struct evaluated *to, const struct eval_set *ev, const struct record *const *of)
{
    to->changes = NEW_ARRAY(ev->arena, struct sample_change, ev->n_samples);
    for (int i = 0; i < ev->n_samples; i++) {
        struct sample_change c = { i, 0, NULL };
        c.amount = ev->metric->change(&c.text, ev->arena, ev, i, ev->first[i], of[i]);
        if (c.amount != 0)
            to->changes[to->n_changed++] = c;
    }
    qsort(to->changes, (size_t)to->n_changed, sizeof *to->changes, by_amount);
    to->n_listed = to->n_changed < ev->task->list ? to->n_changed : ev->task->list;
}

int vn_eval_summarise(struct evaluation *out, const struct run *w, struct vn_err *e)
{
    struct eval_set *ev = w->eval;
    const struct record *const **of = NEW_ARRAY(ev->arena, const struct record *const *, w->n_models);
    int *once = NEW_ARRAY(ev->arena, int, ev->n_samples);
    for (int i = 0; i < ev->n_samples; i++)
        once[i] = 1;
    out->models = NEW_ARRAY(ev->arena, struct evaluated, w->n_models);
    for (int m = 0; m < w->n_models; m++) {
        struct evaluated *to = &out->models[m];
        of[m] = vn_eval_records(w, m);
        ev->first = of[0];
        to->path = w->o->models[m];
        to->score = NEW_ARRAY(ev->arena, double, ev->n_scores);
        ev->metric->score(to->score, ev, of[m], once);
        if (m)
            sum_likeness(w, to, m);
        if (m && ev->metric->change && ev->task->list)
            list_changes(to, ev, of[m]);
    }
    return w->n_models > 1 && ev->task->bootstrap && ev->n_scores ? intervals(out, w, of, e) : VN_OK;
}
