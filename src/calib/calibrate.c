/* Activations of the float graph, sample by sample, into a result that parts share. */
#include <math.h>

#include "calib/calib.h"
#include "kernels/values/value_kernels.h"
#include "ops/op.h"
#include "session/session.h"

struct collector {
    const struct graph *g;
    struct vn_arena *arena; /* of the results */
    struct vn_ranges *r; /* what is watched */
    struct vn_result *into; /* of this sample's fold */
    vn_histogram_fn *add;
    float **x; /* the inputs of one sample */
    double *sum; /* of each channel within one value of one sample */
    int sample, random, means;
    const char *bad; /* first tensor with a NaN */
};

void vn_calibrate_options_default(struct vn_calibrate_options *o)
{
    *o = (struct vn_calibrate_options){ .bins = 1, .means = 1 };
    vn_options_default(&o->run);
}

/* ---- ranges of a graph, empty and from a result ---- */

/* Of each input channel that weights are applied to; returns the largest number of channels. */
static int watch_means(struct vn_ranges *r, struct vn_arena *a, const struct graph *g)
{
    int most = 0;
    for (int i = 0; i < g->nodes.n; i++) {
        const struct node *n = g->nodes.v[i];
        const struct value *x = n->n_in ? n->in[0] : NULL;
        if (n->op->quant.kind != Q_LINEAR || !x || x->data || x->shape.rank < 2 || r->means[x->id])
            continue;
        struct channel_sums *m = r->means[x->id] = NEW(a, struct channel_sums);
        m->axis = vn_channel_axis(n, x->shape.rank);
        m->n = (int)x->shape.d[m->axis];
        m->sum = NEW_ARRAY(a, double, m->n);
        most = m->n > most ? m->n : most;
    }
    return most;
}

static struct vn_ranges *new_ranges(struct vn_arena *a, const struct graph *g)
{
    struct vn_ranges *r = NEW(a, struct vn_ranges);
    r->n = g->values.n;
    r->of = NEW_ARRAY(a, const struct histogram *, r->n);
    r->means = NEW_ARRAY(a, struct channel_sums *, r->n);
    r->masks = vn_masks_find(a, g);
    r->hidden = NEW_ARRAY(a, struct hidden_elements, r->n);
    return r;
}

static int set_means(struct channel_sums *m, const struct vn_result *result, const char *value,
                     struct vn_err *e)
{
    const struct exact_sums *sums = vn_result_find(result, RESULT_sums, value);
    const struct counter *count = vn_result_find(result, RESULT_counter, value);
    if (!sums || !sums->n)
        return VN_OK;
    if (sums->n != m->n)
        return vn_fail(e, VN_E_INPUT, "ranges of %s: expected sums of %d channels, got %d", value, m->n,
                       sums->n);
    for (int c = 0; c < m->n; c++)
        m->sum[c] = vn_exact_sums_value(sums, c);
    m->count = count ? count->n : 0;
    return VN_OK;
}

static void count(struct vn_result *r, const char *what, const char *value, uint64_t n)
{
    struct vn_arena *work = vn_arena_new();
    struct counter *c = vn_result_entry(r, RESULT_counter, vn_arena_fmt(work, "%s %s", what, value));
    c->n += n;
    vn_arena_free(&work);
}

static struct hidden_elements hidden_of(struct vn_result *r, const char *value)
{
    struct vn_arena *work = vn_arena_new();
    const struct counter *masked = vn_result_find(r, RESULT_counter, vn_arena_fmt(work, "masked %s", value));
    const struct counter *inf = vn_result_find(r, RESULT_counter, vn_arena_fmt(work, "infinite %s", value));
    const struct extreme *top = vn_result_find(r, RESULT_minimum, value);
    const struct hidden_elements h = { .masked = masked ? masked->n : 0,
                                       .infinite = inf ? inf->n : 0,
                                       .least_top = top && top->found ? top->value : NAN };
    vn_arena_free(&work);
    return h;
}

/* All as the result has it now. */
static int set_ranges(struct vn_ranges *r, const struct graph *g, struct vn_err *e)
{
    for (int i = 0; i < r->n; i++) {
        const struct value *v = g->values.v[i];
        const struct histogram *h = v->data ? NULL : vn_result_find(r->result, RESULT_histogram, v->name);
        r->hidden[i] = hidden_of(r->result, v->name);
        r->of[i] = h && h->count && !r->hidden[i].infinite ? h : NULL;
        if (r->means[i])
            TRY(set_means(r->means[i], r->result, v->name, e));
    }
    return VN_OK;
}

/* ---- collecting ---- */

/* One channel's lines of `inner` elements. */
static double sum_lines(const float *x, int64_t lines, int64_t step, int64_t inner)
{
    double sum = 0;
    for (int64_t i = 0; i < lines; i++) {
        double lanes[VN_SUM_LANES] = { 0 };
        vn_value_kernels_chosen()->add(lanes, x + i * step, (size_t)inner);
        sum += vn_sum_lanes(lanes);
    }
    return sum;
}

static void sum_channels(double *sum, const float *x, int64_t elements, int channels, int64_t inner)
{
    const int64_t step = channels * inner, lines = step ? elements / step : 0;
    memset(sum, 0, (size_t)channels * sizeof *sum);
    if (inner == 1)
        vn_value_kernels_chosen()->add_rows(sum, x, (size_t)lines, (size_t)channels);
    else
        for (int c = 0; c < channels; c++)
            sum[c] = sum_lines(x + c * inner, lines, step, inner);
}

static void add_sums(struct collector *c, const struct channel_sums *m, const char *value,
                     const struct vn_view *t)
{
    const int64_t elements = (int64_t)(t->bytes / sizeof(float));
    struct exact_sums *to = vn_result_entry(c->into, RESULT_sums, value);
    if (!m->n)
        return;
    sum_channels(c->sum, t->data, elements, m->n, t->stride[m->axis]);
    vn_exact_sums_start(to, c->arena, m->n);
    for (int k = 0; k < m->n; k++)
        vn_exact_sums_add(to, c->arena, k, c->sum[k]);
    ((struct counter *)vn_result_entry(c->into, RESULT_counter, value))->n += (uint64_t)(elements / m->n);
}

int vn_histogram_add_view(struct histogram *h, const struct vn_view *v, vn_histogram_fn *add)
{
    const int64_t n = vn_view_count(v);
    if (v->dtype == VN_F32 && vn_view_is_dense(v))
        return add(h, v->data, (size_t)n);
    struct vn_arena *a = vn_arena_new();
    float *x = NEW_ARRAY(a, float, n);
    vn_view_real(x, v);
    const int status = add(h, x, (size_t)n);
    vn_arena_free(&a);
    return status;
}

/* Leaves in `kept` what no mask hides; the rest is counted. */
static size_t drop_masked(struct collector *c, int value, float *kept, int64_t n)
{
    const struct mask *m = &c->r->masks[value];
    size_t left = 0;
    for (int64_t i = 0; i < n; i++)
        if (!vn_mask_hides(m, kept[i]))
            kept[left++] = kept[i];
    count(c->into, "masked", c->g->values.v[value]->name, (uint64_t)n - left);
    return left;
}

/* The least of the largest elements of lines; a line that is masked as a whole has none. */
static void add_tops(struct collector *c, int value, const float *x, const struct vn_view *t)
{
    const struct mask *m = &c->r->masks[value];
    int64_t axis = -1, inner = 1;
    vn_node_attr_int(m->reader, "axis", &axis);
    axis += axis < 0 ? t->rank : 0;
    for (int d = (int)axis + 1; d < t->rank; d++)
        inner *= t->shape[d];
    const int64_t n = t->rank ? t->shape[axis] : 1, lines = n ? vn_view_count(t) / n : 0;
    struct extreme *least = vn_result_entry(c->into, RESULT_minimum, c->g->values.v[value]->name);
    for (int64_t i = 0; i < lines; i++) {
        float top = -INFINITY;
        for (int64_t k = 0; k < n; k++)
            top = fmaxf(top, x[(i / inner * n + k) * inner + i % inner]);
        if (!vn_mask_hides(m, top))
            vn_minimum_add(least, (uint64_t)c->sample, top);
    }
}

static int add_masked(struct collector *c, int value, const struct vn_view *t)
{
    struct vn_arena *work = vn_arena_new();
    float *x = NEW_ARRAY(work, float, vn_view_count(t));
    vn_view_real(x, t);
    if (c->r->masks[value].reader)
        add_tops(c, value, x, t);
    const size_t left = drop_masked(c, value, x, vn_view_count(t));
    const char *name = c->g->values.v[value]->name;
    const int status = c->add(vn_result_entry(c->into, RESULT_histogram, name), x, left);
    vn_arena_free(&work);
    return status;
}

/* Nothing but infinities is not finite: a value without a range, not an error. */
static int count_infinite(struct collector *c, const char *name, const struct vn_view *t)
{
    const int64_t n = vn_view_count(t);
    uint64_t infinite = 0;
    for (int64_t i = 0; i < n; i++) {
        const double x = vn_view_at(t, i);
        if (isnan(x) && !c->random)
            return VN_E_INPUT;
        infinite += !isfinite(x);
    }
    count(c->into, "infinite", name, infinite);
    return VN_OK;
}

static void collect(void *user, int value, const struct vn_view *t)
{
    struct collector *c = user;
    const char *name = c->g->values.v[value]->name;
    if (t->dtype != VN_F32)
        return;
    struct histogram *h = vn_result_entry(c->into, RESULT_histogram, name);
    int status = c->r->masks[value].sign ? add_masked(c, value, t) : vn_histogram_add_view(h, t, c->add);
    if (status < 0)
        status = count_infinite(c, name, t);
    if (status < 0 && !c->bad)
        c->bad = name;
    if (c->means && c->r->means[value])
        add_sums(c, c->r->means[value], name, t);
}

static int run_sample(struct collector *c, struct vn_session *session, const struct vn_samples *s,
                      struct vn_err *e)
{
    TRY(vn_samples_read(c->x, s, c->sample, e));
    TRY(vn_session_feed_values(session, c->x, e));
    TRY(vn_session_run(session, e));
    return c->bad ? vn_fail(e, VN_E_INPUT, "%s: tensor %s of the float model is NaN (not a number)",
                            vn_samples_name(s, c->sample), c->bad)
                  : VN_OK;
}

/* Show what is not constant. */
static void observe(struct vn_session *session, struct collector *c, struct vn_arena *work)
{
    unsigned char *wanted = NEW_ARRAY(work, unsigned char, c->r->n);
    for (int i = 0; i < c->r->n; i++)
        wanted[i] = !c->g->values.v[i]->data;
    c->sum = NEW_ARRAY(work, double, watch_means(c->r, c->arena, c->g));
    vn_session_observe(session, &(struct vn_observer){ .after = collect, .wanted = wanted, .user = c });
}

static int collect_all(struct collector *c, struct vn_session *session, const struct vn_samples *s,
                       const struct vn_calibrate_options *o, const struct vn_folds *f, const int *of,
                       struct vn_err *e)
{
    const int n = vn_samples_count(s);
    for (c->sample = 0; c->sample < n; c->sample++) {
        if (!vn_shard_has(&o->part, c->sample))
            continue;
        c->into = f->part[of ? of[c->sample] : 0];
        TRY(run_sample(c, session, s, e));
        vn_result_did(c->into, (uint64_t)c->sample);
        vn_progress(o->listener, "calibration", c->sample + 1, n);
    }
    return VN_OK;
}

/* ---- the whole and its parts ---- */

/* The float graph with every tensor in memory. */
static int open_float(struct vn_session **out, struct vn_arena *work, const struct graph *g,
                      const struct vn_calibrate_options *how, struct vn_err *e)
{
    struct vn_session_options o;
    struct vn_session **session = vn_session_slot(work);
    vn_session_options_default(&o);
    o.run = how->run;
    o.level = 0;
    TRY(vn_session_open_graph(session, g, NULL, &o, e));
    *out = *session;
    return VN_OK;
}

static struct vn_result *empty_part(const struct vn_folds *f, struct vn_arena *a)
{
    struct vn_result *r = vn_result_new(a, f->job);
    vn_result_belongs(r, "network", f->network);
    vn_result_belongs(r, "samples", f->samples);
    return r;
}

/* Empty parts of this job. */
static int begin(struct vn_folds *f, struct vn_arena *a, int n, const struct vn_session *session,
                 const struct vn_samples *s, const struct vn_calibrate_options *how, struct vn_err *e)
{
    static const char *const jobs[2][2] = { { "extremes", "ranges" }, { "histograms", "calibration" } };
    *f = (struct vn_folds){ .n = n,
                            .job = jobs[how->bins != 0][how->means != 0],
                            .network = vn_session_hash(session),
                            .part = NEW_ARRAY(a, struct vn_result *, n) };
    TRY(vn_samples_hash(&f->samples, s, e));
    for (int i = 0; i < n; i++)
        f->part[i] = empty_part(f, a);
    return VN_OK;
}

static int collect_folds(struct vn_folds *f, struct vn_arena *a, struct vn_arena *work, const struct graph *g,
                         const struct vn_samples *s, const struct vn_calibrate_options *o, int n,
                         const int *of, struct vn_err *e)
{
    struct vn_session *session;
    struct collector c = {
        .g = g,
        .arena = a,
        .random = o->random,
        .means = o->means,
        .add = o->bins ? vn_histogram_add : vn_histogram_add_range,
    };
    TRY(vn_shard_check(&o->part, e));
    TRY(open_float(&session, work, g, o, e));
    TRY(begin(f, a, n, session, s, o, e));
    c.r = new_ranges(work, g);
    c.x = vn_samples_room(s, work);
    observe(session, &c, work);
    return collect_all(&c, session, s, o, f, of, e);
}

int vn_calibrate_folds(struct vn_folds *f, struct vn_arena *a, const struct graph *g,
                       const struct vn_samples *s, const struct vn_calibrate_options *o, int n, const int *of,
                       struct vn_err *e)
{
    struct vn_arena *work = vn_arena_new();
    const int status = collect_folds(f, a, work, g, s, o, n, of, e);
    vn_arena_free(&work);
    return status;
}

static int ranges_of(struct vn_ranges **out, struct vn_arena *a, const struct graph *g,
                     struct vn_result *result, struct vn_err *e)
{
    struct vn_ranges *r = *out = new_ranges(a, g);
    r->result = result;
    watch_means(r, a, g);
    return set_ranges(r, g, e);
}

int vn_folds_join(struct vn_ranges **out, struct vn_arena *a, const struct graph *g, const struct vn_folds *f,
                  int without, struct vn_err *e)
{
    struct vn_result *all = empty_part(f, a);
    for (int i = 0; i < f->n; i++)
        if (i != without)
            TRY(vn_result_merge(all, f->part[i], e));
    return ranges_of(out, a, g, all, e);
}

int vn_calibrate(struct vn_ranges **out, struct vn_arena *a, const struct graph *g,
                 const struct vn_samples *s, const struct vn_calibrate_options *o, struct vn_err *e)
{
    struct vn_folds f;
    TRY(vn_calibrate_folds(&f, a, g, s, o, 1, NULL, e));
    return ranges_of(out, a, g, f.part[0], e);
}

/* not used in src: vn_calibrate_join: a job is divided by who uses the library, and by tests */
int vn_calibrate_join(struct vn_ranges **out, struct vn_arena *a, const struct graph *g,
                      const struct vn_samples *s, const struct vn_calibrate_options *o, int n,
                      const char *const *parts, struct vn_err *e)
{
    struct vn_session *session;
    struct vn_folds f;
    struct vn_arena *work = vn_arena_new();
    int status = open_float(&session, work, g, o, e);
    if (status == VN_OK)
        status = begin(&f, a, 1, session, s, o, e);
    vn_arena_free(&work);
    TRY(status);
    TRY(vn_result_join(f.part[0], (uint64_t)vn_samples_count(s), n, parts, e));
    return ranges_of(out, a, g, f.part[0], e);
}
