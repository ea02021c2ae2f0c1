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

static const char *key_of_plan(struct vn_arena *a, const struct tuner *t, const struct tune_plan *p)
{
    const char *types = digits(a, p->type, t->groups.n);
    return p->ways ? vn_arena_fmt(a, "%s+%d", types, p->ways) : types;
}

static struct tune_plan new_plan(const struct tuner *t)
{
    return (struct tune_plan){ NEW_ARRAY(t->arena, unsigned char, t->groups.n), t->base_ways };
}

static struct tune_plan copy_plan(const struct tuner *t, int of)
{
    const struct tune_plan *p = &t->plans.v[of].plan;
    return (struct tune_plan){ vn_arena_copy(t->arena, p->type, (size_t)t->groups.n), p->ways };
}

static int same_types(const struct tuner *t, const struct tune_plan *a, const struct tune_plan *b)
{
    return !memcmp(a->type, b->type, (size_t)t->groups.n);
}

/* -1: not measured. */
static int find_plan(const struct tuner *t, const struct tune_plan *p)
{
    for (int i = 0; i < t->plans.n; i++)
        if (t->plans.v[i].plan.ways == p->ways && same_types(t, &t->plans.v[i].plan, p))
            return i;
    return -1;
}

static int measure_losses(struct output_loss *of, const struct tuner *t, struct vn_session *s,
                          struct vn_err *e)
{
    int status = VN_OK;
    for (int i = 0; i < t->held.n && status == VN_OK; i++) {
        status = vn_session_feed_values(s, &t->held.input[i * t->held.inputs], e);
        if (status == VN_OK)
            status = vn_session_run(s, e);
        if (status == VN_OK)
            status = vn_tune_add_loss(of, t, s, i, e);
    }
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

/* Of a plan with the same types, which takes as long; NaN: there is none. */
static double known_latency(const struct tuner *t, const struct tune_plan *p)
{
    for (int i = 0; i < t->plans.n; i++)
        if (same_types(t, &t->plans.v[i].plan, p))
            return t->plans.v[i].r.latency;
    return NAN;
}

/* ratio: of its latency; NaN: it is measured. */
static int record_plan(struct tuner *t, struct vn_arena *a, const char *key, struct built_program *p,
                       double ratio, struct vn_err *e)
{
    struct output_loss *of = NEW_ARRAY(a, struct output_loss, t->held.losses);
    TRY(measure_losses(of, t, p->s, e));
    if (isnan(ratio))
        TRY(vn_tune_latency(&ratio, t, p->s, e));
    return vn_journal_add(t->journal, "plan", key,
                          json_pack("{s:f, s:f, s:o}", "latency", ratio, "bytes", p->bytes, "outputs",
                                    losses_json(of, t->held.losses)),
                          e);
}

static int build_and_record(struct tuner *t, const char *key, const struct tune_plan *p, struct vn_err *e)
{
    struct vn_arena *a = vn_arena_new();
    struct built_program program;
    int status = vn_tune_build_plan(&program, t, a, p, e);
    if (status == VN_OK)
        status = record_plan(t, a, key, &program, known_latency(t, p), e);
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

static const char *const ways_words[VN_REFINE_WAYS] = { [0] = "",
                                                        [VN_REFINE_ROUNDED] =
                                                            "rounding", /* of the configuration */
                                                        [VN_REFINE_BIASES] = "biases",
                                                        [VN_REFINE_ROUNDED | VN_REFINE_BIASES] =
                                                            "rounding and biases" };

/* What refinement gains is not predicted. */
static struct built plan_from(struct tuner *t, const char *key, const struct tune_plan *p)
{
    const json_t *record = vn_journal_find(t->journal, "plan", key);
    struct vn_arena *a = vn_arena_new();
    struct output_loss *of = NEW_ARRAY(a, struct output_loss, t->held.losses);
    const struct prediction expected = vn_tune_predict(t, p->type);
    losses_from(of, t->held.losses, json_object_get(record, "outputs"));
    struct built b = { .plan = { vn_arena_copy(t->kept, p->type, (size_t)t->groups.n), p->ways },
                       .key = key };
    b.r = (struct vn_tune_plan){ .types = digits(t->kept, p->type, t->groups.n),
                                 .refined = ways_words[p->ways],
                                 .loss = vn_tune_loss(t, of),
                                 .predicted_loss = p->ways == t->base_ways ? expected.loss : NAN,
                                 .sqnr = worst(of, t->held.losses, sqnr),
                                 .agreement = worst(of, t->held.losses, agreement),
                                 .latency = json_number_value(json_object_get(record, "latency")),
                                 .predicted_latency = t->base_ns > 0 ? 1 + expected.ns / t->base_ns : 1,
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
    if (!a->fits)
        return drop_of(a) < drop_of(b);
    return a->latency != b->latency ? a->latency < b->latency : a->loss < b->loss;
}

static int keep_best(struct tuner *t, struct vn_err *e)
{
    const int last = t->plans.n - 1;
    const struct built *b = &t->plans.v[last];
    if (b->plan.ways == t->base_ways && (!last || is_better(t, &b->r, &t->plans.v[t->best_types].r)))
        t->best_types = last;
    if (last && !is_better(t, &b->r, &t->plans.v[t->best].r))
        return VN_OK;
    t->best = last;
    return vn_tune_write_yaml(t, &b->plan, e);
}

/* ---- within what is allowed ---- */

/* Plans whose weights are refined come on top. */
static int is_over(struct tuner *t, const struct tune_plan *p, const char *key)
{
    const int most = t->o->plans ? t->o->plans : DEFAULT_PLANS;
    int types = 0;
    for (int i = 0; i < t->plans.n; i++)
        types += t->plans.v[i].plan.ways == t->base_ways;
    if (types >= most && p->ways == t->base_ways)
        return 1;
    if (t->o->minutes > 0 && !vn_journal_find(t->journal, "plan", key) &&
        vn_tune_seconds() - t->started > 60 * t->o->minutes)
        t->stopped = 1;
    return t->stopped;
}

static void tell_plan(const struct tuner *t, int at)
{
    const struct vn_tune_plan *r = &t->plans.v[at].r;
    const char *expected = isnan(r->predicted_loss)
                               ? vn_arena_fmt(t->arena, "refined: %s", r->refined)
                               : vn_arena_fmt(t->arena, "predicted %.4f", r->predicted_loss);
    vn_say(&t->listener, VN_LOG_INFO, "plan %d: loss %.4f (%s), latency %.3f (%.3f), size %.3f%s", at,
           r->loss, expected, r->latency, r->predicted_latency, r->size,
           r->fits ? "" : ", beyond the limits");
}

/* Its index in *at. SEARCH_END: no more plans. */
static int try_plan(int *at, struct tuner *t, const struct tune_plan *p, struct vn_err *e)
{
    *at = find_plan(t, p);
    if (*at >= 0)
        return VN_OK;
    const char *key = key_of_plan(t->arena, t, p);
    if (is_over(t, p, key))
        return SEARCH_END;
    if (!vn_journal_find(t->journal, "plan", key))
        TRY(build_and_record(t, key, p, e));
    struct built b = plan_from(t, key, p);
    if (t->is_scored && t->o->max_drop > 0)
        TRY(vn_tune_score(&b, t, e));
    b.r.fits = fits(t, &b.r);
    *at = t->plans.n;
    VEC_PUSH(t->arena, &t->plans, b);
    if (!(t->plan_seconds > 0) && *at > 0)
        t->plan_seconds = vn_tune_seconds() - t->started;
    tell_plan(t, *at);
    return keep_best(t, e);
}

int vn_tune_base_plan(struct tuner *t, struct vn_err *e)
{
    struct built_program program;
    const struct tune_plan p = new_plan(t);
    const char *key = key_of_plan(t->arena, t, &p);
    TRY(vn_tune_build_plan(&program, t, t->arena, &p, e));
    t->base = program.s;
    t->base_bytes = program.bytes;
    if (!vn_journal_find(t->journal, "plan", key))
        TRY(record_plan(t, t->arena, key, &program, 1, e));
    losses_from(t->held.base, t->held.losses,
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
    const struct tune_plan p = new_plan(t);
    vn_tune_choose(p.type, t,
                   (struct choice_limits){ share * s->ns / s->time_factor, s->bytes / s->size_factor });
    return try_plan(at, t, &p, e);
}

static void learn(struct searched *s, const struct tuner *t, int at)
{
    const struct built *b = &t->plans.v[at];
    const struct prediction p = vn_tune_predict(t, b->plan.type);
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
static double value_of(const struct tuner *t, const struct tune_plan *plan, const struct searched *s)
{
    const struct prediction p = vn_tune_predict(t, plan->type);
    const double time = s->time_factor * p.ns, size = s->size_factor * p.bytes;
    if (time > 1.02 * s->ns + 0.002 * t->base_ns || size > 1.02 * s->bytes + 1)
        return -INFINITY;
    return t->o->max_drop > 0 ? -time / t->base_ns - p.loss / 16 : -vn_tune_objective(t, p);
}

static void consider(struct move *best, const struct tuner *t, const struct tune_plan *p, struct move m,
                     const struct searched *s)
{
    unsigned char *type = p->type;
    const unsigned char before = type[m.group], other = m.other < 0 ? 0 : type[m.other];
    type[m.group] = (unsigned char)m.type;
    if (m.other >= 0)
        type[m.other] = (unsigned char)m.other_type;
    m.value = find_plan(t, p) >= 0 ? -INFINITY : value_of(t, p, s);
    if (m.value > best->value)
        *best = m;
    if (m.other >= 0)
        type[m.other] = other;
    type[m.group] = before;
}

static struct move best_move(const struct tuner *t, const struct tune_plan *p, const struct searched *s)
{
    struct move best = { .value = -INFINITY };
    for (int i = 0; i < t->groups.n; i++)
        for (int k = 0; k < VN_TUNE_TYPES; k++) {
            if (k == p->type[i] || !(t->groups.v[i].allowed >> k & 1))
                continue;
            consider(&best, t, p, (struct move){ i, k, -1, 0, 0 }, s);
            for (int j = 0; j < t->groups.n; j++)
                for (int l = 0; l < p->type[j] && j != i; l++)
                    if (t->groups.v[j].allowed >> l & 1)
                        consider(&best, t, p, (struct move){ i, k, j, l, 0 }, s);
        }
    return best;
}

/* The best plan with one group changed, or two exchanged: what the prediction likes most of those that were
 * not measured. */
static int improve(struct tuner *t, const struct searched *s, struct vn_err *e)
{
    for (;;) {
        const struct tune_plan p = copy_plan(t, t->best_types);
        const struct move m = best_move(t, &p, s);
        int at;
        if (!isfinite(m.value))
            return VN_OK;
        p.type[m.group] = (unsigned char)m.type;
        if (m.other >= 0)
            p.type[m.other] = (unsigned char)m.other_type;
        const int status = try_plan(&at, t, &p, e);
        if (status != VN_OK)
            return status;
    }
}

/* ---- weights and biases: refined, they cost nothing when the network runs ---- */

/* Which of the ways helps the network as configured; 0: none. */
static int choose_ways(int *ways, struct tuner *t, struct vn_err *e)
{
    static const int all[] = { VN_REFINE_ROUNDED | VN_REFINE_BIASES, VN_REFINE_BIASES };
    double least = t->plans.v[0].r.loss;
    *ways = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all && vn_tune_can_refine(t); i++) {
        struct tune_plan p = copy_plan(t, 0);
        p.ways = all[i];
        int at;
        const int status = try_plan(&at, t, &p, e);
        if (status != VN_OK)
            return status;
        if (t->plans.v[at].r.loss < least) {
            least = t->plans.v[at].r.loss;
            *ways = p.ways;
        }
    }
    return VN_OK;
}

/* The best types with these ways. */
static int refine(struct tuner *t, int ways, struct vn_err *e)
{
    struct tune_plan p = copy_plan(t, t->best_types);
    p.ways = ways;
    int at;
    return ways ? try_plan(&at, t, &p, e) : VN_OK;
}

static int search_types(struct tuner *t, struct vn_err *e)
{
    struct searched s = limits_of(t);
    int status = choose(t, &s, e);
    s.ns = fmin(s.ns, dearest(t));
    if (status == VN_OK && t->o->max_drop > 0)
        status = bisect(t, &s, e);
    if (status == VN_OK)
        status = fill_front(t, &s, e);
    return status == VN_OK ? improve(t, &s, e) : status;
}

static int search(struct tuner *t, struct vn_err *e)
{
    const struct tune_plan base = new_plan(t);
    int at, ways = 0, status = try_plan(&at, t, &base, e);
    if (status == VN_OK)
        status = choose_ways(&ways, t, e);
    if (status == VN_OK)
        status = search_types(t, e);
    return status < 0 ? status : refine(t, ways, e);
}

int vn_tune_search(struct tuner *t, struct vn_err *e)
{
    TRY(search(t, e));
    for (int i = 0; i < t->plans.n && t->is_scored; i++)
        if (i == 0 || i == t->best)
            TRY(vn_tune_score(&t->plans.v[i], t, e));
    return VN_OK;
}
