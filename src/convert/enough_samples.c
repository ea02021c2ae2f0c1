/* Are the calibration samples enough? What ranges of a part of them would have been, and what these do to
 * samples of another part. */
#include "convert/held_samples.h"
#include "convert/stages.h"
#include "quant/params.h"

#include <math.h>
#include <stdlib.h>

enum { PARTS = 4, LEAST_SAMPLES = 8 }; /* PARTS: folds that there are */
#define DRIFTS 0.05 /* of a threshold */
#define STAYS 0.02
#define GAINS 0.2 /* dB */

/* Of the first k + 1 parts. */
struct part_ranges {
    int samples;
    double *threshold; /* by tensor; 0: not seen */
    double median, most; /* how far thresholds are from those of all parts; most: nine of ten tensors */
    double sqnr; /* on the last part; NaN: of all parts */
};

struct part_job {
    const struct vn_conversion *c;
    struct held_samples *held;
    struct vn_arena *arena;
    const struct graph *g;
    const struct vn_folds *folds;
};

static int by_size(const void *x, const void *y)
{
    const double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static double *thresholds(const struct part_job *j, const struct vn_ranges *r)
{
    double *t = NEW_ARRAY(j->arena, double, r->n);
    for (int i = 0; i < r->n; i++)
        if (r->of[i])
            t[i] = vn_quant_range(r->of[i], vn_quant_method_of(&j->c->method, j->g->values.v[i]->name), 0)
                       .threshold;
    return t;
}

static void measure_drift(struct part_ranges *p, const struct part_job *j, const double *all)
{
    double *drift = NEW_ARRAY(j->arena, double, j->g->values.n);
    int n = 0;
    for (int i = 0; i < j->g->values.n; i++)
        if (all[i] > 0)
            drift[n++] = fabs(p->threshold[i] / all[i] - 1);
    if (!n)
        return;
    qsort(drift, (size_t)n, sizeof *drift, by_size);
    p->median = drift[n / 2];
    p->most = drift[9 * n / 10];
}

static int measure_score(struct part_ranges *p, const struct part_job *j, const struct vn_ranges *r,
                         struct vn_err *e)
{
    struct vn_arena *work = vn_arena_new();
    struct held_score *of = NEW_ARRAY(work, struct held_score, j->held->n);
    struct graph *calibrated, *quantized;
    double sum = 0;
    int n = 0;
    int status = vn_convert_quantize(j->c, work, &j->c->method, r, &calibrated, &quantized, e);
    if (status == VN_OK)
        status = vn_held_score(of, j->held, quantized, PARTS - 1, &j->c->run, e);
    for (int i = 0; i < j->held->n; i++)
        if (j->held->of[i].fold == PARTS - 1) {
            sum += of[i].sqnr;
            n++;
        }
    p->sqnr = n ? sum / n : NAN;
    vn_arena_free(&work);
    return status;
}

static int measure(struct part_ranges *p, const struct part_job *j, int parts, struct vn_err *e)
{
    struct vn_ranges *r;
    struct vn_folds some = *j->folds;
    some.n = parts;
    TRY(vn_folds_join(&r, j->arena, j->g, &some, -1, e));
    for (int i = 0; i < vn_samples_count(j->c->samples); i++)
        p->samples += j->c->fold_of[i] < parts;
    p->threshold = thresholds(j, r);
    p->sqnr = NAN;
    return parts < PARTS ? measure_score(p, j, r, e) : VN_OK;
}

static void tell(const struct part_job *j, const struct part_ranges *p)
{
    const struct part_ranges *third = &p[PARTS - 2], *all = &p[PARTS - 1];
    for (int k = 0; k < PARTS - 1; k++)
        INFO(j->c,
             "  ranges of %d samples: thresholds differ by %.1f %% (median), %.1f %% (nine of ten), SQNR "
             "%.2f dB",
             p[k].samples, 100 * p[k].median, 100 * p[k].most, p[k].sqnr);
    if (third->median > DRIFTS || third->sqnr - p[PARTS - 3].sqnr > GAINS)
        INFO(j->c,
             "%d samples are too few: ranges still change; use about %d that represent what the device sees",
             all->samples, 2 * all->samples);
    else if (p[0].median < STAYS && fabs(p[0].sqnr - third->sqnr) < GAINS)
        INFO(j->c, "%d samples are enough: %d would suffice", all->samples, p[0].samples);
    else
        INFO(j->c, "%d samples are enough", all->samples);
}

static int judge(struct part_job *j, struct vn_err *e)
{
    struct part_ranges p[PARTS] = { { 0 } };
    for (int k = 0; k < PARTS; k++)
        TRY(measure(&p[k], j, k + 1, e));
    for (int k = 0; k < PARTS - 1; k++)
        measure_drift(&p[k], j, p[PARTS - 1].threshold);
    tell(j, p);
    return VN_OK;
}

int vn_convert_judge_samples(const struct vn_conversion *c, struct held_samples *held, struct vn_err *e)
{
    const int scaled = c->method.per_channel && c->scaled.graph;
    struct part_job j = { .c = c,
                          .held = held,
                          .arena = vn_arena_new(),
                          .g = scaled ? c->scaled.graph : c->optimized,
                          .folds = scaled ? &c->scaled.folds : &c->folds };
    const int possible = c->folds.n == PARTS && vn_samples_count(c->samples) >= LEAST_SAMPLES;
    const int status = possible ? judge(&j, e) : VN_OK;
    vn_arena_free(&j.arena);
    return status;
}
