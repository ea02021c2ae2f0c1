/* The threshold with the least mean squared error of quantized values: rounding below it, clipping above. */
#include <math.h>

#include "calib/calib.h"

enum { STEPS = 128, LEAST = 16 }; /* thresholds that are tried: LEAST/STEPS to STEPS/STEPS of the maximum */

/* The bins that hold values. */
struct filled {
    int n;
    double middle[HISTOGRAM_BINS], count[HISTOGRAM_BINS];
};

static void fill(struct filled *f, const struct histogram *h)
{
    const int used = vn_histogram_used(h);
    f->n = 0;
    for (int i = 0; i < used; i++)
        if (h->bin[i]) {
            f->middle[f->n] = i + 0.5;
            f->count[f->n++] = (double)h->bin[i];
        }
}

/* Of a double below 2^51: to nearest, halves to even. */
static double nearest(double x)
{
    const double big = 0x1.8p52;
    return (x + big) - big;
}

/* Sum over all values, each in the middle of its bin, in units of a bin's width; or a part of it that is not
 * less than `enough`. */
static double error(const struct filled *f, double threshold, int levels, double enough)
{
    const double step = threshold / levels;
    double sum = 0;
    for (int i = 0; i < f->n && sum < enough; i++) {
        const double level = nearest(f->middle[i] / step);
        const double d = f->middle[i] - (level < levels ? level : levels) * step;
        sum += f->count[i] * d * d;
    }
    return sum;
}

static double threshold(const struct histogram *h, double parameter, int levels)
{
    const double most = fmax(fabs((double)h->min), fabs((double)h->max)), top = ldexp(most, -h->exponent);
    struct filled f;
    double best = top, least = INFINITY;
    (void)parameter;
    fill(&f, h);
    for (int k = STEPS; f.n && k >= LEAST; k--) {
        const double t = top * k / STEPS, e = error(&f, t, levels, least);
        if (e < least) {
            least = e;
            best = t;
        }
    }
    return ldexp(best, h->exponent);
}

const struct calibrator vn_calib_mse = { "mse", "threshold with the least mean squared error", threshold };
