/* How well losses and times add up: what was predicted against what was measured, over all plans. */
#include <math.h>
#include <stdlib.h>

#include "tune/tuner.h"

struct line_fit {
    double n, x, y, xx, xy, yy; /* sums */
};

static void add(struct line_fit *f, double x, double y)
{
    f->n++;
    f->x += x;
    f->y += y;
    f->xx += x * x;
    f->xy += x * y;
    f->yy += y * y;
}

static int ascending(const void *x, const void *y)
{
    const double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

/* The median over plans that are to cost time. */
static double latency_factor(const struct tuner *t)
{
    struct vn_arena *a = vn_arena_new();
    double *of = NEW_ARRAY(a, double, t->plans.n);
    int n = 0;
    for (int i = 0; i < t->plans.n; i++) {
        const struct vn_tune_plan *r = &t->plans.v[i].r;
        if (r->predicted_latency > 1)
            of[n++] = (r->latency - 1) / (r->predicted_latency - 1);
    }
    qsort(of, (size_t)n, sizeof *of, ascending);
    const double median = n ? of[n / 2] : NAN;
    vn_arena_free(&a);
    return median;
}

/* Losses by their logarithms: a plan that loses a tenth counts as much as one that loses all. */
void vn_tune_fit(struct vn_tune_summary *s, const struct tuner *t)
{
    struct line_fit f = { 0 };
    for (int i = 0; i < t->plans.n; i++) {
        const struct vn_tune_plan *r = &t->plans.v[i].r;
        if (r->loss > 0 && r->predicted_loss > 0)
            add(&f, log(r->predicted_loss), log(r->loss));
    }
    const double sxx = f.xx - f.x * f.x / f.n, syy = f.yy - f.y * f.y / f.n, sxy = f.xy - f.x * f.y / f.n;
    const int enough = f.n >= 3 && sxx > 0 && syy > 0;
    s->r_squared = enough ? sxy * sxy / (sxx * syy) : NAN;
    s->exponent = enough ? sxy / sxx : NAN;
    s->factor = enough ? exp((f.y - s->exponent * f.x) / f.n) : NAN;
    s->latency_factor = latency_factor(t);
}
