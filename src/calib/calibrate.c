#include "calib/calib.h"
#include "ops/op.h"
#include "session/session.h"

struct collector {
    const struct graph *g;
    struct vn_ranges *r;
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

int vn_histogram_add_view(struct histogram *h, const struct vn_view *v)
{
    const int64_t n = vn_view_count(v);
    if (v->dtype == VN_F32 && vn_view_is_dense(v))
        return vn_histogram_add(h, v->data, (size_t)n);
    struct vn_arena *a = vn_arena_new();
    float *x = NEW_ARRAY(a, float, n);
    vn_view_real(x, v);
    const int status = vn_histogram_add(h, x, (size_t)n);
    vn_arena_free(&a);
    return status;
}

static void collect(void *user, int value, const struct vn_view *t)
{
    struct collector *c = user;
    if (t->dtype != VN_F32)
        return;
    if (vn_histogram_add_view(c->r->of[value], t) < 0 && !c->bad)
        c->bad = c->g->values.v[value]->name;
    if (c->r->means[value])
        add_sums(c->r->means[value], t);
}

static int run_sample(struct collector *c, struct vn_session *session, const struct vn_samples *s, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    float **x = NEW_ARRAY(a, float *, c->g->inputs.n);
    int status = vn_samples_load(s, c->sample, a, x, e);
    if (status == VN_OK)
        status = vn_session_feed_values(session, x, e);
    if (status == VN_OK)
        status = vn_session_run(session, e);
    vn_arena_free(&a);
    if (status == VN_OK && c->bad)
        return vn_fail(e, VN_E_INPUT, "%s: tensor %s of the float model is not finite (NaN or infinite)", vn_samples_name(s, c->sample), c->bad);
    return status;
}

/* The float graph with every tensor in memory, showing what is no constant. */
static int open_watched(struct vn_session **out, struct collector *c, struct vn_arena *a, const struct vn_options *run, struct vn_err *e)
{
    struct vn_session_options o;
    struct vn_session **session = vn_session_slot(a);
    unsigned char *wanted = NEW_ARRAY(a, unsigned char, c->r->n);
    for (int i = 0; i < c->r->n; i++)
        wanted[i] = c->r->of[i] != NULL;
    vn_session_options_default(&o);
    o.run = *run;
    o.level = 0;
    TRY(vn_session_open_graph(session, c->g, NULL, &o, e));
    *out = *session;
    vn_session_observe(*session, &(struct vn_observer){ .after = collect, .wanted = wanted, .user = c });
    return VN_OK;
}

static int collect_all(struct collector *c, struct vn_arena *a, const struct vn_samples *s, const struct vn_options *run,
                       const struct vn_listener *l, struct vn_err *e)
{
    struct vn_session *session;
    TRY(open_watched(&session, c, a, run, e));
    const int n = vn_samples_count(s);
    for (c->sample = 0; c->sample < n; c->sample++) {
        TRY(run_sample(c, session, s, e));
        vn_progress(l, "calibration", c->sample + 1, n);
    }
    return VN_OK;
}

int vn_calibrate(struct vn_ranges **out, struct vn_arena *a, const struct graph *g, const struct vn_samples *s, const struct vn_options *run,
                 const struct vn_listener *l, struct vn_err *e)
{
    struct vn_ranges *r = NEW(a, struct vn_ranges);
    r->n = g->values.n;
    r->of = NEW_ARRAY(a, struct histogram *, r->n);
    r->means = NEW_ARRAY(a, struct channel_sums *, r->n);
    watch_means(r, a, g);
    for (int i = 0; i < r->n; i++)
        r->of[i] = g->values.v[i]->data ? NULL : NEW(a, struct histogram);
    struct collector c = { .g = g, .r = r };
    struct vn_arena *work = vn_arena_new();
    const int status = collect_all(&c, work, s, run, l, e);
    vn_arena_free(&work);
    TRY(status);
    for (int i = 0; i < r->n; i++)
        if (r->of[i] && !r->of[i]->count)
            r->of[i] = NULL;
    *out = r;
    return VN_OK;
}
