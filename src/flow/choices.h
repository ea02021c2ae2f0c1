/* flow/choices.h - outputs that choose: probabilities along an axis, or integers. Whether the same is chosen
 * says more than how far the numbers lie apart. */
#ifndef VN_CHOICES_H
#define VN_CHOICES_H

#include "tensor/choice.h"

/* Over samples. Of an output with many places, those count where one side chooses something else than what
 * the left chooses most: a detector's background would hide its objects. */
struct choice_count {
    int64_t made, kept;
    int64_t places; /* where the left has probabilities */
    double entropy; /* sum over these; 1: all classes are equally likely */
};
/* exact: integers or booleans. An output that does not choose adds nothing. */
void vn_choices_add(struct choice_count *c, const struct vn_tensor *left, int exact, const float *x,
                    const float *y, struct vn_arena *a);

/* 95 % of the share `kept` of `made`, at least 1 (Wilson score interval). */
void vn_choices_interval(const struct choice_count *c, double *low, double *high);

#endif
