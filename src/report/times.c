/* Times of whole runs. */
#include <stdlib.h>

#include "report/report.h"

static int ascending(const void *x, const void *y)
{
    const uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
    return a < b ? -1 : a > b;
}

void vn_times_sort(uint64_t *ns, int n) { qsort(ns, (size_t)n, sizeof *ns, ascending); }

double vn_times_ms(const uint64_t *ns, int n, int percent)
{
    const int64_t i = (int64_t)n * percent / 100;
    return (double)ns[i < n ? i : n - 1] / 1e6;
}
