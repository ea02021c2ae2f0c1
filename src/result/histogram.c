#include <math.h>
#include <string.h>

#include "base/err.h"
#include "result/histogram.h"

static int find_range(const float *x, size_t n, float *lo, float *hi)
{
    float a = INFINITY, b = -INFINITY;
    int finite = 1;
    for (size_t i = 0; i < n; i++) {
        a = x[i] < a ? x[i] : a;
        b = x[i] > b ? x[i] : b;
        finite &= x[i] - x[i] == 0;
    }
    *lo = a;
    *hi = b;
    return finite;
}

/* Smallest exponent whose bins reach beyond m. */
static int exponent_for(float m)
{
    int e;
    frexpf(m, &e); /* m < 2^e */
    return e - 12; /* 2^12 bins */
}

static void widen(struct histogram *h, int exponent)
{
    for (; h->exponent < exponent; h->exponent++) {
        for (int i = 0; i < HISTOGRAM_BINS / 2; i++)
            h->bin[i] = h->bin[2 * i] + h->bin[2 * i + 1];
        memset(h->bin + HISTOGRAM_BINS / 2, 0, sizeof h->bin / 2);
        if (exponent - h->exponent > 64) /* everything so far lies in bin 0 by then */
            h->exponent = exponent - 64;
    }
}

int vn_histogram_add(struct histogram *h, const float *x, size_t n)
{
    float lo, hi;
    if (!n)
        return VN_OK;
    if (!find_range(x, n, &lo, &hi))
        return VN_E_INPUT;
    const float most = fmaxf(fabsf(lo), fabsf(hi));
    if (!h->count)
        h->exponent = -160; /* below the smallest float: the first values widen it */
    if (most > 0)
        widen(h, exponent_for(most));
    h->min = h->count ? fminf(h->min, lo) : lo;
    h->max = h->count ? fmaxf(h->max, hi) : hi;
    h->count += n;
    const float inverse = ldexpf(1, -h->exponent > 127 ? 127 : -h->exponent);
    for (size_t i = 0; i < n; i++)
        h->bin[(int)(fabsf(x[i]) * inverse)]++;
    return VN_OK;
}
