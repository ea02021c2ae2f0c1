/* How the numbers of nodes and tensors are distributed, in float and quantized, whole and by channel. */
#include <math.h>
#include <stdlib.h>

#include "base/listen.h"
#include "debug/debug_job.h"
#include "num/num.h"
#include "ops/op.h"

struct vn_distributions {
    struct vn_arena *arena; /* detached */
    VEC(struct vn_distribution) rows;
    int samples;
};

/* One thing that is looked at: its numbers of all samples, one after the other. */
struct collected {
    struct debug_item item;
    int value; /* whose numbers these are */
    int64_t n, room; /* numbers; of all samples */
    float *x, *y; /* float; quantized, NULL: not looked at */
    int axis;
    int64_t channels, apart; /* numbers from one channel to the next */
};

struct distribution_job {
    struct debug_job d;
    int axis; /* -1: by kind */
    VEC(struct collected) all;
};

/* ---- what is looked at ---- */

static int find_value(struct collected *c, const struct distribution_job *j, const char *name,
                      struct vn_err *e)
{
    const struct graph *g = j->d.p.graph;
    TRY(vn_debug_find(&c->item, &j->d, name, e));
    if (c->item.kind != VN_DEBUG_NODE) {
        c->value = c->item.id;
        return VN_OK;
    }
    const struct value *v = g->nodes.v[c->item.id]->out[0];
    while (v && j->d.p.made[v->id] < 0 && vn_graph_sole_user(v)) /* fused: the Relu's result */
        v = vn_graph_sole_user(v)->out[0];
    c->value = v ? v->id : -1;
    return v && j->d.p.made[v->id] >= 0
               ? VN_OK
               : vn_fail(e, VN_E_USAGE, "%s: the result of node %s is not kept in memory", g->source, name);
}

static int default_axis(const struct distribution_job *j, const struct collected *c)
{
    const struct qparam *q = j->d.p.q[c->value];
    if (j->axis >= 0)
        return j->axis;
    return c->item.kind != VN_DEBUG_WEIGHT ? 1 : q->axis >= 0 ? q->axis : 0;
}

static void set_channels(struct collected *c, int axis, int rank, const int64_t *shape, const int64_t *stride)
{
    c->axis = axis < rank ? axis : rank - 1;
    c->channels = rank && shape[c->axis] > 0 ? shape[c->axis] : 1;
    c->apart = rank ? stride[c->axis] : 1;
}

static int add_weight(struct distribution_job *j, struct collected *c)
{
    const struct value *v = j->d.p.graph->values.v[c->value];
    const struct qparam *q = j->d.p.q[c->value];
    int64_t stride[VN_MAX_RANK];
    c->n = c->room = vn_shape_count(&v->data->shape);
    c->x = NEW_ARRAY(j->d.arena, float, c->n);
    c->y = NEW_ARRAY(j->d.arena, float, c->n);
    vn_tensor_to_f32(c->x, v->data);
    vn_shape_strides(&v->data->shape, stride);
    set_channels(c, default_axis(j, c), v->data->shape.rank, v->data->shape.d, stride);
    for (int64_t i = 0; i < c->n; i++) {
        const int64_t k = q->n > 1 ? vn_shape_coordinate(&v->data->shape, q->axis, i) : 0;
        c->y[i] = vn_dequantize(vn_quantize(c->x[i], q->scale[k], q->zero[k], vn_q_min(q), vn_q_max(q)),
                                q->scale[k], q->zero[k]);
    }
    return VN_OK;
}

static int add_tensor(struct distribution_job *j, struct collected *c, const char *name, struct vn_err *e)
{
    struct vn_view v;
    vn_model_tensor(vn_session_model(j->d.p.floats), j->d.p.tensor[c->value], &v);
    if (v.dtype != VN_F32)
        return vn_fail(e, VN_E_USAGE, "%s: %s has elements of %s: expected float32", j->d.p.graph->source,
                       name, vn_dtype_name(v.dtype));
    c->room = vn_view_count(&v) * j->d.samples.n;
    c->x = NEW_ARRAY(j->d.arena, float, c->room);
    c->y = c->item.kind == VN_DEBUG_NODE ? NEW_ARRAY(j->d.arena, float, c->room) : NULL;
    set_channels(c, default_axis(j, c), v.rank, v.shape, v.stride);
    return VN_OK;
}

static int add_named(struct distribution_job *j, const char *name, struct vn_err *e)
{
    struct collected c = { .n = 0 };
    TRY(find_value(&c, j, name, e));
    TRY(c.item.kind == VN_DEBUG_WEIGHT ? add_weight(j, &c) : add_tensor(j, &c, name, e));
    VEC_PUSH(j->d.arena, &j->all, c);
    return VN_OK;
}

/* ---- runs ---- */

static void take(struct distribution_job *j, struct collected *c)
{
    const struct probe_worker *w = &j->d.thread[0].w;
    const int tensor = j->d.p.tensor[c->value];
    const int64_t n = c->room / j->d.samples.n;
    memcpy(c->x + c->n, vn_session_memory(w->clean, tensor), (size_t)n * sizeof *c->x);
    if (c->y)
        memcpy(c->y + c->n, vn_session_memory(w->changed, tensor), (size_t)n * sizeof *c->y);
    c->n += n;
}

/* Values that instruction i has finished; -1: the inputs. */
static void take_finished(struct distribution_job *j, int i)
{
    for (int k = 0; k < j->all.n; k++)
        if (j->all.v[k].item.kind != VN_DEBUG_WEIGHT && j->d.p.made[j->all.v[k].value] == i)
            take(j, &j->all.v[k]);
}

static int run_sample(struct distribution_job *j, int sample, struct vn_err *e)
{
    struct debug_thread *t = &j->d.thread[0];
    TRY(vn_probe_feed(&t->w, &j->d.samples.file[sample * j->d.samples.inputs], j->d.samples.inputs, e));
    vn_probe_pair_begin(&t->w, &t->plan);
    take_finished(j, -1);
    for (int i = 0; i < j->d.p.n; i++) {
        TRY(vn_probe_pair_step(&t->w, i, e));
        take_finished(j, i);
    }
    vn_progress(&j->d.o->listener, "distributions", sample + 1, j->d.samples.n);
    return VN_OK;
}

/* ---- numbers of one thing ---- */

static int ascending(const void *x, const void *y)
{
    const float a = *(const float *)x, b = *(const float *)y;
    return a < b ? -1 : a > b;
}

/* As numpy.percentile: linear between neighbours. */
static double quantile(const float *sorted, int64_t n, double share)
{
    const double at = share * (double)(n - 1), low = floor(at);
    const int64_t i = (int64_t)low, k = i + 1 < n ? i + 1 : i;
    return (double)sorted[i] + (at - low) * ((double)sorted[k] - (double)sorted[i]);
}

static struct vn_channel_box box_of(float *x, int64_t n)
{
    double sum = 0;
    if (!n)
        return (struct vn_channel_box){ 0 };
    qsort(x, (size_t)n, sizeof *x, ascending);
    for (int64_t i = 0; i < n; i++)
        sum += (double)x[i];
    return (struct vn_channel_box){ .lo = (double)x[0],
                                    .q1 = quantile(x, n, 0.25),
                                    .median = quantile(x, n, 0.5),
                                    .q3 = quantile(x, n, 0.75),
                                    .hi = (double)x[n - 1],
                                    .mean = sum / (double)n };
}

static void add_boxes(struct vn_distribution *d, const struct collected *c, struct vn_arena *a)
{
    struct vn_arena *work = vn_arena_new();
    float *x = NEW_ARRAY(work, float, c->n);
    struct vn_channel_box *box = NEW_ARRAY(a, struct vn_channel_box, c->channels);
    for (int64_t k = 0; k < c->channels; k++) {
        int64_t n = 0;
        for (int64_t i = 0; i < c->n; i++)
            if (i / c->apart % c->channels == k && isfinite(c->x[i]))
                x[n++] = c->x[i];
        box[k] = box_of(x, n);
    }
    d->channels = (int)c->channels;
    d->axis = c->axis;
    d->box = box;
    vn_arena_free(&work);
}

/* Counts of x - y (y NULL: of x) in equal parts of lo..hi, both included. */
static const double *histogram(const float *x, const float *y, int64_t n, double lo, double hi,
                               struct vn_arena *a)
{
    double *bins = NEW_ARRAY(a, double, VN_DISTRIBUTION_BINS);
    for (int64_t i = 0; i < n; i++) {
        const double v = (double)x[i] - (y ? (double)y[i] : 0);
        const double at = hi > lo ? (v - lo) / (hi - lo) * VN_DISTRIBUTION_BINS : 0;
        if (at >= 0 && at <= VN_DISTRIBUTION_BINS)
            bins[at < VN_DISTRIBUTION_BINS ? (int)at : VN_DISTRIBUTION_BINS - 1]++;
    }
    return bins;
}

static void add_moments(struct vn_distribution *d, const float *x, int64_t n)
{
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < n; i++) {
        d->lo = i && d->lo < (double)x[i] ? d->lo : (double)x[i];
        d->hi = i && d->hi > (double)x[i] ? d->hi : (double)x[i];
        sum += (double)x[i];
    }
    d->mean = n ? sum / (double)n : 0;
    for (int64_t i = 0; i < n; i++)
        squares += ((double)x[i] - d->mean) * ((double)x[i] - d->mean);
    d->deviation = n ? sqrt(squares / (double)n) : 0;
}

static void add_after(struct vn_distribution *d, const struct collected *c, struct vn_arena *a)
{
    const struct distance all = vn_distance(c->x, c->n, c->y, c->n, 1, 1);
    d->cosine = vn_distance_metric(&all, VN_DEBUG_COSINE);
    for (int64_t i = 0; i < c->n; i++) {
        const double error = (double)c->y[i] - (double)c->x[i];
        d->error_lo = i && d->error_lo < error ? d->error_lo : error;
        d->error_hi = i && d->error_hi > error ? d->error_hi : error;
    }
    d->after = histogram(c->y, NULL, c->n, d->lo, d->hi, a);
    d->error = histogram(c->y, c->x, c->n, d->error_lo, d->error_hi, a);
}

/* The least of all scales'. */
static void add_threshold(struct vn_distribution *d, const struct qparam *q)
{
    d->bits = q->dtype == VN_I16 ? 16 : 8;
    for (int i = 0; i < q->n; i++) {
        const double most = fmax(vn_q_max(q) - q->zero[i], q->zero[i] - vn_q_min(q)) * (double)q->scale[i];
        d->threshold = i && d->threshold < most ? d->threshold : most;
    }
}

static struct vn_distribution row_of(const struct distribution_job *j, const struct collected *c,
                                     struct vn_arena *a)
{
    struct vn_distribution d = { .kind = c->item.kind, .n = c->n, .cosine = NAN };
    d.name = vn_debug_item_name(&j->d.p, c->item, a);
    d.type = c->item.kind == VN_DEBUG_NODE ? vn_arena_str(a, vn_node_type(j->d.p.graph->nodes.v[c->item.id]))
                                           : "HzCalibration";
    if (c->item.kind != VN_DEBUG_NODE)
        add_threshold(&d, j->d.p.q[c->value]);
    add_moments(&d, c->x, c->n);
    d.before = histogram(c->x, NULL, c->n, d.lo, d.hi, a);
    if (c->y)
        add_after(&d, c, a);
    add_boxes(&d, c, a);
    return d;
}

/* ---- the job ---- */

struct distribution_request {
    const struct vn_debug_options *o;
    int axis;
};

static int measure(void *result, const void *request, struct vn_arena *work, struct vn_err *e)
{
    struct vn_distributions *r = result;
    const struct vn_debug_options *o = ((const struct distribution_request *)request)->o;
    struct distribution_job j = { .axis = ((const struct distribution_request *)request)->axis };
    if (!o->n_nodes)
        return vn_fail(e, VN_E_USAGE, "expected at least one node or calibration node");
    TRY(vn_debug_job_open(&j.d, work, o, e));
    j.d.threads = 0;
    for (int i = 0; i < o->n_nodes; i++)
        TRY(add_named(&j, o->nodes[i], e));
    TRY(vn_debug_job_threads(&j.d, e));
    vn_debug_set_all(&j.d.p, &j.d.thread[0].plan, VN_DEBUG_WEIGHT);
    vn_debug_set_all(&j.d.p, &j.d.thread[0].plan, VN_DEBUG_ACTIVATION);
    for (int i = 0; i < j.d.samples.n; i++)
        TRY(run_sample(&j, i, e));
    r->samples = j.d.samples.n;
    for (int i = 0; i < j.all.n; i++) {
        const struct vn_distribution row = row_of(&j, &j.all.v[i], r->arena);
        VEC_PUSH(r->arena, &r->rows, row);
    }
    return VN_OK;
}

int vn_debug_distributions(struct vn_distributions **r, const struct vn_debug_options *o, int axis,
                           struct vn_err *e)
{
    const struct distribution_request request = { o, axis };
    void *made;
    const int status = vn_debug_result(&made, sizeof **r, measure, &request, e);
    *r = made;
    return status;
}

void vn_distributions_free(struct vn_distributions **r)
{
    if (!r)
        return;
    vn_debug_result_free(*r);
    *r = NULL;
}

const struct vn_distribution *vn_distributions_rows(const struct vn_distributions *r, int *n)
{
    *n = r->rows.n;
    return r->rows.v;
}

int vn_distributions_samples(const struct vn_distributions *r) { return r->samples; }
