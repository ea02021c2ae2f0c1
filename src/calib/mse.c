/* The threshold with the least mean squared error of quantized values: rounding below it, clipping above. */
#include <math.h>

#include "calib/calib.h"

enum { STEPS = 128, LEAST = 16 }; /* thresholds that are tried: LEAST/STEPS to STEPS/STEPS of the maximum */

/* Sum over all values, each in the middle of its bin, in units of a bin's width. */
static double error(const struct histogram *h, int used, double threshold, int levels)
{
    const double step = threshold / levels;
    double sum = 0;
    for (int i = 0; i < used; i++) {
        if (!h->bin[i])
            continue;
        const double x = i + 0.5, d = x - fmin(rint(x / step), levels) * step;
        sum += (double)h->bin[i] * d * d;
    }
    return sum;
}

static double threshold(const struct histogram *h, double parameter, int levels)
{
    const double most = fmax(fabs((double)h->min), fabs((double)h->max)), top = ldexp(most, -h->exponent);
    const int used = vn_histogram_used(h);
    double best = top, least = INFINITY;
    (void)parameter;
    for (int k = STEPS; used && k >= LEAST; k--) {
        const double t = top * k / STEPS, e = error(h, used, t, levels);
        if (e < least) {
            least = e;
            best = t;
        }
    }
    return ldexp(best, h->exponent);
}

const struct calibrator vn_calib_mse = { "mse", "threshold with the least mean squared error", threshold };
