/* session/similarity.h - how alike two tensors are. */
#ifndef VN_SIMILARITY_H
#define VN_SIMILARITY_H

#include <stdint.h>

struct similarity {
    /* 1 when both are all zero or empty, 0 when one is; infinities that are equal do not count */
    double cosine;
    double l1; /* mean |d| */
    double l2; /* ||d||_2 / N */
    double chebyshev; /* max |d| */
    double sqnr; /* dB: 10 log10(sum a^2 / sum d^2); +inf when equal */
    double zeros; /* share of zeros in the reference */
    int64_t n;
};
/* b against the reference a. Sums are those of vn_value_kernels: the same on every CPU, in the order of the
 * arrays. */
struct similarity vn_similarity(const float *a, const float *b, int64_t n);
/* Only the cosine. */
double vn_cosine(const float *a, const float *b, int64_t n);
/* A comparison whose reference is mostly zeros says little. */
#define MISTRUST_ZEROS 0.99

#endif
