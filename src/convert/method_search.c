/* Quantization with one method, and the search for the best one. */
#include "convert/method_choice.h"
#include "convert/stages.h"

/* ---- the search ---- */

enum { MOST_TRIALS = CONFIG_MOST_COMBINATIONS };

struct method_search {
    struct vn_conversion *c;
    struct vn_arena *arena;
    struct held_samples *held;
    struct method_trial trial[MOST_TRIALS];
    int n, round; /* trials; the first of this round */
};

static int is_tried(const struct method_search *s, const struct vn_quant_method *m)
{
    for (int i = 0; i < s->n; i++) {
        const struct vn_quant_method *x = &s->trial[i].method;
        if (x->calibrator == m->calibrator && x->parameter == m->parameter &&
            x->zero_points == m->zero_points && x->bias_correction == m->bias_correction &&
            x->per_channel == m->per_channel && x->bottlenecks == m->bottlenecks && x->mix == m->mix)
            return 1;
    }
    return 0;
}

static void add_trial(struct method_search *s, struct vn_quant_method m)
{
    if (s->n == MOST_TRIALS || is_tried(s, &m))
        return;
    s->trial[s->n++] = (struct method_trial){ .method = m,
                                              .score = NEW_ARRAY(s->arena, struct held_score, s->held->n),
                                              .done = vn_arena_alloc(s->arena, (size_t)s->held->n) };
}

static int run_trial(struct method_search *s, struct method_trial *t, const struct vn_ranges *r, int fold,
                     struct vn_err *e)
{
    struct vn_arena *work = vn_arena_new();
    struct graph *calibrated, *quantized;
    int status = vn_convert_quantize(s->c, work, &t->method, r, &calibrated, &quantized, e);
    if (status == VN_OK)
        status = vn_held_score(t->score, s->held, quantized, fold, &s->c->run, e);
    for (int i = 0; status == VN_OK && i < s->held->n; i++)
        t->done[i] |= s->held->of[i].fold == fold;
    vn_arena_free(&work);
    return status;
}

/* Ranges from all folds but this one; a single sample judges what it was collected from. */
static int run_fold(struct method_search *s, struct vn_arena *work, int fold, struct vn_err *e)
{
    const struct vn_conversion *c = s->c;
    struct vn_ranges *plain, *scaled = NULL;
    const int without = s->held->folds > 1 ? fold : -1;
    TRY(vn_folds_join(&plain, work, c->optimized, &c->folds, without, e));
    if (c->scaled.graph)
        TRY(vn_folds_join(&scaled, work, c->scaled.graph, &c->scaled.folds, without, e));
    for (int i = s->round; i < s->n; i++) {
        struct method_trial *t = &s->trial[i];
        if (!t->dropped)
            TRY(run_trial(s, t, t->method.per_channel && scaled ? scaled : plain, fold, e));
    }
    return VN_OK;
}

static int run_round(struct method_search *s, struct vn_err *e)
{
    for (int fold = 0; fold < s->held->folds; fold++) {
        struct vn_arena *work = vn_arena_new();
        const int status = run_fold(s, work, fold, e);
        vn_arena_free(&work);
        TRY(status);
        vn_trials_drop(s->trial, s->n, s->held->n);
        vn_progress(&s->c->listener, "methods", fold + 1, s->held->folds);
    }
    s->round = s->n;
    return VN_OK;
}

static const struct vn_quant_method *best(const struct method_search *s)
{
    return &s->trial[vn_trials_choose(s->trial, s->n, s->held->n)].method;
}

/* The other zero points, the other choice of bias correction, both; what the configuration fixes stays. */
static void add_variants(struct method_search *s, struct vn_quant_method m)
{
    const struct config *c = s->c->config;
    const enum zero_points zp[] = { m.zero_points, c->asymmetric ? m.zero_points : ZERO_POINTS_ASYMMETRIC,
                                    s->c->target.zero_points };
    for (int i = 0; i < (c->asymmetric ? 1 : 3); i++)
        for (int correct = c->bias_correction; correct <= 1; correct++) {
            m.zero_points = zp[i];
            m.bias_correction = correct;
            add_trial(s, m);
        }
}

static const struct {
    const char *calibrator;
    double parameter;
} calibrators[] = {
    { "max-percentile", 0.99999 },
    { "max-percentile", 0.99995 },
    { "max-percentile", 0.9999 },
    { "max-percentile", 0.9998 },
    { "mse", 1 },
    { "kl", 1 },
};

static void add_calibrators(struct method_search *s, struct vn_quant_method m)
{
    for (size_t i = 0; i < sizeof calibrators / sizeof *calibrators; i++) {
        m.calibrator = vn_calibrator_find(calibrators[i].calibrator);
        m.parameter = calibrators[i].parameter;
        add_trial(s, m);
    }
}

const char *vn_convert_percentiles(struct vn_arena *a)
{
    const char *text = "[";
    for (size_t i = 0; i < sizeof calibrators / sizeof *calibrators; i++)
        if (calibrators[i].parameter < 1)
            text = vn_arena_fmt(a, "%s%.10g, ", text, calibrators[i].parameter);
    return vn_arena_fmt(a, "%s1.0]", text);
}

static int is_enough(const struct method_search *s)
{
    const struct trial_summary t =
        vn_trial_summary(&s->trial[vn_trials_choose(s->trial, s->n, s->held->n)], s->held->n);
    return t.agreement == 1 && t.worst >= ENOUGH_SQNR;
}

void vn_convert_print_trials(const struct vn_conversion *c, const struct method_trial *t, int n, int samples,
                             int chosen)
{
    struct vn_arena *a = vn_arena_new();
    INFO(c, "  %-52s %9s %9s %10s %7s", "method", "SQNR dB", "worst", "agreement", "samples");
    for (int i = 0; i < n; i++) {
        const struct trial_summary s = vn_trial_summary(&t[i], samples);
        INFO(c, "%s %-52s %9.3f %9.3f %9.3f%% %7d", i == chosen ? "*" : " ",
             vn_quant_method_text(&t[i].method, a), s.sqnr, s.worst, 100 * s.agreement, s.samples);
    }
    vn_arena_free(&a);
}

static int run_mix(struct method_search *s, struct vn_err *e)
{
    struct vn_quant_method m;
    TRY(vn_convert_mix(&m, s->c, e));
    add_trial(s, m);
    for (int i = 0; i < vn_convert_mixed_count(); i++)
        add_trial(s, vn_convert_mixed(s->c, i));
    return run_round(s, e);
}

/* ---- bottlenecks (quant/bottlenecks.h) ---- */

#define LEAST_GAIN 3.0 /* dB, half the error: int16 costs time */

static int count_wide(int *n, const struct method_search *s, const struct vn_quant_method *m,
                      struct vn_err *e)
{
    struct vn_arena *work = vn_arena_new();
    struct graph *calibrated, *quantized;
    const struct vn_conversion *c = s->c;
    const struct vn_ranges *r = m->per_channel && c->scaled.graph ? c->scaled.ranges : c->ranges;
    const int status = vn_convert_quantize(c, work, m, r, &calibrated, &quantized, e);
    *n = 0;
    for (int i = 0; status == VN_OK && i < calibrated->values.n; i++) {
        const struct value *v = calibrated->values.v[i];
        *n += v->q && !v->data && v->q->dtype == VN_I16;
    }
    vn_arena_free(&work);
    return status;
}

/* The best method once more, with bottlenecks in int16. */
static int run_bottlenecks(struct method_search *s, struct vn_err *e)
{
    const int plain = vn_trials_choose(s->trial, s->n, s->held->n);
    struct vn_quant_method m = s->trial[plain].method;
    int before, after;
    TRY(count_wide(&before, s, &m, e));
    m.bottlenecks = 1;
    TRY(count_wide(&after, s, &m, e));
    if (after == before || s->n == MOST_TRIALS)
        return VN_OK;
    add_trial(s, m);
    TRY(run_round(s, e));
    struct method_trial *t = &s->trial[s->n - 1];
    const double gain =
        vn_trial_summary(t, s->held->n).sqnr - vn_trial_summary(&s->trial[plain], s->held->n).sqnr;
    const int kept = !t->dropped && gain >= LEAST_GAIN && vn_trial_helps(t, &s->trial[plain], s->held->n);
    if (!kept) { /* what it has beaten may count again */
        t->dropped = 1;
        s->trial[plain].dropped = 0;
    }
    INFO(s->c, "%d tensors in int16 beside int8 ones gain %.1f dB on held-out samples: %s.", after - before,
         gain, kept ? "kept" : "not kept");
    return VN_OK;
}

/* ---- by default ---- */

static int run_default(struct method_search *s, struct vn_err *e)
{
    add_variants(s, vn_convert_method(s->c, "max", 1));
    TRY(run_round(s, e));
    if (is_enough(s) || s->c->config->effort == EFFORT_FAST)
        return VN_OK;
    if (s->c->config->bottlenecks == REFINE_AUTO)
        TRY(run_bottlenecks(s, e));
    add_calibrators(s, *best(s));
    TRY(run_round(s, e));
    add_variants(s, *best(s));
    return run_round(s, e);
}

/* ---- lists of quant_config ---- */

/* Combination i: which value of each list; keys without a list keep what the configuration says. */
static struct vn_quant_method combination(const struct vn_conversion *c, int i)
{
    const struct config *g = c->config;
    double v[SEARCH_KEYS] = { [SEARCH_TYPE] = g->calibration_type,
                              [SEARCH_PERCENTILE] = g->max_percentile,
                              [SEARCH_PER_CHANNEL] = g->per_channel,
                              [SEARCH_ASYMMETRIC] = g->asymmetric,
                              [SEARCH_BIAS_CORRECTION] = g->bias_correction };
    for (int k = 0; k < SEARCH_KEYS; k++)
        if (g->search[k].n) {
            v[k] = g->search[k].v[i % g->search[k].n];
            i /= g->search[k].n;
        }
    const double p = v[SEARCH_PERCENTILE];
    const int type = (int)v[SEARCH_TYPE], max = type != CALIBRATION_KL && type != CALIBRATION_MSE;
    const char *name = max ? (p < 1 ? "max-percentile" : "max") : type == CALIBRATION_KL ? "kl" : "mse";
    struct vn_quant_method m = vn_convert_method(c, name, max ? p : 1);
    m.per_channel = v[SEARCH_PER_CHANNEL] != 0;
    m.zero_points = v[SEARCH_ASYMMETRIC] != 0 ? ZERO_POINTS_ASYMMETRIC : c->target.zero_points;
    m.bias_correction = v[SEARCH_BIAS_CORRECTION] != 0;
    return m;
}

static int run_lists(struct method_search *s, struct vn_err *e)
{
    for (int i = 0; i < s->c->config->combinations; i++)
        add_trial(s, combination(s->c, i));
    return run_round(s, e);
}

typedef int run_fn(struct method_search *s, struct vn_err *e);

static run_fn *what_to_run(const struct config *c)
{
    return c->combinations > 1 ? run_lists : c->calibration_type == CALIBRATION_MIX ? run_mix : run_default;
}

static int search(struct method_search *s, struct vn_err *e)
{
    TRY(vn_held_samples(&s->held, s->arena, s->c, e));
    INFO(s->c, "Scores of %d samples in %d folds: ranges of a fold's samples come from the other folds.",
         s->held->n, s->held->folds);
    TRY(what_to_run(s->c->config)(s, e));
    vn_convert_print_trials(s->c, s->trial, s->n, s->held->n, vn_trials_choose(s->trial, s->n, s->held->n));
    s->c->method = *best(s);
    return vn_convert_judge_samples(s->c, s->held, e);
}

int vn_convert_search(struct vn_conversion *c, struct vn_err *e)
{
    struct method_search s = { .c = c, .arena = vn_arena_new() };
    INFO(c, "Run calibration model with modelwise search method.");
    const int status = search(&s, e);
    vn_arena_free(&s.arena);
    return status;
}
