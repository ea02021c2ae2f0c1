#include "convert/held_samples.h"

#include <math.h>
#include <stdlib.h>

#include <vernier/session.h>

#include "base/file.h"
#include "base/hash.h"
#include "convert/stages.h"
#include "ops/op.h"
#include "tensor/choice.h"

enum { FOLDS = 4 };

/* ---- folds ---- */

struct ranked {
    uint64_t hash;
    int index;
};

static int by_content(const void *x, const void *y)
{
    const struct ranked *a = x, *b = y;
    return a->hash != b->hash ? (a->hash < b->hash ? -1 : 1) : a->index - b->index;
}

static int hash_sample(uint64_t *h, const struct vn_conversion *c, int i, struct vn_err *e)
{
    struct vn_arena *work = vn_arena_new();
    int status = VN_OK;
    uint64_t all[2] = { 0 };
    for (int k = 0; k < c->optimized->inputs.n && status == VN_OK; k++) {
        const uint8_t *data;
        size_t bytes;
        status = vn_file_map(work, vn_samples_path(c->samples, i, k), &data, &bytes, e);
        if (status < 0)
            break;
        all[1] = vn_hash(data, bytes, SIZE_MAX);
        all[0] = vn_hash(all, sizeof all, SIZE_MAX);
    }
    vn_arena_free(&work);
    *h = all[0];
    return status;
}

int vn_held_folds(struct vn_conversion *c, struct vn_err *e)
{
    const int n = vn_samples_count(c->samples);
    struct ranked *r = NEW_ARRAY(c->arena, struct ranked, n);
    for (int i = 0; i < n; i++) {
        r[i].index = i;
        TRY(hash_sample(&r[i].hash, c, i, e));
    }
    qsort(r, (size_t)n, sizeof *r, by_content);
    c->folds.n = n < FOLDS ? n : FOLDS;
    c->fold_of = NEW_ARRAY(c->arena, int, n);
    c->ranked = NEW_ARRAY(c->arena, int, n);
    for (int i = 0; i < n; i++) {
        c->ranked[i] = r[i].index;
        c->fold_of[r[i].index] = i % c->folds.n;
    }
    return VN_OK;
}

/* ---- what is judged ---- */

static void tell_undecided(const struct vn_conversion *c, const struct judged_value *j)
{
    if (j->axis == VN_CLASSES_MIXED)
        INFO(c, "  %s has no decisions: it concatenates results of several nodes along its class axis",
             j->name);
}

static void find_judges(struct held_samples *h, struct vn_arena *a, const struct vn_conversion *c)
{
    const struct graph *g = c->optimized;
    const unsigned char *marked = vn_graph_judges(a, g);
    const struct mask *masks = vn_masks_find(a, g);
    h->judge = NEW_ARRAY(a, struct judged_value, g->values.n);
    for (int i = 0; i < g->values.n; i++) {
        const struct value *v = g->values.v[i];
        if (marked[i] && vn_dtype_is_float(v->dtype) && !v->data)
            h->judge[h->judges++] = (struct judged_value){ v->name, vn_value_class_axis(v), masks[i] };
    }
    for (int k = 0; k < h->judges; k++)
        tell_undecided(c, &h->judge[k]);
}

/* ---- how many samples ---- */

#define MOST_SAMPLES 64
#define LEAST_SAMPLES 48
#define MOST_PRODUCTS 6e9 /* of one method */
#define MOST_BYTES 2.5e8

static double products(const struct graph *g)
{
    double sum = 0;
    for (int i = 0; i < g->nodes.n; i++) {
        const struct node *n = g->nodes.v[i];
        const int w = n->op->quant.weight;
        if (!w || !n->in[w] || !n->in[w]->shape.rank || !n->out[0]->shape.rank)
            continue;
        const struct vn_shape *y = &n->out[0]->shape, *s = &n->in[w]->shape;
        const int64_t channels = vn_node_is_convolution(n) ? s->d[0] : y->d[y->rank - 1];
        sum += (double)vn_shape_count(y) * (double)vn_shape_count(s) / fmax(1, (double)channels);
    }
    return sum;
}

static double bytes_of(const struct held_samples *h, const struct graph *g)
{
    double elements = 0;
    for (int i = 0; i < g->inputs.n; i++)
        elements += (double)vn_shape_count(&g->inputs.v[i]->shape);
    for (int i = 0; i < h->judges; i++)
        elements += (double)vn_shape_count(&vn_graph_find(g, h->judge[i].name)->shape);
    return elements * sizeof(float);
}

static int count_samples(const struct held_samples *h, const struct vn_conversion *c)
{
    const struct graph *g = c->optimized;
    const double most = fmax(LEAST_SAMPLES, MOST_PRODUCTS / fmax(1, products(g)));
    const double n = fmin(fmin(MOST_SAMPLES, most), fmax(h->folds, MOST_BYTES / fmax(1, bytes_of(h, g))));
    return (int)fmin(n, vn_samples_count(c->samples));
}

/* ---- running ---- */

#define MOST_SQNR 100.0

static double decibels(double ratio)
{
    return ratio > 0 ? fmax(-MOST_SQNR, fmin(MOST_SQNR, 10 * log10(ratio))) : -MOST_SQNR;
}

struct watcher {
    struct held_samples *h;
    struct vn_arena *arena; /* of what is kept, and room */
    int *judge_of; /* by the session's value id; -1: none */
    struct held_sample *keep; /* the float network's; NULL: compare with `with` */
    const struct held_sample *with;
    float *room; /* for what is compared */
    int64_t elements; /* that it has room for */
    double noise, decisions, agreed; /* noise: in units of the signal */
    double each; /* dB, of all judged values */
};

/* The sum of squares of x - y; y NULL: of x. Elements that float masks, or has as infinity, say nothing. */
static double squares(const struct judged_value *j, const float *x, const float *y, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        const double d = (double)x[i] - (y ? y[i] : 0);
        sum += isfinite(x[i]) && !vn_mask_hides(&j->mask, x[i]) ? d * d : 0;
    }
    return sum;
}

static void keep_value(struct watcher *w, int k, const struct vn_view *v)
{
    float *x = NEW_ARRAY(w->arena, float, vn_view_count(v));
    vn_view_real(x, v);
    w->keep->y[k] = x;
    w->keep->elements[k] = vn_view_count(v);
    w->h->judge[k].signal += squares(&w->h->judge[k], x, NULL, vn_view_count(v)) / w->h->n;
}

static void count_decisions(struct watcher *w, int axis, const struct vn_view *v, const float *x,
                            const float *y)
{
    const struct vn_shape shape = vn_shape_of(v->rank, v->shape);
    const struct choice_axis k = vn_choice_axis(&shape, axis);
    const int64_t places = k.classes ? vn_view_count(v) / k.classes : 0;
    for (int64_t i = 0; i < places; i++)
        w->agreed += vn_choice(x, &k, i) == vn_choice(y, &k, i);
    w->decisions += (double)places;
}

static void compare_value(struct watcher *w, int k, const struct vn_view *v)
{
    const struct judged_value *j = &w->h->judge[k];
    const int64_t n = vn_view_count(v);
    if (n != w->with->elements[k]) { /* nothing agrees */
        w->noise += 1;
        w->each -= MOST_SQNR;
        w->decisions++;
        return;
    }
    if (n > w->elements)
        w->room = NEW_ARRAY(w->arena, float, w->elements = n);
    vn_view_real(w->room, v);
    const double noise = squares(j, w->with->y[k], w->room, n);
    w->noise += noise == 0 ? 0 : noise / j->signal;
    w->each += noise == 0 ? MOST_SQNR : decibels(j->signal / noise);
    if (j->axis >= 0 && j->axis < v->rank)
        count_decisions(w, j->axis, v, w->with->y[k], w->room);
}

static void see(void *user, int value, const struct vn_view *v)
{
    struct watcher *w = user;
    const int k = w->judge_of[value];
    if (k < 0)
        return;
    if (w->keep)
        keep_value(w, k, v);
    else
        compare_value(w, k, v);
}

static int open_watched(struct vn_session **out, struct watcher *w, struct vn_arena *work,
                        const struct graph *g, const struct vn_options *run, struct vn_err *e)
{
    struct vn_session_options o;
    struct vn_session **session = vn_session_slot(work);
    vn_session_options_default(&o);
    o.run = *run;
    o.level = 3;
    TRY(vn_session_open_graph(session, g, NULL, &o, e));
    const int n = vn_session_values(*session);
    unsigned char *wanted = NEW_ARRAY(work, unsigned char, n);
    w->judge_of = NEW_ARRAY(work, int, n);
    for (int i = 0; i < n; i++)
        w->judge_of[i] = -1;
    for (int k = 0; k < w->h->judges; k++) {
        const int i = vn_session_value(*session, w->h->judge[k].name);
        if (i < 0)
            continue;
        wanted[i] = 1;
        w->judge_of[i] = k;
    }
    vn_session_observe(*session, &(struct vn_observer){ .after = see, .wanted = wanted, .user = w });
    *out = *session;
    return VN_OK;
}

static int run_float(struct held_samples *h, struct vn_arena *a, struct vn_arena *work,
                     const struct vn_conversion *c, struct vn_err *e)
{
    struct vn_session *session;
    struct watcher w = { .h = h, .arena = a };
    TRY(open_watched(&session, &w, work, c->optimized, &c->run, e));
    for (int i = 0; i < h->n; i++) {
        struct held_sample *s = w.keep = &h->of[i];
        s->index = c->ranked[i];
        s->fold = c->fold_of[s->index];
        s->x = NEW_ARRAY(a, float *, c->optimized->inputs.n);
        s->y = NEW_ARRAY(a, float *, h->judges);
        s->elements = NEW_ARRAY(a, int64_t, h->judges);
        TRY(vn_samples_load(c->samples, s->index, a, s->x, e));
        TRY(vn_session_feed_values(session, s->x, e));
        TRY(vn_session_run(session, e));
    }
    return VN_OK;
}

int vn_held_samples(struct held_samples **out, struct vn_arena *a, const struct vn_conversion *c,
                    struct vn_err *e)
{
    struct held_samples *h = *out = NEW(a, struct held_samples);
    struct vn_arena *work = vn_arena_new();
    h->folds = c->folds.n;
    find_judges(h, a, c);
    h->n = count_samples(h, c);
    h->of = NEW_ARRAY(a, struct held_sample, h->n);
    const int status = run_float(h, a, work, c, e);
    vn_arena_free(&work);
    return status;
}

static int score_fold(struct held_score *of, struct watcher *w, struct vn_session *session, int fold,
                      struct vn_err *e)
{
    for (int i = 0; i < w->h->n; i++) {
        w->with = &w->h->of[i];
        if (w->with->fold != fold)
            continue;
        w->noise = w->decisions = w->agreed = w->each = 0;
        TRY(vn_session_feed_values(session, w->with->x, e));
        TRY(vn_session_run(session, e));
        of[i] = (struct held_score){ decibels(w->h->judges / w->noise), w->each / fmax(1, w->h->judges),
                                     w->decisions > 0 ? w->agreed / w->decisions : 1 };
    }
    return VN_OK;
}

int vn_held_score(struct held_score *of, struct held_samples *h, const struct graph *quantized, int fold,
                  const struct vn_options *run, struct vn_err *e)
{
    struct vn_session *session;
    struct vn_arena *work = vn_arena_new();
    struct watcher w = { .h = h, .arena = work };
    int status = open_watched(&session, &w, work, quantized, run, e);
    if (status == VN_OK)
        status = score_fold(of, &w, session, fold, e);
    vn_arena_free(&work);
    return status;
}
