/* The largest magnitude seen. */
#include <math.h>

#include "calib/calib.h"

static double threshold(const struct histogram *h, double parameter, int levels)
{
    (void)parameter, (void)levels;
    return fmax(fabs((double)h->min), fabs((double)h->max));
}

const struct calibrator vn_calib_max = { "max", "largest magnitude", threshold };
