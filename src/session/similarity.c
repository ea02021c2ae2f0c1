#include <math.h>

#include "session/similarity.h"

struct similarity vn_similarity(const float *a, const float *b, int64_t n)
{
    double ab = 0, aa = 0, bb = 0, d1 = 0, d2 = 0, most = 0;
    int64_t zeros = 0;
    for (int64_t i = 0; i < n; i++) {
        const double x = a[i], y = b[i], d = x == y ? 0 : fabs(x - y);
        if (isinf(x) && x == y)
            continue;
        ab += x * y;
        aa += x * x;
        bb += y * y;
        d1 += d;
        d2 += d * d;
        most = d > most ? d : most;
        zeros += x == 0;
    }
    struct similarity s = { .n = n, .cosine = 1, .sqnr = INFINITY, .chebyshev = most };
    if (!n)
        return s;
    s.cosine = aa == 0 && bb == 0                             ? 1
               : aa == 0 || bb == 0 || isinf(aa) || isinf(bb) ? 0
                                                              : ab / (sqrt(aa) * sqrt(bb));
    s.l1 = d1 / (double)n;
    s.l2 = sqrt(d2) / (double)n;
    s.sqnr = d2 == 0 ? INFINITY : 10 * log10(aa / d2);
    s.zeros = (double)zeros / (double)n;
    return s;
}
