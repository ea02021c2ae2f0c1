/* The threshold whose quantized distribution has the least Kullback-Leibler divergence from the values' own.
 * After S. Migacz, "8-bit inference with TensorRT", GTC 2017. */
#include <math.h>

#include "calib/calib.h"

enum { CANDIDATES = 128 };

/* Sums over the bins in front of bin i, i from 0 to HISTOGRAM_BINS. */
struct sums {
    double count[HISTOGRAM_BINS + 1], entropy[HISTOGRAM_BINS + 1]; /* n and n log n */
    int filled[HISTOGRAM_BINS + 1]; /* bins that hold values */
};

/* Zeros, which every threshold represents, count as their neighbours do. */
static double held(const struct histogram *h, int i) { return (double)h->bin[i ? i : 1]; }

static void add_up(struct sums *s, const struct histogram *h, int used)
{
    s->count[0] = s->entropy[0] = s->filled[0] = 0;
    for (int i = 0; i < used; i++) {
        const double n = held(h, i);
        s->count[i + 1] = s->count[i] + n;
        s->entropy[i + 1] = s->entropy[i] + (n > 0 ? n * log(n) : 0);
        s->filled[i + 1] = s->filled[i] + (n > 0);
    }
}

static int level_start(int level, int bins, int levels) { return (int)((int64_t)bins * level / levels); }

/* Values of a level, spread evenly over those of its bins that hold any. */
static double height(const struct sums *s, int from, int to)
{
    const int filled = s->filled[to] - s->filled[from];
    return filled ? (s->count[to] - s->count[from]) / filled : 0;
}

/* The sum of p log(p / q) over `bins` bins. p: the values, those beyond the threshold in the last bin; q: the
 * values up to the threshold, quantized. Both are brought to the sum 1. */
static double divergence(const struct sums *s, int bins, int used, int levels)
{
    const double inside = s->count[bins], all = s->count[used];
    const double last = s->count[bins] - s->count[bins - 1], beyond = all - inside;
    const double top = last > 0 ? height(s, level_start(levels - 1, bins, levels), bins) : 1;
    double sum = s->entropy[bins];
    for (int level = 0; level < levels; level++) {
        const int from = level_start(level, bins, levels), to = level_start(level + 1, bins, levels);
        const double q = height(s, from, to);
        sum -= q > 0 ? (s->count[to] - s->count[from]) * log(q) : 0;
    }
    if (beyond > 0)
        sum += (last + beyond) * log(last + beyond) - (last > 0 ? last * log(last) : 0) - beyond * log(top);
    return inside > 0 ? sum / all - log(all / inside) : INFINITY;
}

static double threshold(const struct histogram *h, double parameter, int levels)
{
    const double most = fmax(fabs((double)h->min), fabs((double)h->max));
    const int used = vn_histogram_used(h);
    struct sums s;
    double least = INFINITY, best = most;
    (void)parameter;
    add_up(&s, h, used);
    for (int k = 0; k <= CANDIDATES && used > levels; k++) {
        const int bins = used - (int)((int64_t)(used - levels) * k / CANDIDATES);
        const double d = divergence(&s, bins, used, levels);
        if (d < least) {
            least = d;
            best = fmin(most, ldexp(bins, h->exponent));
        }
    }
    return best;
}

const struct calibrator vn_calib_kl = { "kl", "threshold with the least Kullback-Leibler divergence",
                                        threshold };
