/* Plans: chosen by prediction, built, measured; limits and predictions are corrected by what was measured. */
#include <math.h>
#include <time.h>

#include "tune/tuner.h"

enum { DEFAULT_PLANS = 16, CORRECTIONS = 5, BISECTIONS = 6, SEARCH_END = 1 };

double vn_tune_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- one plan ---- */

static char *digits(struct vn_arena *a, const unsigned char *type, int n)
{
    char *s = vn_arena_alloc(a, (size_t)n + 1);
    for (int i = 0; i < n; i++)
        s[i] = (char)('0' + type[i]);
    return s;
}

static int measure_losses(struct output_loss *of, const struct tuner *t, struct vn_session *s,
                          struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    int status = VN_OK;
    for (int i = 0; i < t->held.n && status == VN_OK; i++) {
        status = vn_session_feed_values(s, &t->held.input[i * t->held.inputs], e);
        if (status == VN_OK)
            status = vn_session_run(s, e);
        if (status == VN_OK)
            status = vn_tune_add_loss(of, t, a, s, i, e);
    }
    vn_arena_free(&a);
    return status;
}

static json_t *losses_json(const struct output_loss *of, int n)
{
    json_t *list = json_array();
    for (int k = 0; k < n; k++)
        json_array_append_new(list, json_pack("[f,f,f,f,f]", of[k].signal, of[k].noise, of[k].risk,
                                              of[k].decisions, of[k].agreed));
    return list;
}

static void losses_from(struct output_loss *of, int n, const json_t *list)
{
    for (int k = 0; k < n; k++) {
        const json_t *x = json_array_get(list, (size_t)k);
        of[k] = (struct output_loss){ json_number_value(json_array_get(x, 0)),
                                      json_number_value(json_array_get(x, 1)),
                                      json_number_value(json_array_get(x, 2)),
                                      json_number_value(json_array_get(x, 3)),
                                      json_number_value(json_array_get(x, 4)) };
    }
}

static int record_plan(struct tuner *t, struct vn_arena *a, const char *key, struct built_program *p,
                       int is_base, struct vn_err *e)
{
    struct output_loss *of = NEW_ARRAY(a, struct output_loss, t->held.outputs);
    double ratio = 1;
    TRY(measure_losses(of, t, p->s, e));
    if (!is_base)
        TRY(vn_tune_latency(&ratio, t, p->s, e));
    return vn_journal_add(t->journal, "plan", key,
                          json_pack("{s:f, s:f, s:o}", "latency", ratio, "bytes", p->bytes, "outputs",
                                    losses_json(of, t->held.outputs)),
                          e);
}

static int build_and_record(struct tuner *t, const char *key, const unsigned char *type, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    struct type_rules rules;
    struct built_program p;
    vn_tune_rules(&rules, a, t, type);
    int status = vn_tune_build(&p, t, a, rules.rules.v, rules.rules.n, e);
    if (status == VN_OK)
        status = record_plan(t, a, key, &p, 0, e);
    vn_arena_free(&a);
    return status;
}

static double worst(const struct output_loss *of, int n, double (*f)(const struct output_loss *))
{
    double least = NAN; /* of nothing; fmin leaves it out */
    for (int k = 0; k < n; k++)
        least = fmin(least, f(&of[k]));
    return least;
}

static double sqnr(const struct output_loss *x)
{
    return x->noise > 0 ? 10 * log10(x->signal / x->noise) : INFINITY;
}
static double agreement(const struct output_loss *x)
{
    return x->decisions > 0 ? x->agreed / x->decisions : NAN;
}

/* In percentage points. */
static double drop_of(const struct vn_tune_plan *r)
{
    return isnan(r->score) ? 100 * (1 - r->agreement) : -r->score;
}

static int fits(const struct tuner *t, const struct vn_tune_plan *r)
{
    const struct vn_tune_options *o = t->o;
    return (!(o->latency_ratio > 0) || r->latency <= o->latency_ratio) &&
           (!(o->size_ratio > 0) || r->size <= o->size_ratio) &&
           (!(o->max_drop > 0) || drop_of(r) <= o->max_drop);
}

static struct built plan_from(struct tuner *t, const char *key, const unsigned char *type)
{
    const json_t *record = vn_journal_find(t->journal, "plan", key);
    struct vn_arena *a = vn_arena_new();
    struct output_loss *of = NEW_ARRAY(a, struct output_loss, t->held.outputs);
    const struct prediction p = vn_tune_predict(t, type);
    losses_from(of, t->held.outputs, json_object_get(record, "outputs"));
    struct built b = { .type = vn_arena_copy(t->kept, type, (size_t)t->groups.n) };
    b.r = (struct vn_tune_plan){ .types = digits(t->kept, type, t->groups.n),
                                 .loss = vn_tune_loss(t, of),
                                 .predicted_loss = p.loss,
                                 .sqnr = worst(of, t->held.outputs, sqnr),
                                 .agreement = worst(of, t->held.outputs, agreement),
                                 .latency = json_number_value(json_object_get(record, "latency")),
                                 .predicted_latency = t->base_ns > 0 ? 1 + p.ns / t->base_ns : 1,
                                 .size = json_number_value(json_object_get(record, "bytes")) / t->base_bytes,
                                 .score = NAN,
                                 .score_low = NAN,
                                 .score_high = NAN };
    vn_arena_free(&a);
    return b;
}

/* ---- the best ---- */

static int is_better(const struct tuner *t, const struct vn_tune_plan *a, const struct vn_tune_plan *b)
{
    if (a->fits != b->fits)
        return a->fits;
    if (!(t->o->max_drop > 0))
        return a->fits && a->loss < b->loss;
    return a->fits ? a->latency < b->latency : drop_of(a) < drop_of(b);
}

static int keep_best(struct tuner *t, struct vn_err *e)
{
    const int last = t->plans.n - 1;
    if (last && !is_better(t, &t->plans.v[last].r, &t->plans.v[t->best].r))
        return VN_OK;
    t->best = last;
    return vn_tune_write_yaml(t, t->plans.v[last].type, e);
}

/* ---- within what is allowed ---- */

static int find_plan(const struct tuner *t, const unsigned char *type)
{
    for (int i = 0; i < t->plans.n; i++)
        if (!memcmp(t->plans.v[i].type, type, (size_t)t->groups.n))
            return i;
    return -1;
}

static int is_over(struct tuner *t, const char *key)
{
    const int most = t->o->plans ? t->o->plans : DEFAULT_PLANS;
    if (t->plans.n >= most)
        return 1;
    if (t->o->minutes > 0 && !vn_journal_find(t->journal, "plan", key) &&
        vn_tune_seconds() - t->started > 60 * t->o->minutes)
        t->stopped = 1;
    return t->stopped;
}

/* Its index in *at. SEARCH_END: no more plans. */
static int try_plan(int *at, struct tuner *t, const unsigned char *type, struct vn_err *e)
{
    *at = find_plan(t, type);
    if (*at >= 0)
        return VN_OK;
    const char *key = digits(t->arena, type, t->groups.n);
    if (is_over(t, key))
        return SEARCH_END;
    if (!vn_journal_find(t->journal, "plan", key))
        TRY(build_and_record(t, key, type, e));
    struct built b = plan_from(t, key, type);
    if (t->o->task && t->o->max_drop > 0)
        TRY(vn_tune_score(&b.r, t, type, e));
    b.r.fits = fits(t, &b.r);
    *at = t->plans.n;
    VEC_PUSH(t->arena, &t->plans, b);
    if (!(t->plan_seconds > 0) && *at > 0)
        t->plan_seconds = vn_tune_seconds() - t->started;
    vn_say(&t->listener, VN_LOG_INFO, "plan %d: loss %.4f (predicted %.4f), latency %.3f (%.3f), size %.3f%s",
           *at, b.r.loss, b.r.predicted_loss, b.r.latency, b.r.predicted_latency, b.r.size,
           b.r.fits ? "" : ", beyond the limits");
    return keep_best(t, e);
}

int vn_tune_base_plan(struct tuner *t, struct vn_err *e)
{
    struct built_program p;
    unsigned char *type = NEW_ARRAY(t->arena, unsigned char, t->groups.n);
    const char *key = digits(t->arena, type, t->groups.n);
    TRY(vn_tune_build(&p, t, t->arena, NULL, 0, e));
    t->base = p.s;
    t->base_bytes = p.bytes;
    if (!vn_journal_find(t->journal, "plan", key))
        TRY(record_plan(t, t->arena, key, &p, 1, e));
    losses_from(t->held.base, t->held.outputs,
                json_object_get(vn_journal_find(t->journal, "plan", key), "outputs"));
    return VN_OK;
}

/* ---- the search ---- */

/* How much more a plan takes than predicted. Beyond the limit it grows in any case, so that the next one is
 * another. */
static double correct(double factor, double real, double predicted, double limit)
{
    const double k = predicted > 0 ? fmin(fmax(real / predicted, 0.25), 4) : 1;
    return real > limit ? fmax(k, factor * 1.1) : k;
}

struct searched {
    double ns, bytes; /* limits; infinite: none */
    double time_factor, size_factor; /* measured by predicted */
};

static struct searched limits_of(const struct tuner *t)
{
    const struct vn_tune_options *o = t->o;
    return (struct searched){ o->latency_ratio > 0 ? (o->latency_ratio - 1) * t->base_ns : INFINITY,
                              o->size_ratio > 0 ? (o->size_ratio - 1) * t->base_bytes : INFINITY, 1, 1 };
}

static int try_share(int *at, struct tuner *t, const struct searched *s, double share, struct vn_err *e)
{
    unsigned char *type = NEW_ARRAY(t->arena, unsigned char, t->groups.n);
    vn_tune_choose(type, t,
                   (struct choice_limits){ share * s->ns / s->time_factor, s->bytes / s->size_factor });
    return try_plan(at, t, type, e);
}

static void learn(struct searched *s, const struct tuner *t, int at)
{
    const struct built *b = &t->plans.v[at];
    const struct prediction p = vn_tune_predict(t, b->type);
    if (isfinite(s->ns))
        s->time_factor = correct(s->time_factor, (b->r.latency - 1) * t->base_ns, p.ns, s->ns);
    if (isfinite(s->bytes))
        s->size_factor = correct(s->size_factor, (b->r.size - 1) * t->base_bytes, p.bytes, s->bytes);
}

/* The choice under the limits, which are corrected until it does not change. */
static int choose(struct tuner *t, struct searched *s, struct vn_err *e)
{
    for (int i = 0, last = -1, at; i < CORRECTIONS; i++, last = at) {
        const int status = try_share(&at, t, s, 1, e);
        if (status != VN_OK || at == last)
            return status;
        if (!at && !isfinite(s->ns) && !isfinite(s->bytes))
            return VN_OK;
        learn(s, t, at);
    }
    return VN_OK;
}

/* What all groups may cost. */
static double dearest(const struct tuner *t)
{
    double all = 0;
    for (int i = 0; i < t->groups.n; i++) {
        double most = 0;
        for (int k = 1; k < VN_TUNE_TYPES; k++)
            if (t->groups.v[i].allowed >> k & 1)
                most = fmax(most, t->groups.v[i].ns[k]);
        all += most;
    }
    return all;
}

/* The fastest that loses little enough. */
static int bisect(struct tuner *t, const struct searched *s, struct vn_err *e)
{
    double lo = 0, hi = 1;
    for (int i = 0; i < BISECTIONS; i++) {
        const double middle = (lo + hi) / 2;
        int at;
        const int status = try_share(&at, t, s, middle, e);
        if (status != VN_OK)
            return status;
        *(t->plans.v[at].r.fits ? &hi : &lo) = middle;
    }
    return VN_OK;
}

/* Cheaper plans, and what more would buy: for the table, and for the fit of predictions. */
static int fill_front(struct tuner *t, const struct searched *s, struct vn_err *e)
{
    static const struct {
        double of_limit, of_all;
    } shares[] = { { 0.5, 0 }, { 0, 0.125 }, { 0, 0.25 }, { 0, 0.5 }, { 0, 1 } };
    const double all = dearest(t);
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        const struct searched wide = { shares[i].of_limit > 0 ? s->ns : all, INFINITY, s->time_factor, 1 };
        int at;
        const int status = try_share(&at, t, shares[i].of_limit > 0 ? s : &wide,
                                     shares[i].of_limit + shares[i].of_all * s->time_factor, e);
        if (status != VN_OK)
            return status;
    }
    return VN_OK;
}

/* ---- improving by measuring ---- */

struct move {
    int group, type; /* that changes */
    int other, other_type; /* a second one that pays for it; -1: none */
    double value; /* predicted: the larger, the sooner */
};

/* A first order: how much better, in predicted loss or, where a drop is allowed, in time. */
static double value_of(const struct tuner *t, const unsigned char *type, const struct searched *s)
{
    const struct prediction p = vn_tune_predict(t, type);
    const double time = s->time_factor * p.ns, size = s->size_factor * p.bytes;
    if (time > 1.02 * s->ns + 0.002 * t->base_ns || size > 1.02 * s->bytes + 1)
        return -INFINITY;
    return t->o->max_drop > 0 ? -time / t->base_ns - p.loss / 16 : -vn_tune_objective(t, p);
}

static void consider(struct move *best, const struct tuner *t, unsigned char *type, struct move m,
                     const struct searched *s)
{
    const unsigned char before = type[m.group], other = m.other < 0 ? 0 : type[m.other];
    type[m.group] = (unsigned char)m.type;
    if (m.other >= 0)
        type[m.other] = (unsigned char)m.other_type;
    m.value = find_plan(t, type) >= 0 ? -INFINITY : value_of(t, type, s);
    if (m.value > best->value)
        *best = m;
    if (m.other >= 0)
        type[m.other] = other;
    type[m.group] = before;
}

static struct move best_move(const struct tuner *t, unsigned char *type, const struct searched *s)
{
    struct move best = { .value = -INFINITY };
    for (int i = 0; i < t->groups.n; i++)
        for (int k = 0; k < VN_TUNE_TYPES; k++) {
            if (k == type[i] || !(t->groups.v[i].allowed >> k & 1))
                continue;
            consider(&best, t, type, (struct move){ i, k, -1, 0, 0 }, s);
            for (int j = 0; j < t->groups.n; j++)
                for (int l = 0; l < type[j] && j != i; l++)
                    if (t->groups.v[j].allowed >> l & 1)
                        consider(&best, t, type, (struct move){ i, k, j, l, 0 }, s);
        }
    return best;
}

/* The best plan with one group changed, or two exchanged: what the prediction likes most of those that were
 * not measured. */
static int improve(struct tuner *t, const struct searched *s, struct vn_err *e)
{
    for (;;) {
        unsigned char *type = vn_arena_copy(t->arena, t->plans.v[t->best].type, (size_t)t->groups.n);
        const struct move m = best_move(t, type, s);
        int at;
        if (!isfinite(m.value))
            return VN_OK;
        type[m.group] = (unsigned char)m.type;
        if (m.other >= 0)
            type[m.other] = (unsigned char)m.other_type;
        const int status = try_plan(&at, t, type, e);
        if (status != VN_OK)
            return status;
    }
}

static int search(struct tuner *t, struct vn_err *e)
{
    struct searched s = limits_of(t);
    unsigned char *type = NEW_ARRAY(t->arena, unsigned char, t->groups.n);
    int at, status = try_plan(&at, t, type, e);
    if (status == VN_OK)
        status = choose(t, &s, e);
    s.ns = fmin(s.ns, dearest(t));
    if (status == VN_OK && t->o->max_drop > 0)
        status = bisect(t, &s, e);
    if (status == VN_OK)
        status = fill_front(t, &s, e);
    return status == VN_OK ? improve(t, &s, e) : status;
}

int vn_tune_search(struct tuner *t, struct vn_err *e)
{
    TRY(search(t, e));
    for (int i = 0; i < t->plans.n && t->o->task; i++)
        if (i == 0 || i == t->best)
            TRY(vn_tune_score(&t->plans.v[i].r, t, t->plans.v[i].type, e));
    return VN_OK;
}
