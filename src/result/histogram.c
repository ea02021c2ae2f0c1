/* Magnitudes in bins whose width is a power of two, so that bins of different histograms are made of each
 * other. */
#include <math.h>

#include "kernels/values/value_kernels.h"
#include "result/result_kind.h"

#define LEAST_EXPONENT (-127) /* of a width: its inverse is still a float */

/* Smallest exponent whose bins reach beyond m. */
static int exponent_for(float m)
{
    int e = 0;
    frexpf(m, &e); /* m < 2^e */
    return m == 0 || e - 12 < LEAST_EXPONENT ? LEAST_EXPONENT : e - 12; /* 2^12 bins */
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

static float largest(const struct histogram *h) { return fmaxf(fabsf(h->min), fabsf(h->max)); }

/* The bins of both are those of the wider range. */
static void include_range(struct histogram *h, float lo, float hi)
{
    const int empty = !h->count;
    h->min =
        (h->count ? fminf(h->min, lo) : lo) + 0.0f; /* + 0: no -0, whose place would depend on the order */
    h->max = (h->count ? fmaxf(h->max, hi) : hi) + 0.0f;
    if (empty)
        h->exponent = exponent_for(largest(h));
    else
        widen(h, exponent_for(largest(h)));
}

enum { BLOCK = 4096 }; /* elements whose bins are found at once */

/* Neighbours are often of one bin: counted in turn in several tables, no count waits for the one before. */
enum { TABLES = 4 };
struct tables {
    uint32_t bin[TABLES][HISTOGRAM_BINS];
};
#define MOST_IN_TABLES ((size_t)UINT32_MAX / BLOCK * BLOCK)

static void count_block(struct tables *t, const int16_t *bin, size_t n)
{
    size_t i = 0;
    for (; i + TABLES <= n; i += TABLES)
        for (int k = 0; k < TABLES; k++)
            t->bin[k][bin[i + k]]++;
    for (; i < n; i++)
        t->bin[0][bin[i]]++;
}

static void add_tables(struct histogram *h, const struct tables *t)
{
    for (int k = 0; k < TABLES; k++)
        vn_value_kernels_chosen()->add_counts(h->bin, t->bin[k], HISTOGRAM_BINS);
}

static void count_many(struct histogram *h, const float *x, size_t n, float inverse)
{
    int16_t bin[BLOCK];
    struct tables t = { 0 };
    for (size_t i = 0; i < n; i += BLOCK) {
        const size_t here = n - i < BLOCK ? n - i : BLOCK;
        vn_value_kernels_chosen()->bins(bin, x + i, inverse, here);
        count_block(&t, bin, here);
    }
    add_tables(h, &t);
}

static void count_few(struct histogram *h, const float *x, size_t n, float inverse)
{
    int16_t bin[BLOCK];
    vn_value_kernels_chosen()->bins(bin, x, inverse, n);
    for (size_t i = 0; i < n; i++)
        h->bin[bin[i]]++;
}

int vn_histogram_add_range(struct histogram *h, const float *x, size_t n)
{
    float lo, hi;
    if (!n)
        return VN_OK;
    if (!vn_value_kernels_chosen()->extremes(&lo, &hi, x, n))
        return VN_E_INPUT;
    include_range(h, lo, hi);
    h->count += n;
    return VN_OK;
}

int vn_histogram_used(const struct histogram *h)
{
    int used = HISTOGRAM_BINS;
    while (used && !h->bin[used - 1])
        used--;
    return used;
}

int vn_histogram_add(struct histogram *h, const float *x, size_t n)
{
    TRY(vn_histogram_add_range(h, x, n));
    const float inverse = ldexpf(1, -h->exponent);
    for (size_t more; n > BLOCK; x += more, n -= more) {
        more = n < MOST_IN_TABLES ? n : MOST_IN_TABLES;
        count_many(h, x, more, inverse);
    }
    count_few(h, x, n, inverse);
    return VN_OK;
}

static int merge(void *to, const void *from, struct vn_arena *a, struct vn_err *e)
{
    struct histogram *h = to;
    const struct histogram *x = from;
    (void)a, (void)e;
    if (!x->count)
        return VN_OK;
    include_range(h, x->min, x->max);
    h->count += x->count;
    const int shift = h->exponent - x->exponent; /* of widths, so of indices */
    for (int i = 0; i < HISTOGRAM_BINS; i++)
        h->bin[shift < 12 ? i >> shift : 0] += x->bin[i];
    return VN_OK;
}

/* ---- in files: count, least, largest; number of bins that are not 0 (none: only the range was taken); for
 * each the bins before it that are, and its count ---- */

static void write_entry(struct result_writer *w, const void *entry)
{
    const struct histogram *h = entry;
    uint64_t used = 0;
    int next = 0;
    vn_result_put(w, h->count);
    if (!h->count)
        return;
    vn_result_put_bytes(w, &h->min, sizeof h->min);
    vn_result_put_bytes(w, &h->max, sizeof h->max);
    for (int i = 0; i < HISTOGRAM_BINS; i++)
        used += h->bin[i] != 0;
    vn_result_put(w, used);
    for (int i = 0; i < HISTOGRAM_BINS; i++)
        if (h->bin[i]) {
            vn_result_put(w, (uint64_t)(i - next));
            vn_result_put(w, h->bin[i]);
            next = i + 1;
        }
}

static int get_float(struct result_reader *r, float *x, const char *what)
{
    const void *p;
    TRY(vn_result_get_bytes(r, &p, sizeof *x, what));
    memcpy(x, p, sizeof *x);
    return isfinite(*x) && !(*x == 0 && signbit(*x))
               ? VN_OK
               : vn_result_bad(r, "%s: expected a finite number other than -0, got %g", what, (double)*x);
}

/* The last bin that is used is the one of the largest magnitude. */
static int get_bins(struct result_reader *r, struct histogram *h, int used)
{
    const int last = (int)(largest(h) * ldexpf(1, -h->exponent));
    uint64_t gap, count, sum = 0;
    int next = 0;
    for (int i = 0; i < used; i++, next++) {
        if (next > last)
            return vn_result_bad(r, "number of bins: %d, but bin %d, of the largest magnitude, is number %d",
                                 used, last, i);
        TRY(vn_result_get(r, &gap, (uint64_t)(last - next), "gap between bins"));
        TRY(vn_result_get(r, &count, UINT64_MAX, "count of a bin"));
        if (!count)
            return vn_result_bad(r, "count of a bin: expected at least 1, got 0");
        next += (int)gap;
        h->bin[next] = count;
        sum += count;
    }
    if (sum != h->count || next != last + 1)
        return vn_result_bad(r, "bins up to %d with %llu values, expected up to %d with %llu", next - 1,
                             (unsigned long long)sum, last, (unsigned long long)h->count);
    return VN_OK;
}

static int read_entry(struct result_reader *r, void *entry)
{
    struct histogram *h = entry;
    uint64_t used;
    TRY(vn_result_get(r, &h->count, UINT64_MAX, "count"));
    if (!h->count)
        return VN_OK;
    TRY(get_float(r, &h->min, "minimum"));
    TRY(get_float(r, &h->max, "maximum"));
    if (h->min > h->max)
        return vn_result_bad(r, "minimum %g is above maximum %g", (double)h->min, (double)h->max);
    h->exponent = exponent_for(largest(h));
    TRY(vn_result_get(r, &used, HISTOGRAM_BINS, "number of bins"));
    return used ? get_bins(r, h, (int)used) : VN_OK;
}

const struct result_kind vn_result_histogram = { "histogram", sizeof(struct histogram), merge, write_entry,
                                                 read_entry };
