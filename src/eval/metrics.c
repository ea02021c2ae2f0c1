/* What every metric needs of statistics. */
#include <math.h>

#include "base/random.h"
#include "eval/evaluate.h"

double vn_percentile(const double *sorted, int n, double percent)
{
    if (!n)
        return NAN;
    const double at = percent / 100 * (n - 1);
    const int low = (int)floor(at), high = low + 1 < n ? low + 1 : low;
    return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

void vn_resample(int *times, int n, uint64_t *seed)
{
    memset(times, 0, (size_t)n * sizeof *times);
    for (int i = 0; i < n; i++)
        times[(vn_random(seed) >> 32) * (uint64_t)n >> 32]++;
}
