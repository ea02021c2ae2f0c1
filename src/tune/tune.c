/* The planner from a configuration to a plan: one short function for each step, in their order. */
#include <math.h>

#include <vernier/eval.h>

#include "base/file.h"
#include "base/guard.h"
#include "convert/held_samples.h"
#include "ops/op.h"
#include "tune/tuner.h"

struct vn_tuning {
    struct vn_arena *arena; /* detached */
    struct vn_tune_summary summary;
    struct vn_tune_group *groups;
    struct vn_tune_plan *plans;
};

struct tune_job {
    const struct vn_tune_options *o;
    struct vn_tuning *result;
};

void vn_tune_options_default(struct vn_tune_options *o)
{
    *o = (struct vn_tune_options){ .decision_axis = -1 };
    vn_options_default(&o->run);
}

static int check_options(const struct vn_tune_options *o, struct vn_err *e)
{
    if (!o->config)
        return vn_fail(e, VN_E_USAGE, "tune: expected a configuration");
    if (!(o->latency_ratio > 0) && !(o->size_ratio > 0) && !(o->max_drop > 0))
        return vn_fail(e, VN_E_USAGE, "%s: tune requires a limit: max_drop, latency_ratio or size_ratio",
                       o->config);
    if ((o->latency_ratio > 0 && o->latency_ratio < 1) || (o->size_ratio > 0 && o->size_ratio < 1))
        return vn_fail(e, VN_E_USAGE, "%s: expected a ratio of at least 1 to the network as configured",
                       o->config);
    return vn_eval_task_check(o->task, e);
}

/* ---- steps ---- */

/* Of half of the samples, and with bins: int16 needs them. */
static int collect_ranges(struct tuner *t, struct vn_err *e)
{
    struct vn_calibrate_options o;
    vn_calibrate_options_default(&o);
    o.run = t->o->run;
    o.listener = &t->listener;
    o.random = t->c->config->calibration_type == CALIBRATION_SKIP;
    o.part = vn_tune_split_samples(t);
    return vn_calibrate(&t->ranges, t->arena, t->c->optimized, t->c->samples, &o, e);
}

/* Refined again for every plan: for its types, and by samples that are not scored. */
static void take_ways(struct tuner *t)
{
    struct vn_quant_method *m = &t->c->method;
    t->base_ways = (m->rounded ? VN_REFINE_ROUNDED : 0) | (m->sequential ? VN_REFINE_BIASES : 0);
    m->rounded = m->sequential = 0;
    m->refined = NULL;
}

/* The method is the one that convert takes. */
static int read_all(struct tuner *t, struct vn_err *e)
{
    struct vn_conversion *c = t->c;
    c->accept_data = t->o->accept_data;
    TRY(vn_convert_check_all(c, t->o->config, e));
    TRY(vn_convert_equalize(c, e));
    TRY(vn_convert_collect_ranges(c, e));
    TRY(vn_convert_choose_method(c, e));
    if (!c->ranked)
        TRY(vn_held_folds(c, e));
    take_ways(t);
    return collect_ranges(t, e);
}

/* What the numbers in the journal depend on, limits excepted. */
static int open_journal(struct tuner *t, struct vn_err *e)
{
    const struct config *c = t->c->config;
    const struct vn_tune_options *o = t->o;
    const char *config, *model, *task = "none";
    uint64_t samples;
    TRY(vn_convert_hash(&config, t->arena, c->path, e));
    TRY(vn_convert_hash(&model, t->arena, c->model, e));
    TRY(vn_samples_hash(&samples, t->c->samples, e));
    if (t->held.boxes)
        TRY(vn_convert_hash(&task, t->arena, o->task, e));
    const char *job = vn_arena_fmt(
        t->arena,
        "vernier %s tune 3: config %s, model %s, samples %016llx, boxes %s, scored %d, axis %d, cost %d, "
        "threads %d, cpumask %x",
        VN_VERSION, config, model, (unsigned long long)samples, task, o->samples, o->decision_axis,
        (int)o->cost, o->run.threads, o->run.cpumask);
    TRY(vn_dir_make(c->working_dir, e));
    const char *path =
        vn_path_join(t->kept, c->working_dir, vn_arena_fmt(t->kept, "%s_tune.jsonl", c->prefix));
    t->result->summary.journal = path;
    t->yaml = vn_path_join(t->kept, c->folder, vn_arena_fmt(t->kept, "%s_tuned.yaml", c->prefix));
    return vn_journal_open(&t->journal, t->arena, path, job, o->resume, e);
}

static const struct node *node_of(const struct graph *g, const char *name)
{
    for (int i = 0; i < g->nodes.n; i++)
        if (!strcmp(g->nodes.v[i]->name, name))
            return g->nodes.v[i];
    return NULL;
}

/* NULL: zeros. */
static void restore(struct value *v, const struct value *old, struct vn_arena *a)
{
    struct vn_tensor *t = vn_tensor_new(a, VN_F32, &v->shape);
    const int64_t n = vn_shape_count(&v->shape), have = old && old->data ? vn_shape_count(&old->shape) : 0;
    for (int64_t i = 0; i < n && have; i++)
        ((float *)t->data)[i] = (float)vn_tensor_f64(old->data, have == 1 ? 0 : i);
    v->data = t;
}

/* The graph with weights and biases of the float network: 0 where correction added a bias. */
static struct graph *uncorrected(const struct tuner *t, const struct graph *calibrated,
                                 const struct vn_map *refined)
{
    struct graph *g = vn_graph_clone(t->arena, calibrated);
    for (int i = 0; i < g->nodes.n; i++) {
        const struct node *n = g->nodes.v[i], *old = node_of(t->c->optimized, n->name);
        const int b = n->op->quant.bias, w = n->op->quant.weight;
        if (old && b && vn_node_has(n, b) && n->in[b]->data)
            restore(n->in[b], vn_node_has(old, b) ? old->in[b] : NULL, t->arena);
        if (old && refined && vn_map_get(refined, n->name))
            restore(n->in[w], old->in[w], t->arena);
    }
    return g;
}

static int open_probe(struct tuner *t, struct vn_err *e)
{
    struct graph *calibrated, *quantized;
    struct vn_quant_method m;
    TRY(vn_tune_method(&m, t, t->arena, t->base_ways, e));
    TRY(vn_convert_quantize(t->c, t->arena, &m, t->ranges, &calibrated, &quantized, e));
    struct graph *floats = uncorrected(t, calibrated, m.refined);
    return vn_probe_open_graph(&t->p, t->arena, calibrated, floats, &t->o->run, e);
}

static int plan(struct tuner *t, struct vn_err *e)
{
    TRY(read_all(t, e));
    TRY(vn_tune_read_form(t, e));
    TRY(open_journal(t, e));
    TRY(open_probe(t, e));
    TRY(vn_tune_find_groups(t, e));
    TRY(vn_tune_check_yaml(t, e));
    TRY(vn_tune_hold_out(t, e));
    TRY(vn_tune_base_plan(t, e));
    TRY(vn_tune_measure_noise(t, e));
    TRY(vn_tune_measure_costs(t, e));
    return vn_tune_search(t, e);
}

/* ---- the result ---- */

static struct vn_tune_group group_row(const struct tuner *t, int i)
{
    const struct tune_group *g = &t->groups.v[i];
    struct vn_tune_group r = { .tensor = vn_arena_str(t->kept, g->tensor),
                               .node = g->node ? vn_arena_str(t->kept, g->node) : "",
                               .allowed = g->allowed,
                               .chosen = t->plans.v[t->best].plan.type[i] };
    for (int k = 0; k < VN_TUNE_TYPES; k++) {
        r.loss[k] = vn_tune_group_loss(g, k);
        r.latency[k] = t->base_ns > 0 ? g->ns[k] / t->base_ns : 0;
        r.size[k] = g->bytes[k] / t->base_bytes;
    }
    return r;
}

static int is_front(const struct tuner *t, int i)
{
    const struct vn_tune_plan *a = &t->plans.v[i].r;
    for (int k = 0; k < t->plans.n; k++) {
        const struct vn_tune_plan *b = &t->plans.v[k].r;
        const int no_worse = b->loss <= a->loss && b->latency <= a->latency && b->size <= a->size,
                  better = b->loss < a->loss || b->latency < a->latency || b->size < a->size;
        if (no_worse && better)
            return 0;
    }
    return 1;
}

static void fill_result(struct vn_tuning *r, struct tuner *t)
{
    struct vn_tune_summary *s = &r->summary;
    r->groups = NEW_ARRAY(t->kept, struct vn_tune_group, t->groups.n);
    r->plans = NEW_ARRAY(t->kept, struct vn_tune_plan, t->plans.n);
    for (int i = 0; i < t->groups.n; i++)
        r->groups[i] = group_row(t, i);
    for (int i = 0; i < t->plans.n; i++) {
        r->plans[i] = t->plans.v[i].r;
        r->plans[i].best = i == t->best;
        r->plans[i].front = is_front(t, i);
    }
    const struct config *c = t->c->config;
    s->model = vn_arena_str(t->kept, c->model);
    s->prototxt = c->prototxt ? vn_arena_str(t->kept, c->prototxt) : NULL;
    s->yaml = t->yaml;
    s->difference = t->difference;
    s->method = vn_arena_str(t->kept, t->c->summary.method);
    s->samples = t->held.n;
    s->range_samples = t->held.range_samples;
    s->groups = t->groups.n;
    s->plans = t->plans.n;
    s->base_ms = t->base_ns / 1e6;
    s->base_bytes = (int64_t)t->base_bytes;
    s->seconds = vn_tune_seconds() - t->started;
    s->plan_seconds = t->plan_seconds;
    s->stopped = t->stopped;
    vn_tune_fit(s, t);
}

static int tune(struct vn_conversion *c, const void *options, struct vn_err *e)
{
    const struct tune_job *job = options;
    struct tuner *t = NEW(c->arena, struct tuner);
    *t = (struct tuner){ .o = job->o,
                         .c = c,
                         .arena = c->arena,
                         .kept = job->result->arena,
                         .result = job->result,
                         .listener = c->listener,
                         .started = vn_tune_seconds() };
    TRY(plan(t, e));
    fill_result(job->result, t);
    return VN_OK;
}

static int make(struct vn_tuning **out, const struct vn_tune_options *o, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    struct vn_conversion *c;
    struct tune_job job = { o, NEW(a, struct vn_tuning) };
    job.result->arena = a;
    int status = check_options(o, e);
    if (status == VN_OK)
        status = vn_convert_guarded(&c, tune, &job, &o->run, &o->listener, e);
    if (status < 0) {
        vn_arena_free(&a);
        return status;
    }
    vn_conversion_free(&c);
    vn_arena_detach(a);
    *out = job.result;
    return VN_OK;
}

int vn_tune(struct vn_tuning **t, const struct vn_tune_options *o, struct vn_err *e)
{
    int status;
    *t = NULL;
    VN_GUARDED(status, e, make(t, o, e));
    return status;
}

void vn_tuning_free(struct vn_tuning **t)
{
    if (!t || !*t)
        return;
    struct vn_arena *a = (*t)->arena;
    vn_arena_free(&a);
    *t = NULL;
}

const struct vn_tune_summary *vn_tuning_summary(const struct vn_tuning *t) { return &t->summary; }

const struct vn_tune_group *vn_tuning_groups(const struct vn_tuning *t, int *n)
{
    *n = t->summary.groups;
    return t->groups;
}

const struct vn_tune_plan *vn_tuning_plans(const struct vn_tuning *t, int *n)
{
    *n = t->summary.plans;
    return t->plans;
}
