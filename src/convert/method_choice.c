#include "convert/method_choice.h"

#include <math.h>

enum { SQNR, EACH, AGREEMENT };

static double value(const struct method_trial *t, int i, int what)
{
    const struct held_score *s = &t->score[i];
    return what == SQNR ? s->sqnr : what == EACH ? s->each : s->agreement;
}

struct trial_summary vn_trial_summary(const struct method_trial *t, int samples)
{
    struct trial_summary s = { .worst = INFINITY };
    for (int i = 0; i < samples; i++) {
        if (!t->done[i])
            continue;
        s.samples++;
        s.sqnr += t->score[i].sqnr;
        s.agreement += t->score[i].agreement;
        s.worst = fmin(s.worst, t->score[i].sqnr);
    }
    s.sqnr /= fmax(1, s.samples);
    s.agreement /= fmax(1, s.samples);
    return s;
}

/* a - b over the samples that both ran. */
struct difference {
    int n;
    double mean, deviation, error; /* error: standard error of the mean */
};

static struct difference differ(const struct method_trial *a, const struct method_trial *b, int samples,
                                int what)
{
    struct difference d = { 0 };
    double squares = 0;
    for (int i = 0; i < samples; i++)
        if (a->done[i] && b->done[i]) {
            d.mean += value(a, i, what) - value(b, i, what);
            d.n++;
        }
    d.mean /= fmax(1, d.n);
    for (int i = 0; i < samples; i++)
        if (a->done[i] && b->done[i])
            squares += pow(value(a, i, what) - value(b, i, what) - d.mean, 2);
    d.deviation = d.n > 1 ? sqrt(squares / (d.n - 1)) : 0;
    d.error = d.n ? d.deviation / sqrt(d.n) : 0;
    return d;
}

/* Standard errors by which a is above b. */
static double distance(const struct method_trial *a, const struct method_trial *b, int samples, int what)
{
    const struct difference d = differ(a, b, samples, what);
    if (d.mean == 0)
        return 0;
    return d.error > 0 ? d.mean / d.error : copysign(INFINITY, d.mean);
}

/* ---- dropping ---- */

#define LEAST_TO_DROP 4 /* samples */
#define FAR 3.0 /* standard errors; twice as many of few samples */
#define FEW 8
#define FAR_SQNR 0.3 /* dB */

static int far_behind(const struct method_trial *a, const struct method_trial *b, int samples)
{
    const struct difference d = differ(a, b, samples, SQNR);
    return d.n >= LEAST_TO_DROP && d.mean < -FAR_SQNR && d.mean < -FAR * (d.n < FEW ? 2 : 1) * d.error &&
           differ(a, b, samples, AGREEMENT).mean <= 0;
}

void vn_trials_drop(struct method_trial *t, int n, int samples)
{
    for (int a = 0; a < n; a++)
        for (int b = 0; b < n && !t[a].dropped; b++)
            t[a].dropped = b != a && !t[b].dropped && far_behind(&t[a], &t[b], samples);
}

/* ---- choosing ---- */

#define SPREAD 2.0 /* standard errors */

typedef int is_beaten_fn(const struct method_trial *a, const struct method_trial *b, int samples);

static int less_agreement(const struct method_trial *a, const struct method_trial *b, int samples)
{
    return distance(a, b, samples, AGREEMENT) < -SPREAD;
}

static int less_sqnr(const struct method_trial *a, const struct method_trial *b, int samples)
{
    return distance(a, b, samples, SQNR) < -SPREAD;
}

static int worse_worst(const struct method_trial *a, const struct method_trial *b, int samples)
{
    const double spread = SPREAD * differ(a, b, samples, SQNR).deviation;
    return vn_trial_summary(a, samples).worst < vn_trial_summary(b, samples).worst - spread;
}

/* Leaves out what another that is still there beats. */
static void leave_out(char *out, const struct method_trial *t, int n, int samples, is_beaten_fn *beaten)
{
    struct vn_arena *work = vn_arena_new();
    char *before = vn_arena_copy(work, out, (size_t)n);
    for (int a = 0; a < n; a++)
        for (int b = 0; b < n && !out[a]; b++)
            out[a] = a != b && !before[b] && beaten(&t[a], &t[b], samples);
    vn_arena_free(&work);
}

int vn_trials_choose(const struct method_trial *t, int n, int samples)
{
    static is_beaten_fn *const filters[] = { less_agreement, less_sqnr, worse_worst };
    struct vn_arena *work = vn_arena_new();
    char *out = vn_arena_alloc(work, (size_t)n + 1);
    int best = -1;
    for (int i = 0; i < n; i++)
        out[i] = (char)t[i].dropped;
    for (size_t f = 0; f < sizeof filters / sizeof *filters; f++)
        leave_out(out, t, n, samples, filters[f]);
    for (int i = 0; i < n; i++)
        if (!out[i] &&
            (best < 0 ||
             distance(&t[i], &t[best], samples, SQNR) + distance(&t[i], &t[best], samples, AGREEMENT) > 0))
            best = i;
    vn_arena_free(&work);
    return best;
}

int vn_trial_helps(const struct method_trial *a, const struct method_trial *b, int samples)
{
    return distance(a, b, samples, SQNR) > SPREAD && distance(a, b, samples, EACH) > 0 &&
           differ(a, b, samples, AGREEMENT).mean >= 0;
}
