/* flow/tensor_distance.h - every metric of `compare`, over samples that add up. */
#ifndef VN_TENSOR_DISTANCE_H
#define VN_TENSOR_DISTANCE_H

#include <vernier/compare.h>

#include "debug/distance.h"
#include "tensor/tensor.h"

struct tensor_distance {
    struct distance sums;
    double l1, l2, kl, zeros; /* sums over samples */
    int exact; /* integers and booleans: decisions are elements that are equal */
    double cosine_min;
    int worst; /* sample of cosine_min */
};
/* Of the same number of elements; `sample` counts from 0. axis: of decisions; -1: exact. */
void vn_tensor_distance_add(struct tensor_distance *d, const struct vn_tensor *left, const float *x,
                            const float *y, int axis, int sample);
double vn_tensor_distance_metric(const struct tensor_distance *d, enum vn_compare_metric m);

#endif
