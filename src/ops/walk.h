/* ops/walk.h - how two operands are stepped through together. */
#ifndef VN_WALK_H
#define VN_WALK_H

#include <stdint.h>

#include <vernier/runtime.h>

/* Dimensions and two sets of strides, fewest dimensions for the same walk. */
struct joint_walk {
    int rank;
    int64_t d[VN_MAX_RANK], a[VN_MAX_RANK], b[VN_MAX_RANK];
};

/* Leave out dimensions of 1, and join neighbours that both operands step through evenly. */
void vn_walk_simplify(struct joint_walk *w);

#endif
