#include "calib/calib.h"
#include "ops/op.h"
#include "session/program.h"
#include "session/similarity.h"

struct collector {
    const struct graph *g;
    struct vn_ranges *r;
    int *seen_in; /* by value id: last sample in which it was seen */
    int sample;
    const char *bad; /* first tensor with a value that is not finite */
};

/* Of each input channel that weights are applied to. */
static void watch_means(struct vn_ranges *r, struct vn_arena *a, const struct graph *g)
{
    for (int i = 0; i < g->nodes.n; i++) {
        const struct node *n = g->nodes.v[i];
        const struct value *x = n->n_in ? n->in[0] : NULL;
        if (n->op->quant.kind != Q_LINEAR || !x || x->data || x->shape.rank < 2 || r->means[x->id])
            continue;
        struct channel_sums *m = r->means[x->id] = NEW(a, struct channel_sums);
        m->axis = vn_channel_axis(n, x->shape.rank);
        m->n = (int)x->shape.d[m->axis];
        m->sum = NEW_ARRAY(a, double, m->n);
    }
}

static void add_sums(struct channel_sums *m, const struct vn_view *t)
{
    const float *x = t->data;
    const int64_t count = (int64_t)(t->bytes / sizeof *x), inner = t->stride[m->axis];
    if (!m->n)
        return;
    for (int64_t i = 0; i < count; i++) /* in the order of memory */
        m->sum[i / inner % m->n] += x[i];
    m->count += (uint64_t)(count / m->n);
}

static void collect(void *user, const struct vn_view *t)
{
    struct collector *c = user;
    const struct value *v = t->dtype == VN_F32 && vn_view_is_value(t) ? vn_graph_find(c->g, t->name) : NULL;
    if (!v || !c->r->of[v->id] || c->seen_in[v->id] == c->sample) /* a constant that is an output; a copy */
        return;
    c->seen_in[v->id] = c->sample;
    if (vn_histogram_add(c->r->of[v->id], t->data, t->bytes / sizeof(float)) < 0 && !c->bad)
        c->bad = v->name;
    if (c->r->means[v->id])
        add_sums(c->r->means[v->id], t);
}

static int run_sample(struct collector *c, const struct vn_program *p, const struct vn_samples *s, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    float **x = NEW_ARRAY(a, float *, p->n_in);
    const void **in = NEW_ARRAY(a, const void *, p->n_in);
    int status = vn_samples_load(s, c->sample, a, x, e);
    for (int i = 0; status == VN_OK && i < p->n_in; i++)
        in[i] = vn_program_input(a, &p->in[i], x[i]);
    if (status == VN_OK)
        status = vn_model_run(p->model, in, p->result, e);
    vn_arena_free(&a);
    if (status == VN_OK && c->bad)
        return vn_fail(e, VN_E_INPUT, "%s: tensor %s of the float model is not finite (NaN or infinite)", vn_samples_name(s, c->sample), c->bad);
    return status;
}

int vn_calibrate(struct vn_ranges **out, struct vn_arena *a, const struct graph *g, const struct vn_samples *s, const struct vn_options *run,
                 const struct vn_listener *l, struct vn_err *e)
{
    struct vn_ranges *r = NEW(a, struct vn_ranges);
    r->n = g->values.n;
    r->of = NEW_ARRAY(a, struct histogram *, r->n);
    r->means = NEW_ARRAY(a, struct channel_sums *, r->n);
    watch_means(r, a, g);
    struct collector c = { .g = g, .r = r, .seen_in = NEW_ARRAY(a, int, r->n) };
    for (int i = 0; i < r->n; i++) {
        r->of[i] = g->values.v[i]->data ? NULL : NEW(a, struct histogram);
        c.seen_in[i] = -1;
    }
    struct compile_options o;
    vn_compile_defaults(&o);
    o.level = 0; /* every tensor in memory */
    struct vn_program p;
    TRY(vn_program_start(&p, a, g, &o, run, e));
    vn_model_watch(p.model, &(struct vn_watch){ .after = collect, .user = &c });
    const int n = vn_samples_count(s);
    for (c.sample = 0; c.sample < n; c.sample++) {
        TRY(run_sample(&c, &p, s, e));
        vn_progress(l, "calibration", c.sample + 1, n);
    }
    vn_model_watch(p.model, NULL);
    for (int i = 0; i < r->n; i++)
        if (r->of[i] && !r->of[i]->count)
            r->of[i] = NULL;
    *out = r;
    return VN_OK;
}
