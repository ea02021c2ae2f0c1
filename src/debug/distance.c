#include "debug/distance.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *word;
    int rises;
} metrics[] = {
#define DEBUG_METRIC(name, word, rises, meaning) { word, rises },
#include <vernier/debug_metrics.def>
#undef DEBUG_METRIC
};

const char *vn_debug_metric_word(enum vn_debug_metric m) { return metrics[m].word; }
int vn_debug_metric_rises(enum vn_debug_metric m) { return metrics[m].rises; }

int vn_debug_metric_find(const char *word)
{
    for (int i = 0; i < VN_DEBUG_METRICS; i++)
        if (!strcmp(metrics[i].word, word))
            return i;
    return -1;
}

int vn_debug_worse(enum vn_debug_metric m, double a, double b) { return metrics[m].rises ? a < b : a > b; }

/* ---- sums ---- */

static int64_t first_largest(const float *x, int64_t n, int64_t classes, int64_t step, int64_t at)
{
    int64_t best = 0;
    for (int64_t c = 1; c < classes && at + c * step < n; c++)
        if (x[at + c * step] > x[at + best * step])
            best = c;
    return best;
}

static void count_decisions(struct distance *d, const float *x, const float *y, int64_t n, int64_t classes,
                            int64_t step)
{
    for (int64_t at = 0; at < n; at++) {
        if (at / step % classes)
            continue;
        d->decisions++;
        d->agreed += first_largest(x, n, classes, step, at) == first_largest(y, n, classes, step, at);
    }
}

/* Equal infinities do not count. */
static double cosine(double xy, double xx, double yy)
{
    return xx == 0 && yy == 0 ? 1 : xx == 0 || yy == 0 ? 0 : xy / (sqrt(xx) * sqrt(yy));
}

struct distance vn_distance(const float *x, int64_t nx, const float *y, int64_t ny, int64_t classes,
                            int64_t step)
{
    const int64_t n = nx > ny ? nx : ny;
    struct distance d = { .n = n, .samples = 1 };
    double xy = 0, yy = 0;
    for (int64_t i = 0; i < n; i++) {
        const double a = i < nx ? x[i] : 0, b = i < ny ? y[i] : 0, off = a == b ? 0 : fabs(a - b);
        if (isinf(a) && a == b)
            continue;
        xy += a * b;
        yy += b * b;
        d.signal += a * a;
        d.noise += off * off;
        d.most = off > d.most ? off : d.most;
        d.relative += a != 0 ? off / fabs(a) : 0;
        d.counted += a != 0;
    }
    d.cosine = cosine(xy, d.signal, yy);
    if (nx == ny)
        count_decisions(&d, x, y, n, classes, step);
    else
        d.decisions = 1;
    return d;
}

void vn_distance_add(struct distance *to, const struct distance *d)
{
    to->cosine += d->cosine;
    to->signal += d->signal;
    to->noise += d->noise;
    to->relative += d->relative;
    to->most = fmax(to->most, d->most);
    to->n += d->n;
    to->counted += d->counted;
    to->samples += d->samples;
    to->decisions += d->decisions;
    to->agreed += d->agreed;
}

static double share(double x, int64_t n) { return n ? x / (double)n : 0; }

double vn_distance_metric(const struct distance *d, enum vn_debug_metric m)
{
    const double value[VN_DEBUG_METRICS] = {
        [VN_DEBUG_COSINE] = share(d->cosine, d->samples),
        [VN_DEBUG_MSE] = share(d->noise, d->n),
        [VN_DEBUG_MRE] = share(d->relative, d->counted),
        [VN_DEBUG_SQNR] = d->noise == 0 ? INFINITY : 10 * log10(d->signal / d->noise),
        [VN_DEBUG_CHEBYSHEV] = d->most,
    };
    return value[m];
}

double vn_distance_agreement(const struct distance *d)
{
    return d->decisions ? (double)d->agreed / (double)d->decisions : 1;
}
