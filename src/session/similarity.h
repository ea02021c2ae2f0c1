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

/* A tensor that the runtime shows, as float32 in the source model's axis order. out has vn_view_count
 * elements. */
void vn_view_real(float *out, const struct vn_view *t);
/* Its stored integers (int8 or int16) in that order. */
void vn_view_integers(int32_t *out, const struct vn_view *t);
int64_t vn_view_count(const struct vn_view *t);
/* Does it stand for its value in a run? The first such tensor does: the value itself; an input as it is
 * given; the copy by which a constant leaves. Other copies come after what they copy. */
static inline int vn_view_is_value(const struct vn_view *t)
{
    return t->role == VN_ROLE_VALUE || t->role == VN_ROLE_BYTES || t->role == VN_ROLE_COPY;
}

#endif
