/* ops/masks.h - which values in front of a softmax carry a mask.
 *
 * A mask moves some elements so far below the others that their probability is 0: -10000, -1e9, the lowest
 * float32 or -infinity are added to them, or chosen instead of them. How far below does not matter, so the
 * range of such a value is that of its other elements. docs/numerics.md has the rule.
 */
#ifndef VN_MASKS_H
#define VN_MASKS_H

#include "ops/op.h"

struct mask {
    int sign; /* 0: carries no mask; 1: masked elements lie far below the others; -1: far above */
    double limit; /* sign * x < limit: x is masked */
    const struct node *reader; /* the softmax that reads it itself; else NULL */
};
/* By value id, in `a`. The graph is indexed. */
struct mask *vn_masks_find(struct vn_arena *a, const struct graph *g);

static inline int vn_mask_hides(const struct mask *m, double x) { return m->sign && m->sign * x < m->limit; }

/* How a masked operand comes into a node's result. */
enum mask_way {
    MASK_NO = 0, /* it does not */
    MASK_SAME, /* its elements are elements of the result */
    MASK_ADDED, /* with another operand */
    MASK_TAKEN, /* subtracted from it */
    MASK_SCALED, /* by a constant: times vn_mask_factor */
    MASK_FACTOR, /* it is the constant that a value of 0 (kept) to 1 (masked) is multiplied by */
};
enum mask_way vn_mask_way(const struct node *n, int input);
double vn_mask_factor(const struct node *n);

#endif
