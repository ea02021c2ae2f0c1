/* Samples that ranges do not come from, and how far from float's outputs a network's lie on them. */
#include <math.h>

#include "tune/tuner.h"

#define MOST_SAMPLES 50
#define LEAST_TO_SPLIT 8 /* samples: with fewer, ranges and scores have the same */
#define CLOSE 0.01 /* margins below a tenth of their root mean square count as that */

/* ---- decisions ---- */

/* One line of classes: the first largest, and the second. */
struct decision {
    int64_t top;
    double margin;
};

static struct decision decide(const float *x, int64_t n, int64_t step)
{
    int64_t top = 0;
    double second = -INFINITY;
    for (int64_t c = 1; c < n; c++)
        if (x[c * step] > x[top * step])
            top = c;
    for (int64_t c = 0; c < n; c++)
        if (c != top)
            second = fmax(second, x[c * step]);
    return (struct decision){ top, x[top * step] - second };
}

typedef void line_fn(void *ctx, const struct output_numbers *x, int64_t at);

static void each_line(const struct output_numbers *x, line_fn *fn, void *ctx)
{
    const int64_t block = x->classes * x->step;
    for (int64_t at = 0; x->classes > 1 && at + block <= x->n; at += block)
        for (int64_t i = 0; i < x->step; i++)
            fn(ctx, x, at + i);
}

struct margins {
    double sum, n;
};

static void add_margin(void *ctx, const struct output_numbers *x, int64_t at)
{
    struct margins *m = ctx;
    const double margin = decide(&x->x[at], x->classes, x->step).margin;
    if (isfinite(margin)) {
        m->sum += margin * margin;
        m->n++;
    }
}

struct judged_lines {
    struct output_loss *loss;
    const struct output_numbers *changed;
    double floor;
};

static void judge_line(void *ctx, const struct output_numbers *x, int64_t at)
{
    const struct judged_lines *j = ctx;
    const struct decision d = decide(&x->x[at], x->classes, x->step);
    const float *a = &x->x[at], *b = &j->changed->x[at];
    const double top = (double)b[d.top * x->step] - a[d.top * x->step];
    double risk = 0;
    for (int64_t c = 0; c < x->classes; c++) {
        const double margin = (double)a[d.top * x->step] - a[c * x->step],
                     off = top - ((double)b[c * x->step] - a[c * x->step]);
        if (c != d.top && isfinite(margin) && isfinite(off) && margin * margin + j->floor > 0)
            risk += off * off / (margin * margin + j->floor);
    }
    j->loss->risk += risk;
    j->loss->decisions++;
    j->loss->agreed += decide(b, x->classes, x->step).top == d.top;
}

/* ---- losses ---- */

static void add_output(struct output_loss *to, const struct output_numbers *x, const struct output_numbers *y,
                       double floor)
{
    for (int64_t i = 0; i < x->n; i++) {
        const double a = x->x[i], off = i < y->n ? a - y->x[i] : a;
        if (!isfinite(a) || !isfinite(off))
            continue;
        to->signal += a * a;
        to->noise += off * off;
    }
    if (x->n == y->n)
        each_line(x, judge_line, &(struct judged_lines){ to, y, floor });
}

static int add_outputs(struct output_loss *of, struct vn_arena *a, const struct tuner *t,
                       const struct vn_session *s, int sample, struct vn_err *e)
{
    struct output_numbers y = { 0 };
    struct found_boxes *boxes;
    for (int k = 0; k < t->held.outputs; k++) {
        TRY(vn_output_numbers(&y, a, s, t->held.judged.index[k], t->o->decision_axis, e));
        add_output(&of[k], &t->held.reference[sample * t->held.outputs + k], &y, t->held.floor[k]);
    }
    if (!t->held.boxes)
        return VN_OK;
    TRY(vn_tune_find_boxes(&boxes, a, t, s, e));
    vn_tune_compare_boxes(&of[t->held.outputs], t, t->held.truth[sample], boxes);
    return VN_OK;
}

int vn_tune_add_loss(struct output_loss *of, const struct tuner *t, const struct vn_session *s, int sample,
                     struct vn_err *e)
{
    struct vn_arena *work = vn_arena_new();
    const int status = add_outputs(of, work, t, s, sample, e);
    vn_arena_free(&work);
    return status;
}

/* The mean of noise and risk of outputs; where there are boxes, half of it and half of theirs. Parts that the
 * base does not lose do not count. */
double vn_tune_loss(const struct tuner *t, const struct output_loss *of)
{
    double sum = 0;
    int n = 0;
    for (int k = 0; k < t->held.outputs; k++) {
        const struct output_loss *base = &t->held.base[k];
        if (base->noise > 0) {
            sum += of[k].noise / base->noise;
            n++;
        }
        if (base->risk > 0) {
            sum += of[k].risk / base->risk;
            n++;
        }
    }
    const double all = n ? sum / n : 0;
    const int boxes = t->held.outputs;
    return t->held.boxes && t->held.base[boxes].risk > 0
               ? (all + of[boxes].risk / t->held.base[boxes].risk) / 2
               : all;
}

/* ---- samples ---- */

/* The i-th sample that is scored. */
static int sample_index(const struct tuner *t, int i)
{
    const struct held_out *h = &t->held;
    const int all = vn_samples_count(t->c->samples), of = h->range_samples ? all / 2 : all;
    const int place = (int)((int64_t)i * of / h->n);
    return h->range_samples ? 2 * place + 1 : place;
}

static int read_sample(struct tuner *t, struct vn_session *s, int i, struct vn_err *e)
{
    struct held_out *h = &t->held;
    float **x = &h->input[i * h->inputs];
    TRY(vn_samples_load(t->c->samples, sample_index(t, i), t->arena, x, e));
    TRY(vn_session_feed_values(s, x, e));
    TRY(vn_session_run(s, e));
    for (int k = 0; k < h->outputs; k++)
        TRY(vn_output_numbers(&h->reference[i * h->outputs + k], t->arena, s, h->judged.index[k],
                              t->o->decision_axis, e));
    return h->boxes ? vn_tune_find_boxes(&h->truth[i], t->arena, t, s, e) : VN_OK;
}

static double floor_of(const struct held_out *h, int output)
{
    struct margins m = { 0 };
    for (int i = 0; i < h->n; i++)
        each_line(&h->reference[i * h->outputs + output], add_margin, &m);
    return m.n > 0 ? CLOSE * m.sum / m.n : 0;
}

static void plan_samples(struct tuner *t)
{
    struct held_out *h = &t->held;
    const int most = t->o->samples ? t->o->samples : MOST_SAMPLES;
    const int scored =
        h->range_samples ? vn_samples_count(t->c->samples) / 2 : vn_samples_count(t->c->samples);
    h->n = scored < most ? scored : most;
    h->inputs = t->p.graph->inputs.n;
    h->outputs = h->judged.n;
    h->losses = h->outputs + (h->boxes != NULL);
    h->truth = NEW_ARRAY(t->arena, struct found_boxes *, h->n);
    h->input = NEW_ARRAY(t->arena, float *, (size_t)h->n *(size_t)h->inputs);
    h->reference = NEW_ARRAY(t->arena, struct output_numbers, (size_t)h->n * (size_t)h->outputs);
    h->floor = NEW_ARRAY(t->arena, double, h->outputs);
    h->base = NEW_ARRAY(t->arena, struct output_loss, h->losses);
}

/* Outputs that decide nothing, and whether any decides. */
static int tell_decisions(struct tuner *t, struct vn_err *e)
{
    const struct vn_session *s = t->p.floats;
    int outputs, decide = t->held.boxes != NULL;
    const struct vn_port *ports = vn_session_outputs(s, &outputs);
    for (int k = 0; k < t->held.outputs; k++) {
        const struct vn_port *p = &ports[t->held.judged.index[k]];
        const int axis = vn_session_class_axis(s, p->value);
        if (axis == VN_CLASSES_MIXED && t->o->decision_axis < 0 && !t->held.boxes)
            vn_say(&t->listener, VN_LOG_INFO,
                   "%s: concatenates results of several nodes along its class axis: it has no decisions, "
                   "only its noise counts; set a task with form to judge boxes",
                   p->name);
        decide |= t->held.reference[k].classes > 1;
    }
    if (decide || !(t->o->max_drop > 0) || t->is_scored)
        return VN_OK;
    return vn_fail(e, VN_E_USAGE,
                   "%s: no output has decisions that max_drop could limit: set a task, or another limit",
                   t->o->config);
}

int vn_tune_hold_out(struct tuner *t, struct vn_err *e)
{
    struct vn_session **s = vn_session_slot(t->arena);
    TRY(vn_judged_outputs(&t->held.judged, t->arena, &t->p, NULL, 0, t->o->decision_axis, e));
    plan_samples(t);
    TRY(vn_session_share(s, t->p.floats, &t->o->run, e));
    for (int i = 0; i < t->held.n; i++) {
        TRY(read_sample(t, *s, i, e));
        vn_progress(&t->listener, "float outputs", i + 1, t->held.n);
    }
    for (int k = 0; k < t->held.outputs; k++)
        t->held.floor[k] = floor_of(&t->held, k);
    return tell_decisions(t, e);
}

struct vn_shard vn_tune_split_samples(struct tuner *t)
{
    const int all = vn_samples_count(t->c->samples);
    if (all < LEAST_TO_SPLIT)
        return (struct vn_shard){ 0 };
    t->held.range_samples = all - all / 2;
    return (struct vn_shard){ 0, 2 };
}
