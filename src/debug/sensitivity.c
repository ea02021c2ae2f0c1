/* Sensitivity: each change runs alone, from where it begins, on every sample. */
#include <stdlib.h>

#include "base/listen.h"
#include "base/share.h"
#include "debug/debug_job.h"
#include "ops/op.h"

/* One thing that is quantized alone. */
struct change {
    struct debug_item item;
    int begin; /* the first instruction behind it */
    int place; /* in the network: for equal numbers */
    int same; /* index of a change that has the same result; -1: none */
};

struct vn_sensitivity {
    struct vn_arena *arena; /* detached */
    struct vn_debug_summary summary;
    VEC(struct vn_sensitivity_row) rows;
};

struct job {
    struct debug_job d;
    VEC(struct change) changes; /* in the order of `begin` */
    int chunks; /* of the changes, for each sample */
    struct distance *of; /* [change][sample][output] */
};

void vn_debug_options_default(struct vn_debug_options *o)
{
    *o = (struct vn_debug_options){ .decision_axis = -1 };
    vn_options_default(&o->run);
}

/* ---- what is changed ---- */

/* Of a constant: the first of its readers. */
static int begin_of(const struct probe *p, struct debug_item item, int restored)
{
    if (item.kind == VN_DEBUG_NODE)
        return p->first[item.id];
    if (item.kind == VN_DEBUG_ACTIVATION)
        return restored ? p->starts[item.id] : p->made[item.id] + 1;
    const struct value *v = p->graph->values.v[item.id];
    int begin = p->n;
    for (int i = 0; i < v->users.n; i++) {
        const int first = p->first[v->users.v[i].node->id];
        begin = first >= 0 && first < begin ? first : begin;
    }
    return begin;
}

static void add_change(void *ctx, struct debug_item item)
{
    struct job *j = ctx;
    const struct change c = { item, begin_of(&j->d.p, item, j->d.o->restore), j->changes.n, -1 };
    VEC_PUSH(j->d.arena, &j->changes, c);
}

static int add_named(struct job *j, const char *name, struct vn_err *e)
{
    struct debug_item item;
    TRY(vn_debug_find(&item, &j->d, name, e));
    add_change(j, item);
    return VN_OK;
}

/* Rounding before elements are moved is rounding after it: a node that only moves, in front of one that reads
 * nothing else that is quantized, has the same result as that one. */
static int follower(const struct probe *p, const struct node *n)
{
    const struct value *y = n->out[0];
    const struct node *next = vn_graph_sole_user(y);
    if ((n->op->elements != ELEMENTS_KEPT && n->op->elements != ELEMENTS_PERMUTED) || !p->q[y->id] || !next ||
        !n->in[0] || !p->q[n->in[0]->id] || p->q[y->id]->n != 1 ||
        !vn_qparam_equal(p->q[y->id], p->q[n->in[0]->id]) || !vn_debug_can_change_node(p, next))
        return -1;
    for (int i = 0; i < next->n_in; i++)
        if (next->in[i] && next->in[i] != y && p->q[next->in[i]->id])
            return -1;
    return next->id;
}

static void find_same(struct job *j)
{
    for (int i = 0; i < j->changes.n && !j->d.o->restore; i++) {
        struct change *c = &j->changes.v[i];
        const int next =
            c->item.kind == VN_DEBUG_NODE ? follower(&j->d.p, j->d.p.graph->nodes.v[c->item.id]) : -1;
        for (int k = 0; next >= 0 && k < j->changes.n; k++)
            if (j->changes.v[k].item.kind == VN_DEBUG_NODE && j->changes.v[k].item.id == next)
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
    if (!j->d.o->nodes)
        vn_debug_items(&j->d.p, kind, add_change, j);
    for (int i = 0; j->d.o->nodes && i < j->d.o->n_nodes; i++)
        TRY(add_named(j, j->d.o->nodes[i], e));
    for (int i = 1; j->d.o->restore && i < j->changes.n; i++)
        if ((j->changes.v[i].item.kind == VN_DEBUG_NODE) != (j->changes.v[0].item.kind == VN_DEBUG_NODE))
            return vn_fail(e, VN_E_USAGE,
                           "%s: expected either nodes or calibration nodes to restore, not both",
                           j->d.p.graph->source);
    if (!j->changes.n)
        return vn_fail(e, VN_E_USAGE, "%s: nothing is quantized: expected a calibrated model",
                       j->d.p.graph->source);
    qsort(j->changes.v, (size_t)j->changes.n, sizeof *j->changes.v, earlier);
    find_same(j);
    return VN_OK;
}

/* ---- runs ---- */

static struct distance *distances(struct job *j, int change, int sample)
{
    return &j->of[((int64_t)change * j->d.samples.n + sample) * j->d.outputs.n];
}

static int measure(struct job *j, struct debug_thread *t, struct vn_arena *a, int change, int sample,
                   struct vn_err *e)
{
    const struct change *c = &j->changes.v[change];
    const int restore = j->d.o->restore;
    vn_debug_set(&j->d.p, &t->plan, c->item, !restore);
    TRY(vn_probe_advance(&t->w, c->begin, e));
    TRY(vn_probe_run(&t->w, &t->plan, e));
    vn_debug_set(&j->d.p, &t->plan, c->item, restore);
    return vn_debug_judge(&j->d, t, a, distances(j, change, sample), e);
}

/* Every chunk-th change of one sample. */
static int run_part(void *ctx, int worker, int part, struct vn_err *e)
{
    struct job *j = ctx;
    struct debug_thread *t = &j->d.thread[worker];
    struct vn_arena *a = vn_arena_new();
    const int sample = part / j->chunks;
    int status = vn_debug_run_float(&j->d, t, a, sample, e);
    for (int i = part % j->chunks; i < j->changes.n && status == VN_OK; i += j->chunks)
        if (j->changes.v[i].same < 0)
            status = measure(j, t, a, i, sample, e);
    vn_arena_free(&a);
    if (!worker)
        vn_progress(&j->d.o->listener, "sensitivity", part + 1, j->d.samples.n * j->chunks);
    return status;
}

/* Everything is quantized: by nodes, where nodes are restored, else by tensors. */
static void quantize_all(struct job *j, struct probe_plan *plan, enum vn_debug_kind kind)
{
    if (kind == VN_DEBUG_NODE) {
        vn_debug_set_all(&j->d.p, plan, VN_DEBUG_NODE);
        return;
    }
    vn_debug_set_all(&j->d.p, plan, VN_DEBUG_WEIGHT);
    vn_debug_set_all(&j->d.p, plan, VN_DEBUG_ACTIVATION);
}

static void set_base(struct job *j, enum vn_debug_kind kind)
{
    for (int i = 0; j->d.o->restore && i < j->d.threads; i++) {
        struct debug_thread *t = &j->d.thread[i];
        t->base = NEW(j->d.arena, struct probe_plan);
        *t->base = vn_debug_plan(&j->d);
        quantize_all(j, t->base, kind);
        quantize_all(j, &t->plan, kind);
    }
}

static int run_all(struct job *j, struct vn_sensitivity *s, struct vn_err *e)
{
    const int samples = j->d.samples.n;
    TRY(vn_debug_job_threads(&j->d, e));
    j->chunks = (j->d.threads + samples - 1) / samples;
    j->of = NEW_ARRAY(j->d.arena, struct distance,
                      (size_t)j->changes.n * (size_t)samples * (size_t)j->d.outputs.n);
    set_base(j, j->changes.v[0].item.kind);
    s->summary.threads = j->d.threads;
    s->summary.memory = j->d.p.bytes * (size_t)j->d.threads;
    return vn_share(samples * j->chunks, j->d.threads, run_part, j, e);
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
    const struct graph *g = j->d.p.graph;
    struct vn_sensitivity_row r = { .kind = c->item.kind, .agreement = 1 };
    r.name = vn_debug_item_name(&j->d.p, c->item, a);
    r.type = c->item.kind == VN_DEBUG_NODE ? vn_arena_str(a, vn_node_type(g->nodes.v[c->item.id]))
                                           : "HzCalibration";
    if (c->item.kind != VN_DEBUG_NODE)
        describe_value(&r, &j->d.p, c->item.id);
    while (j->changes.v[change].same >= 0)
        change = j->changes.v[change].same;
    for (int k = 0; k < j->d.outputs.n; k++) {
        struct distance all = { 0 };
        for (int i = 0; i < j->d.samples.n; i++)
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
        s->summary.runs += j->changes.v[i].same < 0 ? j->d.samples.n : 0;
    }
    sort_rows(s, j->d.o->sort);
}

static int count_single(const struct debug_job *j)
{
    int n, single = 0;
    const struct vn_port *ports = vn_session_outputs(j->p.floats, &n);
    for (int k = 0; k < j->outputs.n; k++) {
        const struct vn_port *p = &ports[j->outputs.index[k]];
        const struct vn_shape s = vn_shape_of(p->rank, p->shape);
        single += vn_shape_count(&s) == 1;
    }
    return single;
}

struct sensitivity_request {
    const struct vn_debug_options *o;
    enum vn_debug_kind kind;
};

static int measure_all(void *result, const void *request, struct vn_arena *work, struct vn_err *e)
{
    const struct sensitivity_request *q = request;
    struct vn_sensitivity *s = result;
    struct job *j = NEW(work, struct job);
    TRY(vn_debug_job_open(&j->d, work, q->o, e));
    TRY(list_changes(j, q->kind, e));
    TRY(run_all(j, s, e));
    s->summary.kind = q->kind;
    s->summary.samples = j->d.samples.n;
    s->summary.outputs = j->d.outputs.n;
    s->summary.single = count_single(&j->d);
    make_rows(s, j);
    return VN_OK;
}

int vn_debug_sensitivity(struct vn_sensitivity **s, const struct vn_debug_options *o, enum vn_debug_kind kind,
                         struct vn_err *e)
{
    const struct sensitivity_request request = { o, kind };
    void *made;
    const int status = vn_debug_result(&made, sizeof **s, measure_all, &request, e);
    *s = made;
    return status;
}

void vn_sensitivity_free(struct vn_sensitivity **s)
{
    if (!s)
        return;
    vn_debug_result_free(*s);
    *s = NULL;
}

const struct vn_debug_summary *vn_sensitivity_summary(const struct vn_sensitivity *s) { return &s->summary; }

const struct vn_sensitivity_row *vn_sensitivity_rows(const struct vn_sensitivity *s, int *n)
{
    *n = s->rows.n;
    return s->rows.v;
}
