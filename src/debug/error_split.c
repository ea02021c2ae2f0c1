/* What the error of each quantized tensor is made of: each part is the error that goes away with it. */
#include <math.h>
#include <stdlib.h>

#include "base/listen.h"
#include "base/share.h"
#include "debug/debug_job.h"
#include "num/num.h"
#include "ops/op.h"

struct vn_error_split {
    struct vn_arena *arena; /* detached */
    VEC(struct vn_tensor_error) rows;
    int samples;
};

/* Sums over the elements of a tensor in one sample; all but signal and counts are squared differences from
 * float. */
struct split_sums {
    double lo, hi; /* range of float, 0 included */
    double signal, total;
    double before; /* in front of its own rounding */
    double own; /* float's values rounded as the tensor is */
    double unclipped; /* the same without limits */
    double narrow; /* the same with the step that its own range requires */
    int64_t n, clipped;
    double *shift; /* by channel: sum of differences in front of its own rounding */
};

/* One job. */
struct split_job {
    struct debug_job d;
    VEC(int) values;
    int *index; /* by value: in `values`; -1: not looked at */
    struct split_sums *of; /* [tensor][sample] */
    float *step; /* by tensor: that its own range requires, at most the one that it has */
};

/* The part that runs. */
struct split_part {
    struct split_job *j;
    struct debug_thread *t;
    int sample;
};

static struct split_sums *sums_of(struct split_job *j, int tensor, int sample)
{
    return &j->of[(int64_t)tensor * j->d.samples.n + sample];
}

/* ---- which tensors, and their channels ---- */

static int channel_axis(const struct value *v) { return v->shape.rank > 2 ? 1 : v->shape.rank - 1; }

static int64_t channels_of(const struct value *v)
{
    return v->shape.rank && v->shape.d[channel_axis(v)] > 0 ? v->shape.d[channel_axis(v)] : 1;
}

static void add_value(void *ctx, struct debug_item item)
{
    struct split_job *j = ctx;
    const struct qparam *q = j->d.p.q[item.id];
    if (q->n != 1 || j->index[item.id] >= 0)
        return;
    j->index[item.id] = j->values.n;
    VEC_PUSH(j->d.arena, &j->values, item.id);
}

static int list_tensors(struct split_job *j, struct vn_err *e)
{
    const struct vn_debug_options *o = j->d.o;
    j->index = NEW_ARRAY(j->d.arena, int, j->d.p.graph->values.n);
    for (int i = 0; i < j->d.p.graph->values.n; i++)
        j->index[i] = -1;
    if (!o->nodes)
        vn_debug_items(&j->d.p, VN_DEBUG_ACTIVATION, add_value, j);
    for (int i = 0; o->nodes && i < o->n_nodes; i++) {
        struct debug_item item;
        TRY(vn_debug_find(&item, &j->d, o->nodes[i], e));
        if (item.kind != VN_DEBUG_ACTIVATION)
            return vn_fail(e, VN_E_USAGE, "%s: expected calibration nodes of activations, got %s", o->model,
                           o->nodes[i]);
        add_value(j, item);
    }
    return j->values.n ? VN_OK
                       : vn_fail(e, VN_E_USAGE, "%s: no activation is quantized: expected a calibrated model",
                                 o->model);
}

static void make_sums(struct split_job *j)
{
    j->of = NEW_ARRAY(j->d.arena, struct split_sums, (size_t)j->values.n * (size_t)j->d.samples.n);
    j->step = NEW_ARRAY(j->d.arena, float, j->values.n);
    for (int i = 0; i < j->values.n; i++)
        for (int k = 0; k < j->d.samples.n; k++)
            sums_of(j, i, k)->shift =
                NEW_ARRAY(j->d.arena, double, channels_of(j->d.p.graph->values.v[j->values.v[i]]));
}

/* ---- ranges of float ---- */

static void add_range(struct split_sums *s, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        s->lo = x[i] < s->lo ? x[i] : s->lo;
        s->hi = x[i] > s->hi ? x[i] : s->hi;
    }
}

static void look_at_range(void *ctx, int value)
{
    const struct split_part *part = ctx;
    const int tensor = part->j->d.p.tensor[value], at = part->j->index[value];
    struct vn_view v;
    if (at < 0)
        return;
    vn_model_tensor(vn_session_model(part->t->w.clean), tensor, &v);
    if (v.dtype == VN_F32)
        add_range(sums_of(part->j, at, part->sample), vn_session_memory(part->t->w.clean, tensor),
                  vn_view_count(&v));
}

/* The step that the range of all samples requires with the same zero point. */
static void choose_step(struct split_job *j, int tensor)
{
    const struct qparam *q = j->d.p.q[j->values.v[tensor]];
    double lo = 0, hi = 0;
    for (int i = 0; i < j->d.samples.n; i++) {
        lo = fmin(lo, sums_of(j, tensor, i)->lo);
        hi = fmax(hi, sums_of(j, tensor, i)->hi);
    }
    const double above = vn_q_max(q) - q->zero[0], below = vn_q_min(q) - q->zero[0];
    const double step = fmax(above > 0 ? hi / above : 0, below < 0 ? lo / below : 0);
    j->step[tensor] = step > 0 && step < (double)q->scale[0] ? (float)step : q->scale[0];
}

/* ---- the parts ---- */

static double square(double x) { return x * x; }

static void add_element(struct split_sums *s, const struct qparam *q, float step, float x, float raw)
{
    const float scale = q->scale[0];
    const int32_t zero = q->zero[0], lo = vn_q_min(q), hi = vn_q_max(q);
    const double whole = rint((double)(x / scale)) + zero, kept = fmin(fmax(whole, lo), hi);
    const float rounded = vn_dequantize(vn_quantize(raw, scale, zero, lo, hi), scale, zero);
    s->signal += square(x);
    s->total += square((double)rounded - x);
    s->before += square((double)raw - x);
    s->own += square((kept - zero) * scale - x);
    s->unclipped += square((whole - zero) * scale - x);
    s->narrow += square(rint((double)(x / step)) * step - x);
    s->clipped += whole != kept;
    s->n++;
}

static void add_tensor(struct split_sums *s, const struct qparam *q, float step, const struct vn_view *v,
                       int axis, const float *x, const float *raw)
{
    const int64_t n = vn_view_count(v), apart = v->rank ? v->stride[axis] : 1,
                  channels = v->rank && v->shape[axis] > 0 ? v->shape[axis] : 1;
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(x[i]) || !isfinite(raw[i]))
            continue;
        add_element(s, q, step, x[i], raw[i]);
        s->shift[i / apart % channels] += (double)raw[i] - x[i];
    }
}

static void look_at_error(void *ctx, int value)
{
    const struct split_part *part = ctx;
    const struct probe *p = &part->j->d.p;
    const int tensor = p->tensor[value], at = part->j->index[value];
    struct vn_view v;
    if (at < 0)
        return;
    vn_model_tensor(vn_session_model(part->t->w.clean), tensor, &v);
    if (v.dtype == VN_F32)
        add_tensor(sums_of(part->j, at, part->sample), p->q[value], part->j->step[at], &v,
                   channel_axis(p->graph->values.v[value]), vn_session_memory(part->t->w.clean, tensor),
                   vn_session_memory(part->t->w.changed, tensor));
}

/* ---- runs ---- */

/* Everything is quantized; `seen` looks at each tensor in front of its own rounding. */
static int run_sample(struct split_job *j, int worker, int sample, probe_seen *seen, struct vn_err *e)
{
    struct debug_thread *t = &j->d.thread[worker];
    struct split_part part = { j, t, sample };
    vn_debug_set_all(&j->d.p, &t->plan, VN_DEBUG_WEIGHT);
    vn_debug_set_all(&j->d.p, &t->plan, VN_DEBUG_ACTIVATION);
    t->w.seen = seen;
    t->w.user = &part;
    TRY(vn_probe_feed(&t->w, &j->d.samples.file[sample * j->d.samples.inputs], j->d.samples.inputs, e));
    vn_probe_pair_begin(&t->w, &t->plan);
    for (int i = 0; i < j->d.p.n; i++)
        TRY(vn_probe_pair_step(&t->w, i, e));
    return VN_OK;
}

static int run_ranges(void *ctx, int worker, int sample, struct vn_err *e)
{
    return run_sample(ctx, worker, sample, look_at_range, e);
}

static int run_errors(void *ctx, int worker, int sample, struct vn_err *e)
{
    struct split_job *j = ctx;
    if (!worker)
        vn_progress(&j->d.o->listener, "errors of tensors", sample + 1, j->d.samples.n);
    return run_sample(j, worker, sample, look_at_error, e);
}

/* ---- rows ---- */

/* What the means of the channels carry of the error in front of the tensor's own rounding. */
static double bias_of(struct split_job *j, int tensor, int64_t n)
{
    const int64_t channels = channels_of(j->d.p.graph->values.v[j->values.v[tensor]]);
    double sum = 0;
    for (int64_t c = 0; c < channels; c++) {
        double shift = 0;
        for (int i = 0; i < j->d.samples.n; i++)
            shift += sums_of(j, tensor, i)->shift[c];
        sum += n ? shift * shift * (double)channels / (double)n : 0;
    }
    return sum;
}

static struct split_sums all_samples(struct split_job *j, int tensor)
{
    struct split_sums all = { 0 };
    for (int i = 0; i < j->d.samples.n; i++) {
        const struct split_sums *s = sums_of(j, tensor, i);
        all.lo = fmin(all.lo, s->lo);
        all.hi = fmax(all.hi, s->hi);
        all.signal += s->signal;
        all.total += s->total;
        all.before += s->before;
        all.own += s->own;
        all.unclipped += s->unclipped;
        all.narrow += s->narrow;
        all.n += s->n;
        all.clipped += s->clipped;
    }
    return all;
}

static struct vn_tensor_error row_of(struct split_job *j, int tensor, struct vn_arena *a)
{
    const int value = j->values.v[tensor];
    const struct qparam *q = j->d.p.q[value];
    const struct split_sums s = all_samples(j, tensor);
    const double n = s.n ? (double)s.n : 1, bias = fmin(bias_of(j, tensor, s.n), s.before);
    struct vn_tensor_error r = { .lo = s.lo, .hi = s.hi, .bits = q->dtype == VN_I16 ? 16 : 8 };
    r.name = vn_debug_item_name(&j->d.p, (struct debug_item){ VN_DEBUG_ACTIVATION, value }, a);
    r.kept_lo = (vn_q_min(q) - q->zero[0]) * (double)q->scale[0];
    r.kept_hi = (vn_q_max(q) - q->zero[0]) * (double)q->scale[0];
    r.bits_lost = log2((double)q->scale[0] / (double)j->step[tensor]);
    r.clipped = (double)s.clipped / n;
    r.sqnr = s.total > 0 ? 10 * log10(s.signal / s.total) : INFINITY;
    r.total = s.total / n;
    r.part[VN_ERROR_CLIPPING] = (s.own - s.unclipped) / n;
    r.part[VN_ERROR_ROUNDING] = fmin(s.narrow, s.unclipped) / n;
    r.part[VN_ERROR_RANGE] = fmax(s.unclipped - s.narrow, 0) / n;
    r.part[VN_ERROR_BIAS] = bias / n;
    r.part[VN_ERROR_INHERITED] = (s.before - bias) / n;
    return r;
}

static int by_sqnr(const void *x, const void *y)
{
    const struct vn_tensor_error *a = x, *b = y;
    return a->sqnr != b->sqnr ? (a->sqnr > b->sqnr) - (a->sqnr < b->sqnr) : strcmp(a->name, b->name);
}

static int measure_all(void *result, const void *request, struct vn_arena *work, struct vn_err *e)
{
    struct vn_error_split *r = result;
    const struct vn_debug_options *o = request;
    struct split_job *j = NEW(work, struct split_job);
    TRY(vn_debug_job_open(&j->d, work, o, e));
    TRY(list_tensors(j, e));
    TRY(vn_debug_job_threads(&j->d, e));
    make_sums(j);
    TRY(vn_share(j->d.samples.n, j->d.threads, run_ranges, j, e));
    for (int i = 0; i < j->values.n; i++)
        choose_step(j, i);
    TRY(vn_share(j->d.samples.n, j->d.threads, run_errors, j, e));
    r->samples = j->d.samples.n;
    for (int i = 0; i < j->values.n; i++) {
        const struct vn_tensor_error row = row_of(j, i, r->arena);
        VEC_PUSH(r->arena, &r->rows, row);
    }
    qsort(r->rows.v, (size_t)r->rows.n, sizeof *r->rows.v, by_sqnr);
    return VN_OK;
}

int vn_debug_tensors(struct vn_error_split **r, const struct vn_debug_options *o, struct vn_err *e)
{
    void *made;
    const int status = vn_debug_result(&made, sizeof **r, measure_all, o, e);
    *r = made;
    return status;
}

void vn_error_split_free(struct vn_error_split **r)
{
    if (!r)
        return;
    vn_debug_result_free(*r);
    *r = NULL;
}

const struct vn_tensor_error *vn_error_split_rows(const struct vn_error_split *r, int *n)
{
    *n = r->rows.n;
    return r->rows.v;
}

int vn_error_split_samples(const struct vn_error_split *r) { return r->samples; }
