/* result/histogram.h - how many values of a tensor have which magnitude. */
#ifndef VN_HISTOGRAM_H
#define VN_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BINS 4096

/* |x| in bins of width 2^exponent from zero on. The width doubles when a larger value comes, merging bins in
 * pairs, so the result depends on the values alone, not on their order. Zeros: nothing was added. */
struct histogram {
    uint64_t bin[HISTOGRAM_BINS];
    uint64_t count;
    int exponent;
    float min, max; /* of x, not of |x| */
};
/* Add n values; 0, or VN_E_INPUT where one is not finite. */
int vn_histogram_add(struct histogram *h, const float *x, size_t n);
/* Bins up to the last one that holds a value. */
int vn_histogram_used(const struct histogram *h);
/* Only their number, the least and the largest: what then is in the bins says nothing. */
int vn_histogram_add_range(struct histogram *h, const float *x, size_t n);

#endif
