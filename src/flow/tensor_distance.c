#include "flow/tensor_distance.h"

#include <math.h>

#include "session/similarity.h"

static const struct {
    const char *word;
    int rises;
} metrics[] = {
#define COMPARE_METRIC(name, word, rises, meaning) { word, rises },
#include <vernier/compare_metrics.def>
#undef COMPARE_METRIC
};

const char *vn_compare_metric_word(enum vn_compare_metric m) { return metrics[m].word; }
int vn_compare_metric_rises(enum vn_compare_metric m) { return metrics[m].rises; }

int vn_compare_metric_find(const char *word)
{
    for (int i = 0; i < VN_COMPARE_METRICS; i++)
        if (!strcmp(metrics[i].word, word))
            return i;
    return -1;
}

#define BINS 256

static void widen(double *lo, double *hi, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(x[i]))
            continue;
        *lo = fmin(*lo, x[i]);
        *hi = fmax(*hi, x[i]);
    }
}

/* Half an element in each bin; the sum of all. */
static double count(double *bins, double lo, double step, const float *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        if (isfinite(x[i]))
            bins[(int)fmin((x[i] - lo) / step, BINS - 1)]++;
    for (int i = 0; i < BINS; i++)
        sum += bins[i] += 0.5;
    return sum;
}

/* Of the distributions of values: half an element in each bin of both keeps it finite. */
static double divergence(const float *x, const float *y, int64_t n)
{
    double lo = INFINITY, hi = -INFINITY, p[BINS] = { 0 }, q[BINS] = { 0 }, sum = 0;
    widen(&lo, &hi, x, n);
    widen(&lo, &hi, y, n);
    if (!(hi > lo))
        return 0;
    const double of_p = count(p, lo, (hi - lo) / BINS, x, n), of_q = count(q, lo, (hi - lo) / BINS, y, n);
    for (int i = 0; i < BINS; i++)
        sum += p[i] / of_p * log(p[i] / q[i] * (of_q / of_p));
    return sum;
}

static struct distance distance_of(const struct vn_shape *s, const float *x, const float *y, int axis)
{
    const int64_t n = vn_shape_count(s);
    int64_t stride[VN_MAX_RANK] = { 1 };
    if (axis >= 0 && s->rank) {
        const int at = axis < s->rank ? axis : s->rank - 1;
        vn_shape_strides(s, stride);
        return vn_distance(x, n, y, n, s->d[at], stride[at]);
    }
    struct distance d = vn_distance(x, n, y, n, 1, 1);
    d.agreed = axis >= 0 ? d.agreed : 0;
    for (int64_t i = 0; axis < 0 && i < n; i++)
        d.agreed += x[i] == y[i];
    return d;
}

void vn_tensor_distance_add(struct tensor_distance *d, const struct vn_tensor *left, const float *x,
                            const float *y, int axis, int sample)
{
    const struct vn_shape *s = &left->shape;
    const int64_t n = vn_shape_count(s);
    const struct similarity alike = vn_similarity(x, y, n);
    const struct distance one = distance_of(s, x, y, axis);
    d->exact = axis < 0;
    if (!d->sums.samples || alike.cosine < d->cosine_min) {
        d->cosine_min = alike.cosine;
        d->worst = sample;
    }
    vn_distance_add(&d->sums, &one);
    d->l1 += alike.l1;
    d->l2 += alike.l2;
    d->kl += divergence(x, y, n);
    d->zeros += alike.zeros;
}

double vn_tensor_distance_metric(const struct tensor_distance *d, enum vn_compare_metric m)
{
    const double samples = d->sums.samples ? (double)d->sums.samples : 1;
    const double value[VN_COMPARE_METRICS] = {
        [VN_COMPARE_COSINE] = vn_distance_metric(&d->sums, VN_DEBUG_COSINE),
        [VN_COMPARE_SQNR] = vn_distance_metric(&d->sums, VN_DEBUG_SQNR),
        [VN_COMPARE_L1] = d->l1 / samples,
        [VN_COMPARE_L2] = d->l2 / samples,
        [VN_COMPARE_MAX] = vn_distance_metric(&d->sums, VN_DEBUG_CHEBYSHEV),
        [VN_COMPARE_MRE] = vn_distance_metric(&d->sums, VN_DEBUG_MRE),
        [VN_COMPARE_KL] = d->kl / samples,
        [VN_COMPARE_AGREEMENT] = vn_distance_agreement(&d->sums),
    };
    const int exists =
        m == VN_COMPARE_L1 || m == VN_COMPARE_L2 || m == VN_COMPARE_MAX || m == VN_COMPARE_AGREEMENT;
    return d->exact && !exists ? NAN : value[m];
}
