/* What the quantized network's ranges make of the values that the float network computes. */
#include <math.h>
#include <stdlib.h>

#include "flow/symptoms.h"

#include "flow/flow_job.h"
#include "graph/graph.h"

#define SAMPLES 8

struct seen_range { /* of a quantized tensor */
    const struct value *v;
    double low, high;
    int axis_channels; /* entries of `channel`; 0: none */
    double *channel; /* largest magnitude of each, over all samples */
    double sample[SAMPLES]; /* largest magnitude in each sample */
    int64_t beyond, all;
};

struct looking {
    struct flow_job *j;
    struct vn_session *s;
    struct seen_range *range; /* by the session's value id */
    int n, at, samples;
};

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
        r->beyond += x < r->low || x > r->high;
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

static void judge(struct symptoms *s, struct looking *l, const struct seen_range *r)
{
    struct vn_arena *a = l->j->arena;
    int at;
    const double clipped = r->all ? (double)r->beyond / (double)r->all : 0,
                 dominant = largest_by_middle(l->j->work, r->sample, l->samples, &at);
    if (clipped > s->clipped) {
        s->clipped = clipped;
        s->clipped_tensor = vn_arena_str(a, r->v->name);
    }
    if (dominant > s->dominant) {
        const char *name = vn_samples_name(l->j->samples, vn_flow_sample(l->j, at, l->samples));
        s->dominant = dominant;
        s->dominant_tensor = vn_arena_str(a, r->v->name);
        s->dominant_sample = name ? vn_arena_str(a, name) : "a sample";
    }
    const double outlier = largest_by_middle(l->j->work, r->channel, r->axis_channels, &at);
    if (outlier > s->outlier && r->v->producer) {
        s->outlier = outlier;
        s->outlier_channel = at;
        s->outlier_tensor = vn_arena_str(a, r->v->name);
        s->outlier_node = vn_arena_str(a, r->v->producer->name);
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

int vn_flow_symptoms(struct symptoms *s, struct flow_job *j, struct vn_err *e)
{
    struct vn_session **floats = vn_session_slot(j->work), **quantized = vn_session_slot(j->work);
    struct vn_session_options o;
    struct looking l = { .j = j, .samples = vn_flow_samples(j, SAMPLES) };
    *s = (struct symptoms){ 0 };
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
    for (int i = 0; i < l.n; i++)
        if (l.range[i].v)
            judge(s, &l, &l.range[i]);
    return VN_OK;
}
