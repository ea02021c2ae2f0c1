/* debug/distance.h - how far a changed tensor lies from the float one: sums that samples add up in. */
#ifndef VN_DISTANCE_H
#define VN_DISTANCE_H

#include <vernier/debug.h>

/* Of one tensor in one sample, or of several samples. */
struct distance {
    double cosine; /* sum over samples */
    double signal, noise; /* sums of float^2 and difference^2 */
    double relative, most; /* sum of |difference| / |float|; the largest |difference| */
    int64_t n, counted, samples; /* elements; those with float other than 0 */
    int64_t decisions, agreed;
};

/* x is float's. Decisions: the first largest element along the axis of `classes` elements that lie `step`
 * apart. Where the tensors have different sizes, what one has alone differs from 0. */
struct distance vn_distance(const float *x, int64_t nx, const float *y, int64_t ny, int64_t classes,
                            int64_t step);
void vn_distance_add(struct distance *to, const struct distance *d);
double vn_distance_metric(const struct distance *d, enum vn_debug_metric m);
double vn_distance_agreement(const struct distance *d);
/* Is a worse than b? */
int vn_debug_worse(enum vn_debug_metric m, double a, double b);

#endif
