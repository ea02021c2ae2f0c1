/* Sensitivity: each change runs alone, from where it begins, on every sample. */
#include <stdlib.h>

#include "base/guard.h"
#include "base/listen.h"
#include "base/share.h"
#include "debug/debug_samples.h"
#include "debug/probe.h"
#include "debug/probe_outputs.h"
#include "ops/op.h"

#define CALIBRATION_NODE "_HzCalibration"

/* One thing that is quantized alone. */
struct change {
    enum vn_debug_kind kind;
    int id; /* of the node, or of the value */
    int begin; /* the first instruction behind it */
    int place; /* in the network: for equal numbers */
    int same; /* index of a change that has the same result; -1: none */
};

struct vn_sensitivity {
    struct vn_arena *arena; /* detached */
    struct vn_debug_summary summary;
    VEC(struct vn_sensitivity_row) rows;
};

/* One job. */
struct job {
    const struct vn_debug_options *o;
    struct probe p;
    struct debug_samples samples;
    struct judged_outputs outputs;
    VEC(struct change) changes; /* in the order of `begin` */
    int chunks; /* of the changes, for each sample */
    struct distance *of; /* [change][sample][output] */
    struct measuring_thread *thread;
};

struct measuring_thread {
    struct probe_worker w;
    struct probe_plan plan; /* all zero between changes */
    struct output_numbers *reference, changed;
};

void vn_debug_options_default(struct vn_debug_options *o)
{
    *o = (struct vn_debug_options){ .decision_axis = 1 };
    vn_options_default(&o->run);
}

/* ---- what is changed ---- */

static int reads_quantized(const struct probe *p, const struct node *n)
{
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i] && p->q[n->in[i]->id])
            return 1;
    return 0;
}

/* Sizes that depend on data are not known in the middle of a network. */
static int is_bounded(const struct node *n)
{
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i] && n->in[i]->bounded)
            return 1;
    for (int i = 0; i < n->n_out; i++)
        if (n->out[i] && n->out[i]->bounded)
            return 1;
    return 0;
}

static int can_change_node(const struct probe *p, const struct node *n)
{
    return p->first[n->id] >= 0 && reads_quantized(p, n) && !is_bounded(n);
}

/* Of a constant: the first of its readers. */
static int value_begin(const struct probe *p, const struct value *v)
{
    int begin = p->n;
    if (!v->data)
        return p->made[v->id] + 1;
    for (int i = 0; i < v->users.n; i++) {
        const int first = p->first[v->users.v[i].node->id];
        begin = first >= 0 && first < begin ? first : begin;
    }
    return begin;
}

static int can_change_value(const struct probe *p, const struct value *v)
{
    return p->q[v->id] && (v->data ? value_begin(p, v) < p->n : p->made[v->id] >= -1);
}

static void add_change(struct job *j, enum vn_debug_kind kind, int id)
{
    const int begin = kind == VN_DEBUG_NODE ? j->p.first[id] : value_begin(&j->p, j->p.graph->values.v[id]);
    const struct change c = { kind, id, begin, j->changes.n, -1 };
    VEC_PUSH(j->p.arena, &j->changes, c);
}

static void add_all(struct job *j, enum vn_debug_kind kind)
{
    const struct graph *g = j->p.graph;
    for (int i = 0; kind == VN_DEBUG_NODE && i < g->nodes.n; i++)
        if (can_change_node(&j->p, g->nodes.v[i]))
            add_change(j, kind, i);
    for (int i = 0; kind != VN_DEBUG_NODE && i < g->values.n; i++)
        if (can_change_value(&j->p, g->values.v[i]) && !g->values.v[i]->data == (kind == VN_DEBUG_ACTIVATION))
            add_change(j, kind, i);
}

/* The value of a calibration node; NULL: the name is none. */
static const struct value *calibrated_value(const struct job *j, const char *name)
{
    const size_t n = strlen(name), suffix = sizeof CALIBRATION_NODE - 1;
    if (n <= suffix || strcmp(name + n - suffix, CALIBRATION_NODE) != 0)
        return NULL;
    return vn_graph_find(j->p.graph, vn_arena_strn(j->p.arena, name, n - suffix));
}

static int add_named(struct job *j, const char *name, struct vn_err *e)
{
    const struct graph *g = j->p.graph;
    const struct value *v = calibrated_value(j, name);
    if (v && can_change_value(&j->p, v)) {
        add_change(j, v->data ? VN_DEBUG_WEIGHT : VN_DEBUG_ACTIVATION, v->id);
        return VN_OK;
    }
    for (int i = 0; i < g->nodes.n; i++)
        if (!strcmp(g->nodes.v[i]->name, name)) {
            if (!can_change_node(&j->p, g->nodes.v[i]))
                return vn_fail(e, VN_E_USAGE, "%s: node %s reads nothing that is quantized", g->source, name);
            add_change(j, VN_DEBUG_NODE, i);
            return VN_OK;
        }
    return vn_fail(e, VN_E_USAGE, "%s has no node or calibration node %s", g->source, name);
}

/* Rounding before elements are moved is rounding after it: a node that only moves, in front of one that reads
 * nothing else that is quantized, has the same result as that one. */
static int follower(const struct probe *p, const struct node *n)
{
    const struct value *y = n->out[0];
    const struct node *next = vn_graph_sole_user(y);
    if ((n->op->elements != ELEMENTS_KEPT && n->op->elements != ELEMENTS_PERMUTED) || !p->q[y->id] || !next ||
        !n->in[0] || !p->q[n->in[0]->id] || p->q[y->id]->n != 1 ||
        !vn_qparam_equal(p->q[y->id], p->q[n->in[0]->id]) || !can_change_node(p, next))
        return -1;
    for (int i = 0; i < next->n_in; i++)
        if (next->in[i] && next->in[i] != y && p->q[next->in[i]->id])
            return -1;
    return next->id;
}

static void find_same(struct job *j)
{
    for (int i = 0; i < j->changes.n; i++) {
        struct change *c = &j->changes.v[i];
        const int next = c->kind == VN_DEBUG_NODE ? follower(&j->p, j->p.graph->nodes.v[c->id]) : -1;
        for (int k = 0; next >= 0 && k < j->changes.n; k++)
            if (j->changes.v[k].kind == VN_DEBUG_NODE && j->changes.v[k].id == next)
                c->same = k;
    }
}

static int earlier(const void *x, const void *y)
{
    const struct change *a = x, *b = y;
    return a->begin != b->begin ? (a->begin > b->begin) - (a->begin < b->begin) : a->place - b->place;
}

static int list_changes(struct job *j, enum vn_debug_kind kind, struct vn_err *e)
{
    if (!j->o->nodes)
        add_all(j, kind);
    for (int i = 0; j->o->nodes && i < j->o->n_nodes; i++)
        TRY(add_named(j, j->o->nodes[i], e));
    if (!j->changes.n)
        return vn_fail(e, VN_E_USAGE, "%s: nothing is quantized: expected a calibrated model",
                       j->p.graph->source);
    qsort(j->changes.v, (size_t)j->changes.n, sizeof *j->changes.v, earlier);
    find_same(j);
    return VN_OK;
}

/* ---- runs ---- */

static struct distance *distances(struct job *j, int change, int sample)
{
    return &j->of[((int64_t)change * j->samples.n + sample) * j->outputs.n];
}

static void set_plan(struct measuring_thread *t, const struct probe *p, const struct change *c, int on)
{
    const struct value *v = c->kind == VN_DEBUG_NODE ? NULL : p->graph->values.v[c->id];
    if (c->kind == VN_DEBUG_NODE)
        t->plan.node[c->id] = on ? PROBE_WHOLE : PROBE_FLOAT;
    else if (c->kind == VN_DEBUG_ACTIVATION)
        t->plan.value[c->id] = on ? p->q[c->id] : NULL;
    for (int i = 0; c->kind == VN_DEBUG_WEIGHT && i < v->users.n; i++)
        t->plan.node[v->users.v[i].node->id] = on ? PROBE_CONSTANTS : PROBE_FLOAT;
}

static int measure(struct job *j, struct measuring_thread *t, struct vn_arena *a, int change, int sample,
                   struct vn_err *e)
{
    const struct change *c = &j->changes.v[change];
    struct distance *d = distances(j, change, sample);
    set_plan(t, &j->p, c, 1);
    TRY(vn_probe_advance(&t->w, c->begin, e));
    TRY(vn_probe_run(&t->w, &t->plan, e));
    set_plan(t, &j->p, c, 0);
    for (int k = 0; k < j->outputs.n; k++) {
        const struct output_numbers *x = &t->reference[k];
        TRY(vn_output_numbers(&t->changed, a, t->w.changed, j->outputs.index[k], j->outputs.axis, e));
        d[k] = vn_distance(x->x, x->n, t->changed.x, t->changed.n, x->classes, x->step);
    }
    return VN_OK;
}

static int run_float(struct job *j, struct measuring_thread *t, struct vn_arena *a, int sample,
                     struct vn_err *e)
{
    const char **files = &j->samples.file[sample * j->samples.inputs];
    TRY(vn_probe_feed(&t->w, files, j->samples.inputs, e));
    TRY(vn_probe_advance(&t->w, j->p.n, e));
    for (int k = 0; k < j->outputs.n; k++)
        TRY(vn_output_numbers(&t->reference[k], a, t->w.clean, j->outputs.index[k], j->outputs.axis, e));
    return vn_probe_feed(&t->w, files, j->samples.inputs, e);
}

/* Every chunk-th change of one sample. */
static int run_part(void *ctx, int worker, int part, struct vn_err *e)
{
    struct job *j = ctx;
    struct measuring_thread *t = &j->thread[worker];
    struct vn_arena *a = vn_arena_new();
    const int sample = part / j->chunks;
    for (int k = 0; k < j->outputs.n; k++)
        t->reference[k] = (struct output_numbers){ 0 };
    t->changed = (struct output_numbers){ 0 };
    int status = run_float(j, t, a, sample, e);
    for (int i = part % j->chunks; i < j->changes.n && status == VN_OK; i += j->chunks)
        if (j->changes.v[i].same < 0)
            status = measure(j, t, a, i, sample, e);
    vn_arena_free(&a);
    if (!worker)
        vn_progress(&j->o->listener, "sensitivity", part + 1, j->samples.n * j->chunks);
    return status;
}

static int open_thread(struct measuring_thread *t, const struct job *j, struct vn_err *e)
{
    struct vn_arena *a = j->p.arena;
    t->plan.value = NEW_ARRAY(a, const struct qparam *, j->p.graph->values.n);
    t->plan.node = NEW_ARRAY(a, unsigned char, j->p.graph->nodes.n);
    t->reference = NEW_ARRAY(a, struct output_numbers, j->outputs.n);
    return vn_probe_worker(&t->w, a, &j->p, e);
}

/* As many as asked for, and as fit the limit. */
static int thread_count(int *n, const struct job *j, struct vn_err *e)
{
    const size_t limit = j->o->memory_limit;
    *n = j->o->run.threads < 1 ? 1 : j->o->run.threads;
    if (limit && limit < j->p.bytes)
        return vn_fail(e, VN_E_NOMEM, "%s: one thread requires %zu bytes of working memory: the limit is %zu",
                       j->p.graph->source, j->p.bytes, limit);
    if (limit && limit / j->p.bytes < (size_t)*n)
        *n = (int)(limit / j->p.bytes);
    return VN_OK;
}

static int run_all(struct job *j, struct vn_sensitivity *s, struct vn_err *e)
{
    int threads;
    TRY(thread_count(&threads, j, e));
    j->chunks = (threads + j->samples.n - 1) / j->samples.n;
    j->of =
        NEW_ARRAY(j->p.arena, struct distance, (size_t)j->changes.n * (size_t)(j->samples.n * j->outputs.n));
    j->thread = NEW_ARRAY(j->p.arena, struct measuring_thread, threads);
    for (int i = 0; i < threads; i++)
        TRY(open_thread(&j->thread[i], j, e));
    s->summary.threads = threads;
    s->summary.memory = j->p.bytes * (size_t)threads;
    return vn_share(j->samples.n * j->chunks, threads, run_part, j, e);
}

/* ---- rows ---- */

static void describe_value(struct vn_sensitivity_row *r, const struct probe *p, int value)
{
    const struct qparam *q = p->q[value];
    for (int i = 0; i < q->n; i++) {
        const double lo = (vn_q_min(q) - q->zero[i]) * (double)q->scale[i],
                     hi = (vn_q_max(q) - q->zero[i]) * (double)q->scale[i];
        const double most = hi > -lo || p->graph->values.v[value]->data ? hi : -lo;
        r->threshold = most > r->threshold ? most : r->threshold;
    }
    r->bits = q->dtype == VN_I16 ? 16 : 8;
}

static struct vn_sensitivity_row row_of(struct job *j, struct vn_arena *a, int change)
{
    const struct change *c = &j->changes.v[change];
    const struct graph *g = j->p.graph;
    struct vn_sensitivity_row r = { .kind = c->kind, .agreement = 1 };
    r.name = c->kind == VN_DEBUG_NODE ? vn_arena_str(a, g->nodes.v[c->id]->name)
                                      : vn_arena_fmt(a, "%s" CALIBRATION_NODE, g->values.v[c->id]->name);
    r.type = c->kind == VN_DEBUG_NODE ? g->nodes.v[c->id]->op->onnx : "HzCalibration";
    if (c->kind != VN_DEBUG_NODE)
        describe_value(&r, &j->p, c->id);
    while (j->changes.v[change].same >= 0)
        change = j->changes.v[change].same;
    for (int k = 0; k < j->outputs.n; k++) {
        struct distance all = { 0 };
        for (int i = 0; i < j->samples.n; i++)
            vn_distance_add(&all, &distances(j, change, i)[k]);
        for (int m = 0; m < VN_DEBUG_METRICS; m++) {
            const double x = vn_distance_metric(&all, m);
            r.metric[m] = !k || vn_debug_worse(m, x, r.metric[m]) ? x : r.metric[m];
        }
        const double agreement = vn_distance_agreement(&all);
        r.agreement = agreement < r.agreement ? agreement : r.agreement;
    }
    return r;
}

/* Equal ones stay in the order of the network. */
static void sort_rows(struct vn_sensitivity *s, enum vn_debug_metric m)
{
    for (int i = 1; i < s->rows.n; i++) {
        const struct vn_sensitivity_row r = s->rows.v[i];
        int k = i;
        for (; k > 0 && vn_debug_worse(m, r.metric[m], s->rows.v[k - 1].metric[m]); k--)
            s->rows.v[k] = s->rows.v[k - 1];
        s->rows.v[k] = r;
    }
}

static void make_rows(struct vn_sensitivity *s, struct job *j)
{
    for (int i = 0; i < j->changes.n; i++) {
        const struct vn_sensitivity_row r = row_of(j, s->arena, i);
        VEC_PUSH(s->arena, &s->rows, r);
        s->summary.runs += j->changes.v[i].same < 0 ? j->samples.n : 0;
    }
    sort_rows(s, j->o->sort);
}

static int measure_all(struct vn_sensitivity *s, const struct vn_debug_options *o, enum vn_debug_kind kind,
                       struct vn_arena *work, struct vn_err *e)
{
    struct job *j = NEW(work, struct job);
    j->o = o;
    TRY(vn_probe_open(&j->p, work, o->model, &o->run, &o->listener, e));
    TRY(vn_debug_samples(&j->samples, work, j->p.floats, o->data, o->samples, e));
    TRY(vn_judged_outputs(&j->outputs, work, &j->p, o->outputs, o->n_outputs, o->decision_axis, e));
    TRY(list_changes(j, kind, e));
    TRY(run_all(j, s, e));
    s->summary.kind = kind;
    s->summary.samples = j->samples.n;
    s->summary.outputs = j->outputs.n;
    make_rows(s, j);
    return VN_OK;
}

static int make(struct vn_sensitivity **out, const struct vn_debug_options *o, enum vn_debug_kind kind,
                struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new(), *work = vn_arena_new();
    struct vn_sensitivity *s = NEW(a, struct vn_sensitivity);
    s->arena = a;
    const int status = measure_all(s, o, kind, work, e);
    vn_arena_free(&work);
    if (status < 0) {
        vn_arena_free(&a);
        return status;
    }
    vn_arena_detach(a);
    *out = s;
    return VN_OK;
}

int vn_debug_sensitivity(struct vn_sensitivity **s, const struct vn_debug_options *o, enum vn_debug_kind kind,
                         struct vn_err *e)
{
    int status;
    *s = NULL;
    VN_GUARDED(status, e, make(s, o, kind, e));
    return status;
}

void vn_sensitivity_free(struct vn_sensitivity **s)
{
    if (!s || !*s)
        return;
    struct vn_arena *a = (*s)->arena;
    vn_arena_free(&a);
    *s = NULL;
}

const struct vn_debug_summary *vn_sensitivity_summary(const struct vn_sensitivity *s) { return &s->summary; }

const struct vn_sensitivity_row *vn_sensitivity_rows(const struct vn_sensitivity *s, int *n)
{
    *n = s->rows.n;
    return s->rows.v;
}
