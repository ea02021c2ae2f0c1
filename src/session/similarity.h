/* session/similarity.h - how alike two tensors are, and tensors that the runtime shows as numbers. */
#ifndef VN_SIMILARITY_H
#define VN_SIMILARITY_H

#include <vernier/runtime.h>

struct similarity {
    double cosine;    /* 1 when both are all zero, 0 when one is */
    double l1;        /* mean |d| */
    double l2;        /* ||d||_2 / N */
    double chebyshev; /* max |d| */
    double sqnr;      /* dB: 10 log10(sum a^2 / sum d^2); +inf when equal */
    double zeros;     /* share of zeros in the reference */
    int64_t n;
};
/* b against the reference a. */
struct similarity vn_similarity(const float *a, const float *b, int64_t n);
/* A comparison whose reference is mostly zeros says little. */
#define MISTRUST_ZEROS 0.99

/* A tensor that the runtime shows, as float32 in the source model's axis order. out has the tensor's element count. */
void vn_seen_real(float *out, const struct vn_seen *t);
/* Its stored integers in that order. */
void vn_seen_integers(int32_t *out, const struct vn_seen *t);
int64_t vn_seen_count(const struct vn_seen *t);

#endif
