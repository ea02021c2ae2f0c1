/* Accumulated error: some of a network is quantized, and every node's result is compared with float's. */
#include <math.h>

#include "base/listen.h"
#include "base/share.h"
#include "debug/debug_job.h"

struct vn_accumulated {
    struct vn_arena *arena; /* detached */
    VEC(struct vn_accumulated_curve) curves;
    VEC(const char *) nodes; /* the points of every curve */
    int samples;
};

/* One job. A point is a node's first result that is in memory as float32. */
struct curves_job {
    struct debug_job d;
    const struct vn_debug_group *groups;
    int n_groups;
    int *point; /* by instruction: the value that it finishes; -1: none */
    int points;
    struct distance *of; /* [group][sample][points, then outputs] */
};

/* ---- what is quantized ---- */

/* Words that stand for all of a kind. */
static const struct {
    const char *word;
    enum vn_debug_kind kind;
} kind_words[] = { { "weight", VN_DEBUG_WEIGHT }, { "activation", VN_DEBUG_ACTIVATION } };

static int kind_of_word(const char *word)
{
    for (size_t i = 0; i < sizeof kind_words / sizeof *kind_words; i++)
        if (!strcmp(kind_words[i].word, word))
            return (int)kind_words[i].kind;
    return -1;
}

static int check_word(const struct vn_debug_group *group, const char *word, struct vn_err *e)
{
    return group->all_but
               ? vn_fail(e, VN_E_USAGE,
                         "'%s' selects all nodes of a kind and cannot be excluded: expected names of nodes",
                         word)
               : VN_OK;
}

/* All nodes, but those that are named. */
static int fill_but(struct debug_job *j, struct probe_plan *plan, const struct vn_debug_group *group,
                    struct vn_err *e)
{
    vn_debug_set_all(&j->p, plan, VN_DEBUG_NODE);
    for (int i = 0; i < group->n; i++) {
        struct debug_item item;
        if (kind_of_word(group->nodes[i]) >= 0)
            return check_word(group, group->nodes[i], e);
        TRY(vn_debug_find(&item, j, group->nodes[i], e));
        if (item.kind != VN_DEBUG_NODE)
            return vn_fail(e, VN_E_USAGE, "%s: expected nodes to keep in float, got calibration node %s",
                           j->p.graph->source, group->nodes[i]);
        vn_debug_set(&j->p, plan, item, 0);
    }
    return VN_OK;
}

static int fill(struct debug_job *j, struct probe_plan *plan, const struct vn_debug_group *group,
                struct vn_err *e)
{
    memset(plan->value, 0, (size_t)j->p.graph->values.n * sizeof *plan->value);
    memset(plan->node, 0, (size_t)j->p.graph->nodes.n);
    if (group->all_but)
        return fill_but(j, plan, group, e);
    for (int i = 0; i < group->n; i++) {
        const int kind = kind_of_word(group->nodes[i]);
        struct debug_item item;
        if (kind >= 0) {
            vn_debug_set_all(&j->p, plan, (enum vn_debug_kind)kind);
            continue;
        }
        TRY(vn_debug_find(&item, j, group->nodes[i], e));
        vn_debug_set(&j->p, plan, item, 1);
    }
    return VN_OK;
}

/* ---- runs ---- */

static struct distance *distances(struct curves_job *j, int group, int sample)
{
    return &j->of[((int64_t)group * j->d.samples.n + sample) * (j->points + j->d.outputs.n)];
}

/* Both tensors lie in the same order: the memory's serves. */
static struct distance compare(struct debug_thread *t, int tensor)
{
    struct vn_view v;
    vn_model_tensor(vn_session_model(t->w.clean), tensor, &v);
    const int64_t n = vn_view_count(&v);
    return vn_distance(vn_session_memory(t->w.clean, tensor), n, vn_session_memory(t->w.changed, tensor), n,
                       1, 1);
}

static int run_pair(struct curves_job *j, struct debug_thread *t, struct distance *d, struct vn_err *e)
{
    vn_probe_pair_begin(&t->w, &t->plan);
    for (int i = 0; i < j->d.p.n; i++) {
        TRY(vn_probe_pair_step(&t->w, i, e));
        if (j->point[i] >= 0)
            *d++ = compare(t, j->d.p.tensor[j->point[i]]);
    }
    return VN_OK;
}

static int run_part(void *ctx, int worker, int part, struct vn_err *e)
{
    struct curves_job *j = ctx;
    struct debug_thread *t = &j->d.thread[worker];
    const int group = part / j->d.samples.n, sample = part % j->d.samples.n;
    struct distance *d = distances(j, group, sample);
    struct vn_arena *a = vn_arena_new();
    int status = vn_debug_run_float(&j->d, t, a, sample, e);
    if (status == VN_OK)
        status = fill(&j->d, &t->plan, &j->groups[group], e);
    if (status == VN_OK)
        status = run_pair(j, t, d, e);
    if (status == VN_OK)
        status = vn_debug_judge(&j->d, t, a, d + j->points, e);
    vn_arena_free(&a);
    if (!worker)
        vn_progress(&j->d.o->listener, "accumulated error", part + 1, j->n_groups * j->d.samples.n);
    return status;
}

static int is_point(const struct probe *p, int value)
{
    struct vn_view v;
    if (value < 0 || !p->graph->values.v[value]->producer || p->graph->values.v[value]->bounded)
        return 0;
    vn_model_tensor(vn_session_model(p->floats), p->tensor[value], &v);
    return v.dtype == VN_F32 && p->graph->values.v[value]->producer->out[0] == p->graph->values.v[value];
}

static void list_points(struct curves_job *j, struct vn_accumulated *r)
{
    const struct probe *p = &j->d.p;
    j->point = NEW_ARRAY(j->d.arena, int, p->n);
    for (int i = 0; i < p->n; i++) {
        const int v = p->finishes[i];
        j->point[i] = is_point(p, v) ? v : -1;
        if (j->point[i] < 0)
            continue;
        const char *name = vn_arena_str(r->arena, p->graph->values.v[v]->producer->name);
        VEC_PUSH(r->arena, &r->nodes, name);
        j->points++;
    }
}

static int check_groups(struct curves_job *j, struct vn_err *e)
{
    for (int i = 0; i < j->n_groups; i++)
        TRY(fill(&j->d, &j->d.thread[0].plan, &j->groups[i], e));
    return VN_OK;
}

/* ---- curves ---- */

static struct distance sum(struct curves_job *j, int group, int which)
{
    struct distance all = { 0 };
    for (int i = 0; i < j->d.samples.n; i++)
        vn_distance_add(&all, &distances(j, group, i)[which]);
    return all;
}

static const char *label_of(const struct vn_debug_group *g, int group, struct vn_arena *a)
{
    return g->label ? vn_arena_str(a, g->label) : vn_arena_fmt(a, "partial_qmodel_%d", group);
}

/* Each point becomes the mean of all up to it. */
static void average(double *y, int n)
{
    double total = 0;
    for (int i = 0; i < n; i++) {
        total += y[i];
        y[i] = total / (i + 1);
    }
}

static void add_curve(struct curves_job *j, struct vn_accumulated *r, int group, int averaged)
{
    struct vn_accumulated_curve c = { .agreement = 1 };
    c.label = label_of(&j->groups[group], group, r->arena);
    for (int m = 0; m < VN_DEBUG_METRICS; m++) {
        double *y = NEW_ARRAY(r->arena, double, j->points);
        for (int i = 0; i < j->points; i++) {
            const struct distance d = sum(j, group, i);
            y[i] = vn_distance_metric(&d, m);
        }
        if (averaged)
            average(y, j->points);
        c.metric[m] = y;
    }
    for (int k = 0; k < j->d.outputs.n; k++) {
        const struct distance d = sum(j, group, j->points + k);
        c.agreement = fmin(c.agreement, vn_distance_agreement(&d));
        for (int m = 0; m < VN_DEBUG_METRICS; m++) {
            const double x = vn_distance_metric(&d, m);
            c.output[m] = !k || vn_debug_worse(m, x, c.output[m]) ? x : c.output[m];
        }
    }
    VEC_PUSH(r->arena, &r->curves, c);
}

struct curves_request {
    const struct vn_debug_options *o;
    const struct vn_debug_group *groups;
    int n, averaged;
};

static int measure_all(void *result, const void *request, struct vn_arena *work, struct vn_err *e)
{
    const struct curves_request *q = request;
    struct vn_accumulated *r = result;
    struct curves_job *j = NEW(work, struct curves_job);
    const int n = q->n;
    if (n < 1)
        return vn_fail(e, VN_E_USAGE, "%s: expected nodes to quantize, or to keep in float", q->o->model);
    TRY(vn_debug_job_open(&j->d, work, q->o, e));
    j->groups = q->groups;
    j->n_groups = n;
    TRY(vn_debug_job_threads(&j->d, e));
    TRY(check_groups(j, e));
    list_points(j, r);
    j->of = NEW_ARRAY(work, struct distance,
                      (size_t)n * (size_t)j->d.samples.n * (size_t)(j->points + j->d.outputs.n));
    TRY(vn_share(n * j->d.samples.n, j->d.threads, run_part, j, e));
    r->samples = j->d.samples.n;
    for (int i = 0; i < n; i++)
        add_curve(j, r, i, q->averaged);
    return VN_OK;
}

int vn_debug_accumulated(struct vn_accumulated **r, const struct vn_debug_options *o,
                         const struct vn_debug_group *groups, int n, int averaged, struct vn_err *e)
{
    const struct curves_request request = { o, groups, n, averaged };
    void *made;
    const int status = vn_debug_result(&made, sizeof **r, measure_all, &request, e);
    *r = made;
    return status;
}

void vn_accumulated_free(struct vn_accumulated **r)
{
    if (!r)
        return;
    vn_debug_result_free(*r);
    *r = NULL;
}

const char *const *vn_accumulated_nodes(const struct vn_accumulated *r, int *n)
{
    *n = r->nodes.n;
    return r->nodes.v;
}

const struct vn_accumulated_curve *vn_accumulated_curves(const struct vn_accumulated *r, int *n)
{
    *n = r->curves.n;
    return r->curves.v;
}

int vn_accumulated_samples(const struct vn_accumulated *r) { return r->samples; }
