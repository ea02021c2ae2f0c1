/* What the quantized network's ranges make of the values that the float network computes. */
#include "flow/symptoms.h"

#include <math.h>
#include <stdlib.h>

#include "flow/flow_job.h"
#include "graph/graph.h"
#include "ops/op.h"

#define SAMPLES 8
#define MANY 0.01 /* of a tensor's elements */
#define FULL 0.99 /* of the largest bias */

void vn_symptom_see(struct symptoms *s, enum symptom which, struct seen seen)
{
    if (seen.size > s->of[which].size)
        s->of[which] = seen;
}

struct seen_range { /* of a quantized tensor */
    const struct value *v;
    double low, high;
    int axis_channels; /* entries of `channel`; 0: none */
    double *channel; /* largest magnitude of each, over all samples */
    double sample[SAMPLES]; /* largest magnitude in each sample */
    int64_t beyond, all, odd[SAMPLES]; /* beyond the range, and in each sample */
    int64_t far,
        between; /* below half the lowest; between that and a 16th of the range: none behind a mask */
    double near; /* largest magnitude of the others */
};

struct looking {
    struct flow_job *j;
    struct vn_session *s;
    struct seen_range *range; /* by the session's value id */
    int n, at, samples;
};

/* Functions read it, and none of them can tell x from the end of the range (quant/flat_ends.h). */
static int is_flat(const struct value *v, double end, double x)
{
    for (int i = 0; i < v->users.n; i++) {
        const struct node *n = v->users.v[i].node;
        if (vn_node_kind(n) != Q_TABLE || !n->op->f || !n->out[0]->q ||
            fabs(n->op->f(n, x) - n->op->f(n, end)) > n->out[0]->q->scale[0])
            return 0;
    }
    return v->users.n > 0;
}

static void add_element(struct seen_range *r, double x, int sample)
{
    const double size = fabs(x);
    const int beyond =
        (x < r->low && !is_flat(r->v, r->low, x)) || (x > r->high && !is_flat(r->v, r->high, x));
    r->beyond += beyond;
    r->odd[sample] += beyond;
    r->far += x < r->low / 2;
    r->between += x >= r->low / 2 && size > -r->low / 16;
    if (size <= -r->low / 16)
        r->near = fmax(r->near, size);
}

static void look_at(void *user, int value, const struct vn_view *view)
{
    struct looking *l = user;
    struct seen_range *r = value < 0 ? NULL : &l->range[value];
    if (!r || !r->v)
        return;
    const int64_t n = vn_view_count(view),
                  inner = r->axis_channels ? n / view->shape[0] / r->axis_channels : n;
    for (int64_t i = 0; i < n; i++) {
        const double x = vn_view_at(view, i), size = fabs(x);
        add_element(r, x, l->at);
        r->sample[l->at] = fmax(r->sample[l->at], size);
        if (r->axis_channels) {
            double *c = &r->channel[i / inner % r->axis_channels];
            *c = fmax(*c, size);
        }
    }
    r->all += n;
}

/* A step beyond the range is rounding, not clipping. */
static void begin_range(struct seen_range *r, struct vn_arena *a, const struct value *v)
{
    const struct qparam *q = v->q;
    const int lo = q->dtype == VN_I16 ? -32768 : -128, hi = -lo - 1;
    r->v = v;
    r->low = ((double)lo - 1 - q->zero[0]) * q->scale[0];
    r->high = ((double)hi + 1 - q->zero[0]) * q->scale[0];
    r->axis_channels = v->shape.rank == 4 && v->shape.d[1] > 1 ? (int)v->shape.d[1] : 0;
    r->channel = NEW_ARRAY(a, double, r->axis_channels + 1);
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The largest by the middle one, of what is not zero. */
static double largest_by_middle(struct vn_arena *a, const double *v, int n, int *which)
{
    double *sorted = NEW_ARRAY(a, double, n + 1);
    int k = 0;
    *which = 0;
    for (int i = 0; i < n; i++) {
        if (v[i] > 0)
            sorted[k++] = v[i];
        *which = v[i] > v[*which] ? i : *which;
    }
    qsort(sorted, (size_t)k, sizeof *sorted, by_size);
    return k > 2 ? sorted[k - 1] / sorted[k / 2] : 1;
}

static double largest(const struct seen_range *r)
{
    double most = 0;
    for (int i = 0; i < SAMPLES; i++)
        most = fmax(most, r->sample[i]);
    return most;
}

static const char *name_of(const struct node *n, struct vn_arena *a)
{
    return n ? vn_arena_str(a, n->name) : NULL;
}

/* Some elements are moved far below, and nothing lies between them and the others. */
static void judge_mask(struct symptoms *s, const struct seen_range *r, struct seen seen)
{
    seen.size = r->near > 0 && r->far && !r->between && r->far < r->all ? -r->low / r->near : 0;
    vn_symptom_see(s, SEEN_MASK, seen);
}

/* Names of the samples that have most of what lies beyond, at most three. */
static const char *odd_samples(const struct looking *l, const struct seen_range *r)
{
    struct vn_arena *a = l->j->arena;
    int64_t odd[SAMPLES];
    const char *names = NULL;
    memcpy(odd, r->odd, sizeof odd);
    for (int k = 0; k < 3; k++) {
        int best = 0;
        for (int i = 1; i < l->samples; i++)
            best = odd[i] > odd[best] ? i : best;
        const char *name =
            odd[best] ? vn_samples_name(l->j->samples, vn_flow_sample(l->j, best, l->samples)) : NULL;
        names = !name ? names : names ? vn_arena_fmt(a, "%s, %s", names, name) : vn_arena_str(a, name);
        odd[best] = 0;
    }
    return names ? names : "random samples";
}

static void judge(struct symptoms *s, struct looking *l, const struct seen_range *r)
{
    struct vn_arena *a = l->j->arena;
    struct seen seen = { 0, vn_arena_str(a, r->v->name), name_of(r->v->producer, a), NULL };
    int at;
    judge_mask(s, r, seen);
    seen.size = r->all ? (double)r->beyond / (double)r->all : 0;
    vn_symptom_see(s, SEEN_CLIPPED, seen);
    if (!(s->of[SEEN_ODD_SAMPLES].size > MANY)) /* what comes first drifts; the others follow */
        vn_symptom_see(
            s, SEEN_ODD_SAMPLES,
            (struct seen){ seen.size, seen.tensor, seen.node ? seen.node : seen.tensor, odd_samples(l, r) });
    seen.size = largest_by_middle(l->j->work, r->sample, l->samples, &at);
    const char *name = vn_samples_name(l->j->samples, vn_flow_sample(l->j, at, l->samples));
    seen.other = name ? vn_arena_str(a, name) : "a sample";
    vn_symptom_see(s, SEEN_DOMINANT, seen);
    seen.size = r->v->producer ? largest_by_middle(l->j->work, r->channel, r->axis_channels, &at) : 0;
    seen.other = vn_arena_fmt(a, "%d", at);
    vn_symptom_see(s, SEEN_OUTLIER, seen);
}

static const struct seen_range *range_of(const struct looking *l, const struct value *v)
{
    const int i = v ? vn_session_value(l->s, v->name) : -1;
    return i >= 0 && l->range[i].v ? &l->range[i] : NULL;
}

/* Inputs that are joined share the result's range. */
static void judge_joint(struct symptoms *s, const struct looking *l, const struct node *n)
{
    const struct seen_range *out = range_of(l, n->out[0]);
    struct vn_arena *a = l->j->arena;
    if (!out || !n->op->quant.inputs_as_out || n->n_in < 2)
        return;
    for (int i = 0; i < n->n_in; i++) {
        const struct seen_range *in = range_of(l, n->in[i]);
        const double most = in ? largest(in) : 0;
        if (most > 0)
            vn_symptom_see(s, SEEN_CONFLICT,
                           (struct seen){ largest(out) / most, vn_arena_str(a, out->v->name), name_of(n, a),
                                          vn_arena_str(a, in->v->name) });
    }
}

static double largest_weight(const struct node *n, const struct value *w, int64_t channel)
{
    const int64_t size = vn_shape_count(&w->shape);
    double most = 0;
    for (int64_t i = 0; i < size; i++)
        if (vn_weight_place(n, i).out == channel)
            most = fmax(most, fabs(vn_tensor_f64(w->data, i)));
    return most;
}

/* Does the rounding of a channel's weights move the result by a step? Those of most channels with such a bias
 * do not: they are dead. */
static int is_seen(const struct node *n, int64_t channel)
{
    const struct value *w = n->in[n->op->quant.weight], *x = n->in[0], *y = n->out[0];
    const struct vn_tensor *t = w->data;
    const int64_t count = vn_shape_count(&t->shape),
                  inner = count / vn_shape_count(&n->in[n->op->quant.bias]->shape);
    const double scale = w->q->scale[w->q->n == 1 ? 0 : channel];
    if (!x->q || !y->q)
        return 1;
    const double most = (double)vn_q_max(x->q) * x->q->scale[0];
    return scale * most * sqrt((double)inner) / 2 > y->q->scale[0];
}

/* A bias that fills its integer has made the scale of its channel's weights grow. */
static void judge_bias(struct symptoms *s, struct flow_job *j, const struct node *n)
{
    const int w = n->op->quant.weight, b = n->op->quant.bias;
    if (!w || !b || !vn_node_has(n, w) || !vn_node_has(n, b) || !n->in[w]->data || !n->in[b]->data ||
        !n->in[w]->q || n->in[b]->data->dtype != VN_I32)
        return;
    const int wide = n->in[w]->data->dtype == VN_I16;
    const double lowest = wide ? 32767 : 127, full = FULL * (wide ? VN_WIDE_BIAS_LIMIT : VN_BIAS_LIMIT);
    for (int64_t c = 0; c < vn_shape_count(&n->in[b]->shape); c++) {
        if (fabs(vn_tensor_f64(n->in[b]->data, c)) < full || !is_seen(n, c))
            continue;
        const double most = largest_weight(n, n->in[w], c);
        vn_symptom_see(s, SEEN_FULL_BIAS,
                       (struct seen){ most > 0 ? log2(lowest / most) : log2(lowest),
                                      vn_arena_str(j->arena, n->in[b]->name), name_of(n, j->arena),
                                      vn_arena_fmt(j->arena, "%lld", (long long)c) });
    }
}

static int run_samples(struct looking *l, struct vn_err *e)
{
    for (l->at = 0; l->at < l->samples; l->at++) {
        struct vn_arena *a = vn_arena_new();
        float **x = NEW_ARRAY(a, float *, vn_session_graph(l->j->original)->inputs.n);
        int status = vn_samples_load(l->j->samples, vn_flow_sample(l->j, l->at, l->samples), a, x, e);
        if (status == VN_OK)
            status = vn_session_feed_values(l->s, x, e);
        if (status == VN_OK)
            status = vn_session_run(l->s, e);
        vn_arena_free(&a);
        TRY(status);
    }
    return VN_OK;
}

static void judge_all(struct symptoms *s, struct looking *l, const struct graph *quantized)
{
    for (int i = 0; i < l->n; i++)
        if (l->range[i].v)
            judge(s, l, &l->range[i]);
    for (int i = 0; i < quantized->nodes.n; i++) {
        judge_joint(s, l, quantized->nodes.v[i]);
        judge_bias(s, l->j, quantized->nodes.v[i]);
    }
}

/* The quantized network's kernels against the reference executor. */
static int look_at_arithmetic(struct symptoms *s, struct flow_job *j, struct vn_err *e)
{
    struct vn_flow_step step = { .name = "bin" };
    TRY(vn_flow_program(j, &step, e));
    if (step.state == VN_FLOW_FAIL)
        vn_symptom_see(s, SEEN_ARITHMETIC,
                       (struct seen){ 1, step.why, step.node, step.failure.next_command });
    return VN_OK;
}

static int look_at_ranges(struct symptoms *s, struct flow_job *j, struct vn_err *e)
{
    struct vn_session **floats = vn_session_slot(j->work), **quantized = vn_session_slot(j->work);
    struct vn_session_options o;
    struct looking l = { .j = j, .samples = vn_flow_samples(j, SAMPLES) };
    vn_session_options_default(&o);
    o.run = j->o->run;
    TRY(vn_session_open(floats, j->product[OPTIMIZED], &o, e));
    o.inspect = 1;
    TRY(vn_session_open(quantized, j->product[QUANTIZED], &o, e));
    const struct graph *g = vn_session_graph(*quantized);
    l.s = *floats;
    l.n = vn_session_values(l.s);
    l.range = NEW_ARRAY(j->work, struct seen_range, l.n);
    for (int i = 0; i < l.n; i++) {
        const struct value *v = vn_graph_find(g, vn_session_value_name(l.s, i));
        if (v && v->q && v->q->n == 1 && !v->data && !v->q->implied)
            begin_range(&l.range[i], j->work, v);
    }
    vn_session_observe(l.s, &(struct vn_observer){ .after = look_at, .user = &l });
    TRY(run_samples(&l, e));
    judge_all(s, &l, g);
    return VN_OK;
}

int vn_flow_symptoms(struct symptoms *s, struct flow_job *j, int closer, struct vn_err *e)
{
    *s = (struct symptoms){ 0 };
    TRY(look_at_ranges(s, j, e));
    return closer ? look_at_arithmetic(s, j, e) : VN_OK;
}
