/* tensor/choice.h - outputs that choose: along one axis of a tensor, the largest element is the choice. */
#ifndef VN_CHOICE_H
#define VN_CHOICE_H

#include "tensor/tensor.h"

struct choice_axis {
    int64_t classes, step; /* elements along the axis, and the distance from one to the next */
};
struct choice_axis vn_choice_axis(const struct vn_shape *s, int axis);

/* The first of the largest elements at a place: 0 .. elements / classes - 1, in memory order. */
int64_t vn_choice(const float *x, const struct choice_axis *k, int64_t place);

/* Are the elements at that place probabilities: none is negative, and their sum is 1? */
int vn_choice_is_probable(const float *x, const struct choice_axis *k, int64_t place);

/* Entropy of the probabilities there, or of the softmax of others; 1: all classes are equally likely. */
double vn_choice_entropy(const float *x, const struct choice_axis *k, int64_t place);

#endif
