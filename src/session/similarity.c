#include <math.h>

#include "kernels/values/value_kernels.h"
#include "session/similarity.h"

static double cosine_of(const struct vn_products *p)
{
    const double ab = vn_sum_lanes(p->xy), aa = vn_sum_lanes(p->xx), bb = vn_sum_lanes(p->yy);
    return aa == 0 && bb == 0                             ? 1
           : aa == 0 || bb == 0 || isinf(aa) || isinf(bb) ? 0
                                                          : ab / (sqrt(aa) * sqrt(bb));
}

/* Squares of float32 do not overflow in float64, so this sees every infinity and NaN. */
static int all_finite(const struct vn_products *p)
{
    return isfinite(vn_sum_lanes(p->xx)) && isfinite(vn_sum_lanes(p->yy));
}

/* Equal infinities do not count. */
static void add_odd(struct vn_products *p, struct vn_differences *d, const float *a, const float *b,
                    int64_t n)
{
    *p = (struct vn_products){ 0 };
    *d = (struct vn_differences){ 0 };
    for (int64_t i = 0; i < n; i++) {
        const double x = a[i], y = b[i], off = x == y ? 0 : fabs(x - y);
        const int k = (int)(i % VN_SUM_LANES);
        if (isinf(x) && x == y)
            continue;
        p->xy[k] += x * y;
        p->xx[k] += x * x;
        p->yy[k] += y * y;
        d->sum[k] += off;
        d->squares[k] += off * off;
        d->most[k] = off > d->most[k] ? off : d->most[k];
        d->zeros[k] += x == 0;
    }
}

double vn_cosine(const float *a, const float *b, int64_t n)
{
    struct vn_products p = { 0 };
    struct vn_differences d;
    vn_value_kernels_chosen()->add_products(&p, a, b, (size_t)n);
    if (!all_finite(&p))
        add_odd(&p, &d, a, b, n);
    return cosine_of(&p);
}

static struct similarity all_numbers(const struct vn_products *p, const struct vn_differences *d, int64_t n)
{
    const double squares = vn_sum_lanes(d->squares);
    struct similarity s = { .n = n, .cosine = cosine_of(p), .sqnr = INFINITY };
    int64_t zeros = 0;
    for (int k = 0; k < VN_SUM_LANES; k++) {
        s.chebyshev = fmax(s.chebyshev, d->most[k]);
        zeros += d->zeros[k];
    }
    if (!n)
        return s;
    s.l1 = vn_sum_lanes(d->sum) / (double)n;
    s.l2 = sqrt(squares) / (double)n;
    if (squares != 0)
        s.sqnr = 10 * log10(vn_sum_lanes(p->xx) / squares);
    s.zeros = (double)zeros / (double)n;
    return s;
}

struct similarity vn_similarity(const float *a, const float *b, int64_t n)
{
    struct vn_products p = { 0 };
    struct vn_differences d = { 0 };
    vn_value_kernels_chosen()->add_products(&p, a, b, (size_t)n);
    vn_value_kernels_chosen()->add_differences(&d, a, b, (size_t)n);
    if (!all_finite(&p))
        add_odd(&p, &d, a, b, n);
    return all_numbers(&p, &d, n);
}
