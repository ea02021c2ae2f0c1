#include "debug/debug_job.h"

/* ---- the job ---- */

int vn_debug_job_open(struct debug_job *j, struct vn_arena *a, const struct vn_debug_options *o,
                      struct vn_err *e)
{
    *j = (struct debug_job){ .o = o, .arena = a };
    TRY(vn_probe_open(&j->p, a, o->model, &o->run, &o->listener, e));
    TRY(vn_debug_samples(&j->samples, a, j->p.floats, o->data, o->samples, e));
    return vn_judged_outputs(&j->outputs, a, &j->p, o->outputs, o->n_outputs, o->decision_axis, e);
}

struct probe_plan vn_debug_plan(struct debug_job *j)
{
    return (struct probe_plan){ NEW_ARRAY(j->arena, const struct qparam *, j->p.graph->values.n),
                                NEW_ARRAY(j->arena, unsigned char, j->p.graph->nodes.n) };
}

static int open_thread(struct debug_thread *t, struct debug_job *j, struct vn_err *e)
{
    t->plan = vn_debug_plan(j);
    t->reference = NEW_ARRAY(j->arena, struct output_numbers, j->outputs.n);
    return vn_probe_worker(&t->w, j->arena, &j->p, e);
}

int vn_debug_job_threads(struct debug_job *j, struct vn_err *e)
{
    const size_t limit = j->o->memory_limit;
    j->threads = j->o->run.threads < 1 ? 1 : j->o->run.threads;
    if (limit && limit < j->p.bytes)
        return vn_fail(e, VN_E_NOMEM, "%s: one thread requires %zu bytes of working memory: the limit is %zu",
                       j->p.graph->source, j->p.bytes, limit);
    if (limit && limit / j->p.bytes < (size_t)j->threads)
        j->threads = (int)(limit / j->p.bytes);
    j->thread = NEW_ARRAY(j->arena, struct debug_thread, j->threads);
    for (int i = 0; i < j->threads; i++)
        TRY(open_thread(&j->thread[i], j, e));
    return VN_OK;
}

int vn_debug_run_float(struct debug_job *j, struct debug_thread *t, struct vn_arena *a, int sample,
                       struct vn_err *e)
{
    const char **files = &j->samples.file[sample * j->samples.inputs];
    t->changed = (struct output_numbers){ 0 };
    vn_probe_base(&t->w, NULL);
    TRY(vn_probe_feed(&t->w, files, j->samples.inputs, e));
    TRY(vn_probe_advance(&t->w, j->p.n, e));
    for (int k = 0; k < j->outputs.n; k++) {
        t->reference[k] = (struct output_numbers){ 0 };
        TRY(vn_output_numbers(&t->reference[k], a, t->w.clean, j->outputs.index[k], j->outputs.axis, e));
    }
    vn_probe_base(&t->w, t->base);
    return vn_probe_feed(&t->w, files, j->samples.inputs, e);
}

int vn_debug_judge(struct debug_job *j, struct debug_thread *t, struct vn_arena *a, struct distance *d,
                   struct vn_err *e)
{
    for (int k = 0; k < j->outputs.n; k++) {
        const struct output_numbers *x = &t->reference[k];
        TRY(vn_output_numbers(&t->changed, a, t->w.changed, j->outputs.index[k], j->outputs.axis, e));
        d[k] = vn_distance(x->x, x->n, t->changed.x, t->changed.n, x->classes, x->step);
    }
    return VN_OK;
}

/* ---- what can be quantized ---- */

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

int vn_debug_can_change_node(const struct probe *p, const struct node *n)
{
    return p->first[n->id] >= 0 && reads_quantized(p, n) && !is_bounded(n);
}

int vn_debug_can_change_value(const struct probe *p, const struct value *v)
{
    if (!p->q[v->id] || !v->data)
        return p->q[v->id] && p->made[v->id] >= -1;
    for (int i = 0; i < v->users.n; i++)
        if (p->first[v->users.v[i].node->id] >= 0)
            return 1;
    return 0;
}

void vn_debug_items(const struct probe *p, enum vn_debug_kind kind, vn_debug_item_fn *fn, void *ctx)
{
    const struct graph *g = p->graph;
    for (int i = 0; kind == VN_DEBUG_NODE && i < g->nodes.n; i++)
        if (vn_debug_can_change_node(p, g->nodes.v[i]))
            fn(ctx, (struct debug_item){ kind, i });
    for (int i = 0; kind != VN_DEBUG_NODE && i < g->values.n; i++)
        if (vn_debug_can_change_value(p, g->values.v[i]) &&
            !g->values.v[i]->data == (kind == VN_DEBUG_ACTIVATION))
            fn(ctx, (struct debug_item){ kind, i });
}

struct filling {
    const struct probe *p;
    struct probe_plan *plan;
};

static void set_on(void *ctx, struct debug_item item)
{
    const struct filling *f = ctx;
    vn_debug_set(f->p, f->plan, item, 1);
}

void vn_debug_set_all(const struct probe *p, struct probe_plan *plan, enum vn_debug_kind kind)
{
    vn_debug_items(p, kind, set_on, &(struct filling){ p, plan });
}

/* The value of a calibration node; NULL: the name is none. */
static const struct value *calibrated_value(const struct debug_job *j, const char *name)
{
    const size_t n = strlen(name), suffix = sizeof CALIBRATION_NODE - 1;
    if (n <= suffix || strcmp(name + n - suffix, CALIBRATION_NODE) != 0)
        return NULL;
    return vn_graph_find(j->p.graph, vn_arena_strn(j->arena, name, n - suffix));
}

int vn_debug_find(struct debug_item *item, const struct debug_job *j, const char *name, struct vn_err *e)
{
    const struct graph *g = j->p.graph;
    const struct value *v = calibrated_value(j, name);
    if (v && vn_debug_can_change_value(&j->p, v)) {
        *item = (struct debug_item){ v->data ? VN_DEBUG_WEIGHT : VN_DEBUG_ACTIVATION, v->id };
        return VN_OK;
    }
    for (int i = 0; i < g->nodes.n; i++) {
        if (strcmp(g->nodes.v[i]->name, name) != 0)
            continue;
        *item = (struct debug_item){ VN_DEBUG_NODE, i };
        return vn_debug_can_change_node(&j->p, g->nodes.v[i])
                   ? VN_OK
                   : vn_fail(e, VN_E_USAGE, "%s: node %s has no quantized input", g->source, name);
    }
    return vn_fail(e, VN_E_USAGE, "%s has no node or calibration node %s", g->source, name);
}

const char *vn_debug_item_name(const struct probe *p, struct debug_item item, struct vn_arena *a)
{
    return item.kind == VN_DEBUG_NODE
               ? vn_arena_str(a, p->graph->nodes.v[item.id]->name)
               : vn_arena_fmt(a, "%s" CALIBRATION_NODE, p->graph->values.v[item.id]->name);
}

void vn_debug_set(const struct probe *p, struct probe_plan *plan, struct debug_item item, int on)
{
    if (item.kind == VN_DEBUG_NODE)
        plan->node[item.id] = on ? PROBE_WHOLE : PROBE_FLOAT;
    else if (item.kind == VN_DEBUG_ACTIVATION)
        plan->value[item.id] = on ? p->q[item.id] : NULL;
    const struct value *v = item.kind == VN_DEBUG_WEIGHT ? p->graph->values.v[item.id] : NULL;
    for (int i = 0; v && i < v->users.n; i++)
        if (plan->node[v->users.v[i].node->id] != PROBE_WHOLE)
            plan->node[v->users.v[i].node->id] = on ? PROBE_CONSTANTS : PROBE_FLOAT;
}
