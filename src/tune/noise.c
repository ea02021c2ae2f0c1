/* What each group loses alone: its tensors in int8, with the constants that follow their type, all else in
 * float32; the same in int16, which clips, too; and the same of the weights that multiply it. Losses of
 * several add up, as far as their errors do not correlate. */
#include <stdlib.h>

#include "base/share.h"
#include "ops/op.h"
#include "tune/tuner.h"

struct change {
    int group;
    enum change_kind kind;
    int begin; /* the first instruction behind it */
};

struct noise_thread {
    struct probe_worker w;
    struct probe_plan plan;
};

/* Runs of the sensitivity, as long as this leaves LEAST_SAMPLES: large networks take fewer samples. */
enum { MOST_RUNS = 4000, LEAST_SAMPLES = 8 };

struct noise_job {
    struct tuner *t;
    int samples; /* of those that are scored, evenly spread */
    VEC(struct change) changes; /* in the order of `begin` */
    struct noise_thread *thread;
    struct output_loss *of; /* [change][sample][output] */
    int *todo, n_todo; /* samples that the journal does not have */
};

static struct output_loss *loss_of(const struct noise_job *j, int change, int sample)
{
    const struct held_out *h = &j->t->held;
    return &j->of[((size_t)change * (size_t)h->n + (size_t)sample) * (size_t)h->losses];
}

/* ---- changes ---- */

static int is_weighted(const struct probe *p, const struct group_reader *r)
{
    const int w = r->node->op->quant.weight;
    return !r->slot && w && r->node->in[w] && r->node->in[w]->data && p->q[r->node->in[w]->id] &&
           p->first[r->node->id] >= 0;
}

/* A constant that is no weight takes the type of the tensor beside it. */
static int has_constants(const struct probe *p, const struct group_reader *r)
{
    for (int i = 0; i < r->node->n_in; i++)
        if (r->node->in[i] && r->node->in[i]->data && p->q[r->node->in[i]->id])
            return !is_weighted(p, r) && p->first[r->node->id] >= 0;
    return 0;
}

/* The first instruction behind its tensors; behind their readers' weights. */
static int begin_of(const struct probe *p, const struct tune_group *g, enum change_kind kind)
{
    int begin = p->n;
    for (int i = 0; kind != CHANGE_WEIGHTS && i < g->values.n; i++) {
        const int made = p->made[g->values.v[i]];
        if (made >= -1 && made + 1 < begin)
            begin = made + 1;
    }
    for (int i = 0; kind == CHANGE_WEIGHTS && i < g->readers.n; i++)
        if (is_weighted(p, &g->readers.v[i]) && p->first[g->readers.v[i].node->id] < begin)
            begin = p->first[g->readers.v[i].node->id];
    return begin;
}

static void add_change(struct noise_job *j, int group, enum change_kind kind)
{
    const struct tune_group *g = &j->t->groups.v[group];
    const struct change c = { group, kind, begin_of(&j->t->p, g, kind) };
    if (c.begin < j->t->p.n && (kind != CHANGE_WIDE || g->allowed >> VN_TUNE_INT16 & 1))
        VEC_PUSH(j->t->arena, &j->changes, c);
}

static int earlier(const void *x, const void *y)
{
    const struct change *a = x, *b = y;
    return a->begin != b->begin   ? (a->begin > b->begin) - (a->begin < b->begin)
           : a->group != b->group ? a->group - b->group
                                  : (int)a->kind - (int)b->kind;
}

static void list_changes(struct noise_job *j)
{
    for (int i = 0; i < j->t->groups.n; i++) {
        add_change(j, i, CHANGE_TENSORS);
        add_change(j, i, CHANGE_WIDE);
        add_change(j, i, CHANGE_WEIGHTS);
    }
    qsort(j->changes.v, (size_t)j->changes.n, sizeof *j->changes.v, earlier);
}

static void set_nodes(const struct probe *p, struct probe_plan *plan, const struct tune_group *g,
                      int (*which)(const struct probe *, const struct group_reader *), int on)
{
    for (int i = 0; i < g->readers.n; i++)
        if (which(p, &g->readers.v[i]))
            plan->node[g->readers.v[i].node->id] = on ? PROBE_CONSTANTS : PROBE_FLOAT;
}

static void set_change(const struct tuner *t, struct probe_plan *plan, const struct change *c, int on)
{
    const struct tune_group *g = &t->groups.v[c->group];
    const struct qparam *const *q = c->kind == CHANGE_WIDE ? t->wide : t->p.q;
    for (int i = 0; c->kind != CHANGE_WEIGHTS && i < g->values.n; i++)
        plan->value[g->values.v[i]] = on ? q[g->values.v[i]] : NULL;
    if (c->kind == CHANGE_TENSORS)
        set_nodes(&t->p, plan, g, has_constants, on);
    if (c->kind == CHANGE_WEIGHTS)
        set_nodes(&t->p, plan, g, is_weighted, on);
}

/* ---- the journal ---- */

static const char *key_of(struct vn_arena *a, int sample) { return vn_arena_fmt(a, "%d", sample); }

static int keep_sample(struct noise_job *j, struct vn_arena *a, int sample, struct vn_err *e)
{
    json_t *list = json_array();
    for (int i = 0; i < j->changes.n; i++)
        for (int k = 0; k < j->t->held.losses; k++) {
            json_array_append_new(list, json_real(loss_of(j, i, sample)[k].noise));
            json_array_append_new(list, json_real(loss_of(j, i, sample)[k].risk));
        }
    return vn_journal_add(j->t->journal, "noise", key_of(a, sample), json_pack("{s:o}", "loss", list), e);
}

/* 0: it is not there. */
static int restore_sample(struct noise_job *j, struct vn_arena *a, int sample)
{
    const json_t *list = json_object_get(vn_journal_find(j->t->journal, "noise", key_of(a, sample)), "loss");
    const int outputs = j->t->held.losses;
    if (json_array_size(list) != 2 * (size_t)j->changes.n * (size_t)outputs)
        return 0;
    for (int i = 0; i < j->changes.n; i++)
        for (int k = 0; k < outputs; k++) {
            const size_t at = 2 * ((size_t)i * (size_t)outputs + (size_t)k);
            loss_of(j, i, sample)[k].noise = json_number_value(json_array_get(list, at));
            loss_of(j, i, sample)[k].risk = json_number_value(json_array_get(list, at + 1));
        }
    return 1;
}

/* ---- runs ---- */

static int run_changes(struct noise_job *j, struct noise_thread *w, struct vn_arena *a, int sample,
                       struct vn_err *e)
{
    const struct tuner *t = j->t;
    TRY(vn_probe_feed_values(&w->w, &t->held.input[sample * t->held.inputs], e));
    for (int i = 0; i < j->changes.n; i++) {
        const struct change *c = &j->changes.v[i];
        set_change(t, &w->plan, c, 1);
        TRY(vn_probe_advance(&w->w, c->begin, e));
        TRY(vn_probe_run(&w->w, &w->plan, e));
        set_change(t, &w->plan, c, 0);
        TRY(vn_tune_add_loss(loss_of(j, i, sample), t, w->w.changed, sample, e));
    }
    return keep_sample(j, a, sample, e);
}

static int run_sample(void *ctx, int worker, int part, struct vn_err *e)
{
    struct noise_job *j = ctx;
    struct vn_arena *a = vn_arena_new();
    const int status = run_changes(j, &j->thread[worker], a, j->todo[part], e);
    vn_arena_free(&a);
    if (!worker)
        vn_progress(&j->t->listener, "sensitivity", part + 1, j->n_todo);
    return status;
}

static int open_threads(struct noise_job *j, int n, struct vn_err *e)
{
    const struct probe *p = &j->t->p;
    j->thread = NEW_ARRAY(j->t->arena, struct noise_thread, n);
    for (int i = 0; i < n; i++) {
        j->thread[i].plan =
            (struct probe_plan){ NEW_ARRAY(j->t->arena, const struct qparam *, p->graph->values.n),
                                 NEW_ARRAY(j->t->arena, unsigned char, p->graph->nodes.n) };
        TRY(vn_probe_worker(&j->thread[i].w, j->t->arena, p, e));
    }
    return VN_OK;
}

static int spread(const struct noise_job *j, int i) { return (int)((int64_t)i * j->t->held.n / j->samples); }

static void sum_up(struct noise_job *j)
{
    const struct held_out *h = &j->t->held;
    for (int i = 0; i < j->changes.n; i++) {
        struct vn_arena *a = vn_arena_new();
        struct output_loss *all = NEW_ARRAY(a, struct output_loss, h->losses);
        for (int s = 0; s < j->samples; s++)
            for (int k = 0; k < h->losses; k++) {
                const struct output_loss *x = &loss_of(j, i, spread(j, s))[k];
                all[k].noise += x->noise * h->n / j->samples;
                all[k].risk += x->risk * h->n / j->samples;
            }
        struct tune_group *g = &j->t->groups.v[j->changes.v[i].group];
        g->noise[j->changes.v[i].kind] = vn_tune_loss(j->t, all);
        vn_arena_free(&a);
    }
}

static int samples_for(const struct noise_job *j)
{
    const int n = j->changes.n ? MOST_RUNS / j->changes.n : MOST_RUNS,
              most = n > LEAST_SAMPLES ? n : LEAST_SAMPLES;
    return most < j->t->held.n ? most : j->t->held.n;
}

int vn_tune_measure_noise(struct tuner *t, struct vn_err *e)
{
    struct noise_job j = { .t = t };
    const int threads = t->o->run.threads < 1 ? 1 : t->o->run.threads;
    list_changes(&j);
    j.samples = samples_for(&j);
    j.of = NEW_ARRAY(t->arena, struct output_loss,
                     (size_t)j.changes.n * (size_t)t->held.n * (size_t)t->held.losses);
    j.todo = NEW_ARRAY(t->arena, int, t->held.n);
    for (int i = 0; i < j.samples; i++)
        if (!restore_sample(&j, t->arena, spread(&j, i)))
            j.todo[j.n_todo++] = spread(&j, i);
    TRY(open_threads(&j, threads, e));
    TRY(vn_share(j.n_todo, threads, run_sample, &j, e));
    sum_up(&j);
    return VN_OK;
}
