/* The magnitude below which a given share of all values lies; linear within a bin, never above the maximum.
 */
#include <math.h>

#include "calib/calib.h"

static double threshold(const struct histogram *h, double share, int levels)
{
    (void)levels;
    const double most = fmax(fabs((double)h->min), fabs((double)h->max)), want = share * (double)h->count;
    double below = 0;
    for (int i = 0; i < HISTOGRAM_BINS; i++) {
        const double here = (double)h->bin[i];
        if (below + here >= want && here > 0)
            return fmin(most, ldexp(i + (want - below) / here, h->exponent));
        below += here;
    }
    return most;
}

const struct calibrator vn_calib_percentile = { "max-percentile",
                                                "magnitude below which a share of all values lies",
                                                threshold };
